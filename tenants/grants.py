"""What the database lets whom do: the application's login, and each tenant's role.

Run by the owner after each migration; every statement may be repeated. The application logs in as
a non-superuser that may become each tenant's role but inherits none of them, so outside of a tenant
it reads no tenant's rows.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connections
from psycopg import sql

if TYPE_CHECKING:
    from tenants.models import Tenant

# Shared tables that a tenant's role may use, declared by the apps that own them.
_shared: dict[str, dict[str, list[str]]] = {}
LONGEST_NAME = 63

# Tables of the tenant to which its role may add rows, and change or delete none. The audit stands
# below this floor; apps above declare theirs.
APPEND_ONLY = ["audit_entry"]


def let_tenants(privilege: str, table: str, columns: list[str]) -> None:
    """From AppConfig.ready: every tenant may `privilege` these columns of a shared table."""
    _shared.setdefault(table, {})[privilege] = columns


def keep_append_only(*tables: str) -> None:
    """From AppConfig.ready: in these tables of its own a tenant may only add rows."""
    APPEND_ONLY.extend(tables)


def role_of(tenant: "Tenant") -> str:
    """The name of the tenant's role; cluster-wide, so it begins with the database's name."""
    return role_named(tenant.schema_name)


def role_named(schema: str) -> str:
    """The role of the tenant that has this schema. Raises ValueError where it gets too long."""
    role = f"{connections['owner'].settings_dict['NAME']}_{schema}"
    if len(role) > LONGEST_NAME:
        raise ValueError(
            f"the role {role!r} is longer than PostgreSQL's {LONGEST_NAME} characters: give the "
            "database a shorter name"
        )
    return role


def _every_tenant() -> str:
    return f"{connections['owner'].settings_dict['NAME']}_every_tenant"


def _app_login() -> str:
    return str(connections["default"].settings_dict["USER"])


def _run(statement: str, **names: object) -> None:
    wrapped = {
        key: value if isinstance(value, sql.Composable) else sql.Identifier(str(value))
        for key, value in names.items()
    }
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(**wrapped))  # type: ignore[arg-type]


def _ensure_role(name: str) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name])
        if cursor.fetchone() is None:
            cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)))


def make_roles(schemas: Sequence[str]) -> None:
    """Roles for schemas that are still to come, all at once.

    Each grant of a role makes every session forget who is a member of what, so many tenants' are
    given in one statement.
    """
    roles = sql.SQL(", ").join(sql.Identifier(role_named(schema)) for schema in schemas)
    for schema in schemas:
        _ensure_role(role_named(schema))
    _run("GRANT {every} TO {roles} WITH INHERIT TRUE", every=_every_tenant(), roles=roles)
    _run("GRANT {roles} TO {app} WITH INHERIT FALSE, SET TRUE", roles=roles, app=_app_login())


def rename_role(schema: str, new_schema: str) -> None:
    """With the schema. A role that was left over under the new name goes."""
    drop_role(new_schema)
    _run(
        "ALTER ROLE {role} RENAME TO {new}",
        role=role_named(schema),
        new=role_named(new_schema),
    )


def drop_role(schema: str) -> None:
    """After its schema; done as well when it is gone."""
    _run("DROP ROLE IF EXISTS {role}", role=role_named(schema))


def grant_shared() -> None:
    """After migrating the shared schema."""
    if settings.DATABASES["default"]["USER"] == settings.DATABASES["owner"]["USER"]:
        raise ValueError("DATABASE_URL and DATABASE_OWNER_URL must name two logins")
    app = _app_login()
    _ensure_role(_every_tenant())
    _run("GRANT USAGE ON SCHEMA public TO {app}, {every}", app=app, every=_every_tenant())
    for kind, rights in (("TABLES", "SELECT, INSERT, UPDATE, DELETE"), ("SEQUENCES", "USAGE")):
        _run(f"GRANT {rights} ON ALL {kind} IN SCHEMA public TO {{app}}", app=app)
    _run("REVOKE UPDATE, DELETE ON public.audit_entry FROM {app}", app=app)
    for table, privileges in _shared.items():
        for privilege, columns in privileges.items():
            _run(
                f"GRANT {privilege} ({{columns}}) ON public.{{table}} TO {{every}}",
                columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
                table=table,
                every=_every_tenant(),
            )


def grant_tenant(tenant: "Tenant") -> None:
    """After migrating a tenant's schema: its role, and the application's right to become it."""
    schema, role = tenant.schema_name, role_of(tenant)
    make_roles([schema])
    _run("GRANT USAGE ON SCHEMA {schema} TO {role}", schema=schema, role=role)
    _run(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
        schema=schema,
        role=role,
    )
    _run("GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}", schema=schema, role=role)
    for table in ("django_migrations", *APPEND_ONLY):
        _run(
            "REVOKE UPDATE, DELETE ON {schema}.{table} FROM {role}",
            schema=schema,
            table=table,
            role=role,
        )
