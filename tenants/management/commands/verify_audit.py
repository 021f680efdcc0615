"""`manage.py verify_audit [--tenant SLUG]`: exit status 1 where a chain is broken.

Without a tenant the platform's own chain too, in which the changes of its admins stand.
"""

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
        # One that is being made has no chain yet.
        tenants = Tenant.objects.exclude(status=Tenant.Status.PROVISIONING)
        if options["tenant"]:
            tenants = tenants.filter(slug=options["tenant"])
            if not tenants:
                raise CommandError(f"there is no tenant {options['tenant']!r}")
        broken = 0
        if not options["tenant"]:
            broken += self._verify("(platform)")
        for tenant in tenants:
            with inside(tenant):
                broken += self._verify(tenant.slug)
        if broken:
            raise CommandError(f"{broken} chain(s) are broken: compare them with a backup")

    def _verify(self, whose: str) -> bool:
        """The chain of the schema that is entered; whether it is broken."""
        state = verify_chain()
        if state.broken_at is None:
            self.stdout.write(f"{whose}: {state.entries} entries, head {state.head}")
            return False
        self.stderr.write(
            f"{whose}: BROKEN at entry {state.broken_at}: {state.reason}; "
            f"{state.entries} entries before it hold"
        )
        return True
