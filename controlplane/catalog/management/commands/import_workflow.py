"""`manage.py import_workflow FILE`: drafts of the workflows that n8n exported."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from controlplane.catalog import importing
from controlplane.catalog.models import Release, Template
from controlplane.core.actor import system
from controlplane.core.errors import DomainError
from tenants.models import Partner

BY = system("import_workflow")


class Command(BaseCommand):
    help = "Import what n8n exported as drafts: cleaned, with what it needs and cannot carry."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="one workflow, or a list of them")
        parser.add_argument("--partner", help="slug of the partner that owns it; else the platform")
        parser.add_argument("--template", help="slug of the template that it is a version of")
        parser.add_argument("--title", default="", help="what the template is called")
        parser.add_argument("--release", default="", help="its version, such as 1.2.0")
        parser.add_argument(
            "--accept", action="store_true", help="make parameters of all that is proposed"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            owner = template = None
            if options["partner"]:
                owner = Partner.objects.get(slug=options["partner"])
            if options["template"]:
                template = Template.objects.get(slug=options["template"], owner=owner)
            made = importing.import_workflows(
                source=options["file"].read_bytes(),
                owner=owner,
                template=template,
                title=options["title"],
                version=options["release"],
                by=BY,
            )
            for release in made:
                self._tell(release, accept=options["accept"])
        except (Partner.DoesNotExist, Template.DoesNotExist, OSError) as error:
            raise CommandError(str(error)) from error
        except DomainError as error:
            told = "".join(f"\n  {fault.field}: {fault.message}" for fault in error.errors)
            raise CommandError(f"{error.detail}{told}") from error

    def _tell(self, release: Release, *, accept: bool) -> None:
        self.stdout.write(f"{release}: draft, {release.template.slug}")
        found = release.findings
        for need in found["connections"]:
            self.stdout.write(f"  connection: {need['label']} for {', '.join(need['nodes'])}")
        for need in found["packages"]:
            self.stdout.write(f"  package: {need['name']}")
        for note in found["not_carried"]:
            at = f"{note['node']}: " if note["node"] else ""
            self.stdout.write(f"  not carried: {at}{note['message']}")
        offered = importing.proposed(release)
        for spec in offered:
            places = ", ".join(use.node or "settings" for use in spec.uses)
            self.stdout.write(f"  parameter: {spec.name} ({spec.type}) in {places}")
        if accept and offered:
            importing.confirm(
                release_id=release.pk, names=[spec.name for spec in offered], labels={}, by=BY
            )
