"""`manage.py export_audit --tenant SLUG --out FILE.zip`: the audit trail, for auditors.

Without a tenant the platform's own chain. FILE.zip has the tool that verifies it.
"""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from controlplane.audit import signing
from controlplane.audit.export import write_export
from tenants.context import inside
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Export an audit chain with its checkpoints and the tool that verifies them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", help="slug of the tenant; without it the platform's own")
        parser.add_argument("--out", required=True, help="the archive to write; it must not exist")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["tenant"]:
            self._export("The platform", options["out"])
            return
        tenant = Tenant.objects.filter(slug=options["tenant"]).first()
        if tenant is None:
            raise CommandError(f"there is no tenant {options['tenant']!r}")
        with inside(tenant):
            self._export(f"{tenant.name} ({tenant.slug})", options["out"])

    def _export(self, whose: str, out: str) -> None:
        try:
            sink = open(out, "xb")  # noqa: SIM115  (closed below)
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}") from error
        with sink:
            manifest = write_export(sink, whose=whose)
        self.stdout.write(
            f"{whose}: {manifest['entries']} entries and {manifest['checkpoints']} checkpoints in "
            f"{out}. The public key is {signing.public_key()}: give it to auditors by another way."
        )
        if manifest["broken"]:
            raise CommandError(manifest["broken"])
