"""Tenants by the hundred: each schema has only the tables that a test's migration touches."""

from uuid import UUID

from controlplane.core.models import new_id
from tenants.fingerprint import current_fingerprint
from tenants.models import Tenant
from tests.integration.tenants.fleet.conftest import query

TABLES = ("django_migrations", "orders_order")


def make_slim_tenants(count: int, like: str = "t_north") -> list[UUID]:
    """As the schema `like` is, named slim-001 and so on; their rights are not looked after."""
    tenants = [
        Tenant(
            id=new_id(), slug=f"slim-{number:03}", schema_name=f"t_slim_{number:03}",
            name=f"Slim {number}", status="active", schema_fingerprint=current_fingerprint(),
        )
        for number in range(1, count + 1)
    ]  # fmt: skip
    Tenant.objects.using("owner").bulk_create(tenants)
    for tenant in tenants:
        schema = tenant.schema_name
        tables = ";".join(
            f"CREATE TABLE {schema}.{table} (LIKE {like}.{table} INCLUDING ALL)" for table in TABLES
        )
        query(
            f"CREATE SCHEMA {schema}; {tables};"
            f"INSERT INTO {schema}.django_migrations SELECT * FROM {like}.django_migrations;"
            f"ALTER TABLE {schema}.django_migrations ALTER id RESTART WITH 1000"
        )
    return [tenant.pk for tenant in tenants]
