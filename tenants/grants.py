"""What the database lets whom do: the application's login, and each tenant's role.

Run by the owner after each migration; every statement may be repeated. The application logs in as
a non-superuser that may become each tenant's role but inherits none of them, so outside of a tenant
it reads no tenant's rows.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connections
from psycopg import sql

if TYPE_CHECKING:
    from tenants.models import Tenant

# Shared tables that a tenant's role may use, declared by the apps that own them.
_shared: dict[str, dict[str, list[str]]] = {}
_owned: dict[str, str] = {}
_visible: dict[str, str] = {}
LONGEST_NAME = 63

# Tables of the tenant to which its role may add rows, and change or delete none. The audit stands
# below this floor; apps above declare theirs.
APPEND_ONLY = ["audit_entry", "audit_checkpoint"]


def let_tenants(privilege: str, table: str, columns: list[str]) -> None:
    """From AppConfig.ready: every tenant may `privilege` these columns of a shared table."""
    _shared.setdefault(table, {})[privilege] = columns


def keep_to_own_rows(table: str, column: str) -> None:
    """From AppConfig.ready: of a shared table a tenant's role touches its own schema's rows only.

    A grant knows columns, not values: without this a tenant could put a row in another's name.
    """
    _owned[table] = column


def keep_to_visible_rows(table: str, rows: str) -> None:
    """From AppConfig.ready: of a shared table a tenant's role sees the rows only that `rows` says.

    `rows` is an SQL condition; `public.pergola_partners_here()` in it gives the keys of the
    partners that serve the tenant.
    """
    _visible[table] = rows


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


def make_roles(schemas: Sequence[str]) -> None:
    """Roles for schemas that are still to come, all at once.

    Each grant of a role makes every session forget who is a member of what, so many tenants' are
    given in one statement.
    """
    names = [role_named(schema) for schema in schemas]
    roles = sql.SQL(", ").join(map(sql.Identifier, names))
    _run(
        [
            *(_composed(ENSURE_ROLE, name=sql.Literal(name), role=name) for name in names),
            _composed(
                "GRANT {every} TO {roles} WITH INHERIT TRUE", every=_every_tenant(), roles=roles
            ),
            _composed(
                "GRANT {roles} TO {app} WITH INHERIT FALSE, SET TRUE", roles=roles, app=_app_login()
            ),
        ]
    )


def rename_role(schema: str, new_schema: str) -> None:
    """With the schema. A role that was left over under the new name goes."""
    drop_role(new_schema)
    rename = "ALTER ROLE {role} RENAME TO {new}"
    _run([_composed(rename, role=role_named(schema), new=role_named(new_schema))])


def drop_role(schema: str) -> None:
    """After its schema; done as well when it is gone."""
    _run([_composed("DROP ROLE IF EXISTS {role}", role=role_named(schema))])


def grant_shared() -> None:
    """After migrating the shared schema."""
    if settings.DATABASES["default"]["USER"] == settings.DATABASES["owner"]["USER"]:
        raise ValueError("DATABASE_URL and DATABASE_OWNER_URL must name two logins")
    _run(_shared_statements(app=_app_login(), every=_every_tenant()))


def grant_tenant(tenant: "Tenant") -> None:
    """After migrating a tenant's schema: its role, and the application's right to become it."""
    _run(grant_statements(tenant.schema_name))


def grant_statements(schema: str) -> list[sql.Composed]:
    """What `grant_tenant` does, for the transaction of somebody else."""
    return _tenant_statements(schema, role_named(schema), app=_app_login(), every=_every_tenant())


def grant_relations(schema: str, *, tables: Iterable[str], sequences: Iterable[str]) -> None:
    """The tenant's rights to what was just made in its schema.

    By name: the privileges of all tables at once are a scan of the whole catalogue, and so cost
    the more the more tenants there are.
    """
    role = role_named(schema)
    _run(
        [
            *(_composed(TABLE, schema=schema, table=table, role=role) for table in tables),
            *(_composed(SEQUENCE, schema=schema, name=name, role=role) for name in sequences),
            *(
                _composed(ONLY_APPEND, schema=schema, table=table, role=role)
                for table in tables
                if table in APPEND_ONLY
            ),
        ]
    )


def tenant_digest() -> str:
    """Of the rights that a tenant has: another one says that they are to be renewed."""
    return _digest(_tenant_statements("schema", "role", app="app", every="every"))


def shared_digest() -> str:
    """Of the rights in the shared schema."""
    return _digest(_shared_statements(app="app", every="every"))


# A tenant's role may read neither tenants nor engagements. Whose partners are told is not for the
# caller to choose: it is the role, which a tenant's session cannot change.
PARTNERS_HERE = """
CREATE OR REPLACE FUNCTION public.pergola_partners_here() RETURNS uuid[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
  SELECT coalesce(array_agg(e.partner_id), '{{}}') FROM public.tenants_engagement e
  JOIN public.tenants_tenant t ON e.tenant_id = coalesce(t.sandbox_of_id, t.id)
  WHERE current_setting('role') = current_database() || '_' || t.schema_name
$$
"""
ENSURE_ROLE = """
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {name}) THEN CREATE ROLE {role} NOLOGIN;
  END IF;
END $$
"""
TABLE = "GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.{table} TO {role}"
SEQUENCE = "GRANT USAGE ON SEQUENCE {schema}.{name} TO {role}"
ONLY_APPEND = "REVOKE UPDATE, DELETE ON {schema}.{table} FROM {role}"


def _shared_statements(*, app: str, every: str) -> list[sql.Composed]:
    return [
        _composed(ENSURE_ROLE, name=sql.Literal(every), role=every),
        _composed("GRANT USAGE ON SCHEMA public TO {app}, {every}", app=app, every=every),
        _composed(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {app}", app=app
        ),
        _composed("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {app}", app=app),
        *(
            _composed(ONLY_APPEND, schema="public", table=table, role=app)
            for table in ("audit_entry", "audit_checkpoint")
        ),
        *(
            _composed(
                f"GRANT {privilege} ({{columns}}) ON public.{{table}} TO {{every}}",
                columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
                table=table,
                every=every,
            )
            for table, privileges in _shared.items()
            for privilege, columns in privileges.items()
        ),
        _composed(PARTNERS_HERE),
        _composed("REVOKE ALL ON FUNCTION public.pergola_partners_here() FROM PUBLIC"),
        _composed(
            "GRANT EXECUTE ON FUNCTION public.pergola_partners_here() TO {every}", every=every
        ),
        *(
            statement
            for table, rows in _rows_of_tenants().items()
            for statement in _row_statements(table, rows, app=app, every=every)
        ),
    ]


def _rows_of_tenants() -> dict[str, sql.Composable]:
    """By table, which rows a tenant's role touches at all."""
    # By the role, which is named after the schema: a search_path anybody may set.
    own = "current_user = current_database() || '_' || {column}"
    return {
        **{table: _composed(own, column=column) for table, column in _owned.items()},
        **{table: sql.SQL(rows) for table, rows in _visible.items()},  # type: ignore[arg-type]
    }


def _row_statements(
    table: str, rows: sql.Composable, *, app: str, every: str
) -> list[sql.Composed]:
    policies = (("own_rows", every, rows), ("all_rows", app, sql.SQL("true")))
    return [
        _composed("ALTER TABLE public.{table} ENABLE ROW LEVEL SECURITY", table=table),
        *(
            _composed(statement, policy=policy, table=table, role=role, shown=shown)
            for policy, role, shown in policies
            for statement in (
                "DROP POLICY IF EXISTS {policy} ON public.{table}",
                "CREATE POLICY {policy} ON public.{table} TO {role} USING ({shown})",
            )
        ),
    ]


def _tenant_statements(schema: str, role: str, *, app: str, every: str) -> list[sql.Composed]:
    return [
        _composed(ENSURE_ROLE, name=sql.Literal(role), role=role),
        _composed("GRANT {every} TO {role} WITH INHERIT TRUE", every=every, role=role),
        _composed("GRANT {role} TO {app} WITH INHERIT FALSE, SET TRUE", role=role, app=app),
        _composed("GRANT USAGE ON SCHEMA {schema} TO {role}", schema=schema, role=role),
        _composed(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
            schema=schema,
            role=role,
        ),
        _composed(
            "GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}", schema=schema, role=role
        ),
        *(
            _composed(ONLY_APPEND, schema=schema, table=table, role=role)
            for table in ("django_migrations", *APPEND_ONLY)
        ),
    ]


def _composed(statement: str, **names: str | sql.Composable) -> sql.Composed:
    return sql.SQL(statement).format(  # type: ignore[arg-type]  # made of constants
        **{
            key: name if isinstance(name, sql.Composable) else sql.Identifier(name)
            for key, name in names.items()
        }
    )


def _run(statements: Iterable[sql.Composed]) -> None:
    with connections["owner"].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _digest(statements: Iterable[sql.Composed]) -> str:
    text = "\n".join(sorted(statement.as_string(None) for statement in statements))
    return hashlib.sha256(text.encode()).hexdigest()


def _every_tenant() -> str:
    return f"{connections['owner'].settings_dict['NAME']}_every_tenant"


def _app_login() -> str:
    return str(connections["default"].settings_dict["USER"])
