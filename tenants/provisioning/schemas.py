"""The reference path: a tenant's schema by Django's own migrations, as every copy must come out."""

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from tenants import grants
from tenants.fingerprint import current_fingerprint
from tenants.models import Tenant


def schema_exists(schema: str) -> bool:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(quote_ident(%s)) IS NOT NULL", [schema])
        return bool(cursor.fetchone()[0])


def build_schema(tenant: Tenant) -> None:
    """The tenant's schema at the newest migration, with its role and grants."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(tenant.schema_name))
        )
    call_command(
        "migrate_schemas",
        schema_name=tenant.schema_name,
        database="owner",
        interactive=False,
        verbosity=0,
    )
    grants.grant_tenant(tenant)
    tenant.schema_fingerprint, tenant.release = current_fingerprint(), settings.RELEASE
    Tenant.objects.using("owner").filter(pk=tenant.pk).update(
        schema_fingerprint=tenant.schema_fingerprint, release=tenant.release
    )
