"""`manage.py purge [--tenant SLUG] [--dry-run]`: remove what is older than it may be kept."""

from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from controlplane.core.actor import system
from tenants.context import inside
from tenants.models import PurgeRun, Tenant
from tenants.retention.purge import purge_entered_tenant


class Command(BaseCommand):
    help = "Remove what is older than each tenant keeps it, and look again whether it is gone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", help="slug of one tenant")
        parser.add_argument("--dry-run", action="store_true", help="count only")

    def handle(self, *args: Any, **options: Any) -> None:
        # What is not used any more grows old all the same.
        tenants = Tenant.objects.filter(status__in=[Tenant.Status.ACTIVE, Tenant.Status.SUSPENDED])
        if options["tenant"]:
            tenants = tenants.filter(slug=options["tenant"])
            if not tenants:
                raise CommandError(f"there is no active or suspended tenant {options['tenant']!r}")
        unclean = 0
        for tenant in tenants:
            with inside(tenant):
                runs = purge_entered_tenant(by=system("purge"), dry_run=options["dry_run"])
            for run in runs:
                unclean += not run.is_clean
                self._say(tenant, run, dry_run=options["dry_run"])
        if unclean:
            raise CommandError(f"{unclean} purge(s) left something: see above")

    def _say(self, tenant: Tenant, run: PurgeRun, *, dry_run: bool) -> None:
        if not run.found and not run.error:
            return
        what = f"{tenant.slug}: {run.data_class} before {run.cutoff:%Y-%m-%d}: {run.found} found"
        done = "" if dry_run else f", {run.removed} removed, {run.left} left"
        (self.stderr if run.error else self.stdout).write(f"{what}{done} {run.error}".rstrip())
