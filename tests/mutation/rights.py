"""Grants anew what this process's `tenants.grants` says, in the tests' database.

Rights are in the database and not in the process, so a mutant of them is granted before its tests
and the real ones are granted afterwards, by a process without the mutant.
"""

import os


def grant_anew() -> None:
    from tests import services  # noqa: F401  (starts PostgreSQL and names the database)

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "controlplane.settings")
    import django

    django.setup()
    from django.db import connections
    from psycopg import sql

    from tenants import grants
    from tenants.models import Tenant

    def revoke(schema: str, role: str) -> None:
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}").format(
                    sql.Identifier(schema), sql.Identifier(role)
                )
            )

    revoke("public", grants._every_tenant())
    grants.grant_shared()
    for tenant in Tenant.objects.all():
        revoke(tenant.schema_name, grants.role_of(tenant))
        grants.grant_tenant(tenant)
    connections.close_all()


if __name__ == "__main__":
    grant_anew()
