"""`manage.py leave_tenant SLUG --reason "…"`, and `--return` to take it back in time."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from controlplane.core.actor import system
from controlplane.core.errors import DomainError
from tenants.leaving import leave_tenant, return_tenant
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Close a tenant's doors and export it; it is removed after its time of grace."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--reason", help="why it leaves; stands in the certificate")
        what.add_argument("--return", dest="back", action="store_true", help="take it back")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["slug"]).first()
        if tenant is None:
            raise CommandError(f"there is no tenant {options['slug']!r}")
        by = system("leave_tenant")
        try:
            if options["back"]:
                return_tenant(tenant=tenant, by=by)
                self.stdout.write(f"{tenant.slug}: active again")
                return
            departure = leave_tenant(tenant=tenant, by=by, reason=options["reason"])
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(
            f"{tenant.slug}: exported to {departure.export_name}"
            f" ({departure.export_bytes} bytes, SHA-256 {departure.export_sha256});"
            f" removed after {departure.remove_after:%Y-%m-%d %H:%M} UTC"
        )
