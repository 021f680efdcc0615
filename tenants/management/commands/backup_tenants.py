"""`manage.py backup_tenants (--all | --tenant SLUG …) --to FOLDER`: one archive for each tenant."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from tenants.backup import export_tenant
from tenants.backup.console import passphrase_in, shown
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Save tenants, each in an archive of its own: rows, files and n8n's workflows."

    def add_arguments(self, parser: ArgumentParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--all", action="store_true", help="every tenant, whatever its status")
        which.add_argument("--tenant", action="append", metavar="SLUG", help="may be repeated")
        parser.add_argument("--to", required=True, type=Path, metavar="FOLDER")
        parser.add_argument(
            "--passphrase-file",
            type=Path,
            metavar="FILE",
            help="secrets under this passphrase, to be restored under other ENCRYPTION_KEYS",
        )
        parser.add_argument(
            "--with-passwords",
            action="store_true",
            help="the members' password hashes too; without, they set a new one by e-mail",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        passphrase = passphrase_in(options["passphrase_file"])
        tenants = self._chosen(options["tenant"])
        failed = []
        with shown(len(tenants), self.stdout) as progress:
            for tenant in tenants:
                progress.begin(tenant.slug)
                try:
                    path = export_tenant(
                        tenant,
                        options["to"],
                        passphrase=passphrase,
                        with_passwords=options["with_passwords"],
                        progress=progress.step,
                    )
                except Exception as error:  # one that fails keeps no other from being saved
                    failed.append(tenant.slug)
                    progress.failed(tenant.slug, error)
                else:
                    progress.done(tenant.slug, f"{path} ({path.stat().st_size:,} bytes)")
        if failed:
            raise CommandError(f"not saved: {', '.join(failed)}")

    def _chosen(self, slugs: list[str] | None) -> list[Tenant]:
        # A sandbox comes after its production, as it must when they are restored.
        tenants = Tenant.objects.exclude(status=Tenant.Status.PROVISIONING).order_by(
            "environment", "slug"
        )
        if slugs is None:
            return list(tenants)
        found = list(tenants.filter(slug__in=slugs))
        if missing := set(slugs) - {tenant.slug for tenant in found}:
            raise CommandError(f"there is no tenant {', '.join(sorted(missing))}")
        return found
