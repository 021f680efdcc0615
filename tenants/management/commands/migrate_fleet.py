"""Migrate the shared schema and every tenant, as the owner: `manage.py migrate_fleet`."""

from typing import Any

from django.core.management import BaseCommand, call_command

from tenants import grants
from tenants.models import Tenant
from tenants.provisioning import build_schema


class Command(BaseCommand):
    help = "Migrate the shared schema, then every tenant's, and renew their grants."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command(
            "migrate_schemas", shared=True, database="owner", interactive=False, verbosity=0
        )
        grants.grant_shared()
        self.stdout.write("shared schema: migrated")
        tenants = list(Tenant.objects.using("owner").all())
        for number, tenant in enumerate(tenants, start=1):
            build_schema(tenant)
            self.stdout.write(f"{number}/{len(tenants)} {tenant.slug}: migrated")
