"""`manage.py upgrade_installation TENANT TEMPLATE`: asked as `clone_template` is."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from controlplane.catalog.management.arguments import add_place, parameters_of
from controlplane.catalog.models import Installation, Upgrade
from controlplane.catalog.upgrades.applying import run_upgrade
from controlplane.catalog.upgrades.asking import upgrade
from controlplane.catalog.upgrades.planning import plan_upgrade, wanted_release
from controlplane.core.actor import system
from controlplane.core.errors import DomainError
from tenants import lookup
from tenants.context import inside


class Command(BaseCommand):
    help = "Upgrade what a tenant installed of a template, keep its edits, and wait until it runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_place(parser)
        parser.add_argument(
            "--take", choices=["ours", "theirs"], help="for all conflicts: the tenant's, or the new"
        )
        parser.add_argument("--plan", action="store_true", help="only tell what would change")

    def handle(self, *args: Any, **options: Any) -> None:
        parameters = parameters_of(options["parameters"])
        try:
            with inside(lookup.tenant_by_slug(options["tenant"])):
                self._upgrade(options, parameters)
        except DomainError as error:
            raise CommandError(error.detail) from error

    def _upgrade(self, options: dict[str, Any], parameters: dict[str, Any]) -> None:
        slug = options["template"]
        installation = Installation.objects.present().filter(template_slug=slug).first()
        if installation is None:
            raise CommandError(f"“{slug}” is not installed there.")
        release = wanted_release(installation, options["to"])
        how: dict[str, Any] = {
            "installation_id": installation.pk,
            "release_id": release.pk,
            "take": options["take"],
            "parameters": parameters,
        }
        if options["plan"]:
            plan = plan_upgrade(**how)
            asked = [question.text for question in plan.questions() if not question.choice]
            for title, told in (
                ("The release", plan.release_changes()),
                ("The tenant", plan.own_changes()),
                ("To be decided", asked),
            ):
                self.stdout.write("\n  ".join([f"{title}:", *(told or ["nothing"])]))
            return
        noted = upgrade(**how, by=system("upgrade_installation"), in_worker=False)
        done = run_upgrade(noted.pk)
        if done.status != Upgrade.Status.DONE:
            raise CommandError(f"{done}: {done.error or done.get_status_display()}")
        self.stdout.write(f"{done}: done, {len(done.resolutions)} conflicts decided")
