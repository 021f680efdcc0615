"""`manage.py verify_audit [--tenant SLUG]`: exit status 1 where a chain is broken."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from controlplane.audit.services import verify_chain
from tenants.context import inside
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Verify the audit chain of every tenant, or of one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", help="slug of one tenant")

    def handle(self, *args: Any, **options: Any) -> None:
        tenants = Tenant.objects.all()
        if options["tenant"]:
            tenants = tenants.filter(slug=options["tenant"])
            if not tenants:
                raise CommandError(f"there is no tenant {options['tenant']!r}")
        broken = 0
        for tenant in tenants:
            with inside(tenant):
                state = verify_chain()
            if state.broken_at is None:
                self.stdout.write(f"{tenant.slug}: {state.entries} entries, head {state.head}")
            else:
                broken += 1
                self.stderr.write(
                    f"{tenant.slug}: BROKEN at entry {state.broken_at}: {state.reason}; "
                    f"{state.entries} entries before it hold"
                )
        if broken:
            raise CommandError(f"{broken} chain(s) are broken: compare them with a backup")
