"""`manage.py test_template SLUG`: carry a template's cases out in a real n8n."""

import subprocess
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from controlplane.catalog.models import Release, Template
from controlplane.catalog.trying.running import CaseResult, note_run, run_cases
from controlplane.core.actor import system
from controlplane.core.errors import DomainError
from controlplane.instances.models import Workspace
from tenants import lookup
from tenants.context import inside

BY = system("test_template")


class Command(BaseCommand):
    help = (
        "Run the cases of a template and say what was expected and what came. With --tenant in the "
        "sandbox of a tenant here; without, everything is started for it and stopped afterwards."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", nargs="?", default="", help="else every folder's")
        parser.add_argument("--tenant", default="", help="slug of a sandbox; its rows take part")
        parser.add_argument("--release", default="", help="a version; else the highest there is")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["tenant"]:
            # A process of its own, since these settings have chosen their database already.
            done = subprocess.run(  # noqa: S603
                [sys.executable, "-m", "deploy.template_cases", *filter(None, [options["slug"]])],
                cwd=settings.BASE_DIR,
                check=False,
            )
            if done.returncode:
                raise CommandError("Not all cases passed.", returncode=done.returncode)
            return
        release = self._release(options["slug"], options["release"])
        try:
            tenant = lookup.tenant_by_slug(options["tenant"])
        except lookup.TenantUnknown as error:
            raise CommandError(error.detail) from error
        if not tenant.is_sandbox:
            raise CommandError(
                f"{tenant} is no sandbox: cases act as customers would. Make one in the portal."
            )
        try:
            results = run_cases(release, ground=lambda case: tenant, by=BY, progress=self.tell)
            with inside(tenant):
                version = Workspace.current().n8n_version
        except DomainError as error:
            raise CommandError(error.detail) from error
        run = note_run(release, results, n8n_version=version, by=BY)
        self.stdout.write(str(run))
        if run.failed:
            raise CommandError("Not all cases passed.")

    def _release(self, slug: str, version: str) -> Release:
        template = Template.objects.filter(slug=slug).first()
        found = list(template.releases.all()) if template else []
        found = [each for each in found if version in ("", each.version)]
        if not found:
            raise CommandError(f"There is no release {slug} {version}. See `load_templates`.")
        return max(found, key=lambda release: release.ordered_version)

    def tell(self, result: CaseResult) -> None:
        self.stdout.write(told(result))


def told(result: CaseResult) -> str:
    """One case for people: what was expected, what came, and which calls were made."""
    mark = "passed" if result.passed else "FAILED"
    lines = [f"{mark}  {result.name} ({result.seconds:.1f} s)"]
    if not result.passed:
        actual, expected = result.actual, result.expected
        lines += [
            f"        {result.error}",
            f"        expected {expected['verdict']} {', '.join(expected['reasons'])}",
            f"        actual   {actual['verdict'] or '–'} {', '.join(actual['reasons'])}",
            f"        calls    {', '.join(actual['calls']) or '–'}; run {actual['outcome'] or '–'}",
        ]
    return "\n".join(lines)
