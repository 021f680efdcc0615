"""What the database lets whom do: the application's login, and each tenant's role.

Run by the owner after each migration; every statement may be repeated. The application logs in as
a non-superuser that may become each tenant's role but inherits none of them, so outside of a tenant
it reads no tenant's rows.
"""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connections
from psycopg import sql

if TYPE_CHECKING:
    from tenants.models import Tenant

# Shared tables that a tenant's role may use, declared by the apps that own them.
_shared: dict[str, dict[str, list[str]]] = {}
# Of those, the ones whose rows each belong to one tenant, and the column that says to which schema.
_owned: dict[str, str] = {}
LONGEST_NAME = 63

# Tables of the tenant to which its role may add rows, and change or delete none. The audit stands
# below this floor; apps above declare theirs.
APPEND_ONLY = ["audit_entry"]


def let_tenants(privilege: str, table: str, columns: list[str]) -> None:
    """From AppConfig.ready: every tenant may `privilege` these columns of a shared table."""
    _shared.setdefault(table, {})[privilege] = columns


def keep_to_own_rows(table: str, column: str) -> None:
    """From AppConfig.ready: of a shared table a tenant's role touches its own schema's rows only.

    A grant knows columns, not values: without this a tenant could put a row in another's name.
    """
    _owned[table] = column


def keep_append_only(*tables: str) -> None:
    """From AppConfig.ready: in these tables of its own a tenant may only add rows."""
    APPEND_ONLY.extend(tables)


def role_of(tenant: "Tenant") -> str:
    """The name of the tenant's role; cluster-wide, so it begins with the database's name."""
    role = f"{connections['owner'].settings_dict['NAME']}_{tenant.schema_name}"
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
    for table, column in _owned.items():
        _keep_rows_apart(table, column)


def _keep_rows_apart(table: str, column: str) -> None:
    """By the role, which is named after the schema: a search_path anybody may set."""
    _run("ALTER TABLE public.{table} ENABLE ROW LEVEL SECURITY", table=table)
    own = "current_user = current_database() || '_' || {column}"
    for policy, role, rows in (
        ("own_rows", _every_tenant(), own), ("all_rows", _app_login(), "true"),
    ):  # fmt: skip
        _run("DROP POLICY IF EXISTS {policy} ON public.{table}", policy=policy, table=table)
        _run(
            f"CREATE POLICY {{policy}} ON public.{{table}} TO {{role}} USING ({rows})",
            policy=policy,
            table=table,
            role=role,
            column=column,
        )


def grant_tenant(tenant: "Tenant") -> None:
    """After migrating a tenant's schema: its role, and the application's right to become it."""
    schema, role = tenant.schema_name, role_of(tenant)
    _ensure_role(role)
    _run("GRANT {every} TO {role} WITH INHERIT TRUE", every=_every_tenant(), role=role)
    _run("GRANT {role} TO {app} WITH INHERIT FALSE, SET TRUE", role=role, app=_app_login())
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
