"""The database's own wall: every table × every statement, from another tenant's role.

What it does not stop: SQL of one's own. The login may take any tenant's role, so an injected
RESET ROLE opens every schema, and the names and sizes of all tables stand in the catalogue.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from psycopg import sql

from tenants import grants
from tenants.context import inside
from tenants.database.base import DatabaseWrapper
from tenants.models import Tenant
from tests.guards.test_schemas import GRANTED
from tests.integration.isolation.callers import Callers
from tests.integration.isolation.cells import Cells

STATEMENTS = {
    "SELECT": "SELECT 1 FROM {table} LIMIT 1",
    "INSERT": "INSERT INTO {table} DEFAULT VALUES",
    "UPDATE": "UPDATE {table} SET {column} = {column}",
    "DELETE": "DELETE FROM {table}",
    "TRUNCATE": "TRUNCATE {table}",
    "LOCK": "LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
}
OWNS = {
    "ALTER": "ALTER TABLE {table} ADD COLUMN loot int",
    "DROP": "DROP TABLE {table}",
    "RLS": "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "GRANT": "GRANT SELECT ON {table} TO PUBLIC",
}
# Functions of Pergola's own that run with their owner's rights, and what guards each.
SECURITY_DEFINER: dict[str, str] = {
    "pergola_partners_here": "it tells the partners of the role that asks, and takes no argument",
}


def query(statement: str, *given: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return cursor.fetchall()


def tables(schema: str) -> list[tuple[str, str]]:
    """(name, a column) of everything that holds rows there: tables, views, sequences apart."""
    return query(
        "SELECT c.relname, min(a.attname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = to_regnamespace(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
        " AND a.attnum > 0 AND NOT a.attisdropped GROUP BY 1 ORDER BY 1",
        schema,
    )


@contextmanager
def standing(tenant: Tenant | None) -> Iterator[str]:
    """Inside the tenant, or outside of all as the application's login."""
    if tenant is None:
        connection.set_schema_to_public()
        yield "the login outside"
        return
    with inside(tenant):
        yield f"the role of {tenant.slug}"


def denied(statement: sql.Composable, say: str = "permission denied|must be owner") -> list[str]:
    """What is wrong: nothing, where PostgreSQL refuses it."""
    import re

    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
            return ["it is carried out"]
    except ProgrammingError as error:
        return [] if re.search(say, str(error)) else [f"it fails otherwise: {error}"]


def composed(template: str, schema: str, table: str, column: str) -> sql.Composed:
    return sql.SQL(template).format(
        table=sql.Identifier(schema, table), column=sql.Identifier(column)
    )


@pytest.mark.parametrize("who", ["neighbour", "sandbox", None])
def test_no_table_of_a_tenant_is_open_to_another_role(who: str | None, callers: Callers) -> None:
    cells, schema = Cells("database"), callers.tenant.schema_name
    with standing(getattr(callers, who) if who else None) as name:
        for table, column in tables(schema):
            for verb, template in (STATEMENTS | OWNS).items():
                wrong = denied(composed(template, schema, table, column))
                cells.refused(f"{verb} {schema}.{table} by {name}", *wrong)
    cells.assert_no_leak()


def test_a_tenants_own_tables_are_open_to_it(callers: Callers) -> None:
    """Or a denial would prove nothing."""
    with inside(callers.tenant), connection.cursor() as cursor:
        for table, _column in tables(callers.tenant.schema_name):
            cursor.execute(composed(STATEMENTS["SELECT"], callers.tenant.schema_name, table, ""))


def test_a_tenant_owns_nothing_and_empties_nothing(callers: Callers) -> None:
    cells, schema = Cells("database"), callers.tenant.schema_name
    append_only = {"django_migrations", *grants.APPEND_ONLY}
    with inside(callers.tenant):
        for table, column in tables(schema):
            # Of GRANT it has nothing to give on, and PostgreSQL answers with a warning.
            verbs = {verb: OWNS[verb] for verb in OWNS if verb != "GRANT"}
            verbs["TRUNCATE"] = STATEMENTS["TRUNCATE"]
            if table in append_only:
                verbs |= {verb: STATEMENTS[verb] for verb in ("UPDATE", "DELETE")}
            for verb, template in verbs.items():
                wrong = denied(composed(template, schema, table, column))
                cells.refused(f"{verb} its own {table}", *wrong)
    cells.assert_no_leak()


def test_of_shared_tables_a_tenant_has_the_granted_columns_only(callers: Callers) -> None:
    cells = Cells("database")
    granted = {table: rights for table, rights in grants._shared.items()}
    with inside(callers.tenant):
        for table, column in tables("public"):
            may = granted.get(table, {})
            for verb, template in (STATEMENTS | OWNS).items():
                if may and verb in {"GRANT", "LOCK", *may}:
                    continue  # as above; a reader may hold off who changes it; granted
                wrong = denied(composed(template, "public", table, column))
                cells.refused(f"{verb} public.{table}", *wrong)
            for (name,) in query(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
                " AND NOT attisdropped",
                f"public.{table}",
            ):
                if name in may.get("SELECT", []):
                    continue
                statement = composed("SELECT {column} FROM {table}", "public", table, name)
                cells.refused(f"SELECT public.{table}.{name}", *denied(statement))
    cells.assert_no_leak()


def test_what_a_tenant_may_put_into_a_shared_table_is_in_its_own_name(callers: Callers) -> None:
    cells = Cells("database")
    with inside(callers.tenant):
        for table, rights in grants._shared.items():
            if not {"INSERT", "UPDATE", "DELETE"} & set(rights):
                continue
            column = grants._owned.get(table)
            if column is None:
                pytest.fail(
                    f"tenants may write to public.{table}: name the column that says whose a row "
                    "is, by tenants.grants.keep_to_own_rows in the app that grants it"
                )
            for schema in (callers.neighbour.schema_name, "public", "", "t_gone"):
                statement = sql.SQL("INSERT INTO {table} ({column}) VALUES ({schema})").format(
                    table=sql.Identifier("public", table), column=sql.Identifier(column),
                    schema=sql.Literal(schema),
                )  # fmt: skip
                wrong = denied(statement, "row-level security")
                cells.refused(f"INSERT public.{table} for {schema!r}", *wrong)
    cells.assert_no_leak()
    assert {(table, verb) for table, rights in grants._shared.items() for verb in rights} == GRANTED


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE {own}.loot (id int)", "CREATE TABLE {other}.loot (id int)",
        "CREATE TABLE public.loot (id int)", "CREATE TEMPORARY TABLE loot (id int)",
        "CREATE SCHEMA loot", "CREATE VIEW {own}.loot AS SELECT 1",
        "CREATE FUNCTION {own}.loot() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ALTER SCHEMA {other} RENAME TO loot", "DROP SCHEMA {other} CASCADE",
        "GRANT USAGE ON SCHEMA {own} TO PUBLIC", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES"
        " TO PUBLIC", "CREATE ROLE loot", "ALTER ROLE {role} SUPERUSER", "SET ROLE pergola_owner",
        "SET SESSION AUTHORIZATION pergola_owner", "SELECT pg_read_file('/etc/passwd')",
        "COPY (SELECT 1) TO PROGRAM 'true'", "CREATE EXTENSION vector SCHEMA {own}",
        "SET log_statement = 'all'", "SELECT pg_ls_dir('/')",
        "SELECT nextval('{other}.django_migrations_id_seq')",
        "SELECT lo_import('/etc/passwd')", "CREATE PUBLICATION loot FOR ALL TABLES",
    ],
)  # fmt: skip
def test_a_tenant_makes_and_takes_nothing(statement: str, callers: Callers) -> None:
    cells = Cells("database")
    filled = statement.format(
        own=callers.tenant.schema_name,
        other=callers.neighbour.schema_name,
        role=f'"{grants.role_of(callers.tenant)}"',
    )
    words = "permission denied|must be|no schema has been selected|not permitted|already exists"
    if "DEFAULT PRIVILEGES" in filled or filled.startswith("GRANT USAGE"):
        # These touch only what the role itself makes, which is nothing; or warn and do nothing.
        before = query("SELECT nspacl FROM pg_namespace WHERE nspname = 't_north'")
        with inside(callers.tenant), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(filled)
        after = query("SELECT nspacl FROM pg_namespace WHERE nspname = 't_north'")
        cells.refused(filled, *([] if before == after else ["it is carried out"]))
    else:
        with inside(callers.tenant):
            cells.refused(filled, *denied(sql.SQL(filled), words))
    cells.assert_no_leak()


def test_no_function_lends_its_owners_rights(callers: Callers) -> None:
    found = {
        name
        for (name,) in query(
            "SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
            " LEFT JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'"
            " WHERE p.prosecdef AND d.objid IS NULL AND n.nspname NOT LIKE 'pg\\_%%'"
        )
    }

    assert found == set(SECURITY_DEFINER), "say in SECURITY_DEFINER what guards it, and try it here"


def test_a_function_with_its_owners_rights_tells_of_the_asking_tenant_alone(
    callers: Callers,
) -> None:
    """Whatever search_path it makes for itself."""
    cells = Cells("database")
    told = "SELECT public.pergola_partners_here()"
    for tenant, other in (
        (callers.tenant, callers.neighbour),
        (callers.neighbour, callers.tenant),
    ):
        connection.set_schema_to_public()
        own = set(tenant.customer.engagements.values_list("partner", flat=True))
        with inside(tenant), transaction.atomic():
            query(f"SELECT set_config('search_path', '{other.schema_name}, public', true)")
            found = set(query(told)[0][0])
        cells.refused(f"another's partners, asked by {tenant}", *map(str, found - own))
        assert found == own
    connection.set_schema_to_public()
    cells.refused("the partners of nobody", *denied(sql.SQL(told)))
    cells.assert_no_leak()


def test_no_role_of_a_tenant_is_a_member_of_another(callers: Callers) -> None:
    every = grants._every_tenant()
    members = query(
        "SELECT m.rolname, r.rolname FROM pg_auth_members a"
        " JOIN pg_roles m ON m.oid = a.member JOIN pg_roles r ON r.oid = a.roleid"
        " WHERE m.rolname LIKE %s",
        f"{connection.settings_dict['NAME']}\\_t\\_%",
    )

    assert members
    assert {granted for _member, granted in members} == {every}
    assert not query(
        "SELECT rolname FROM pg_roles WHERE rolname LIKE %s"
        " AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolcanlogin)",
        f"{connection.settings_dict['NAME']}\\_%",
    )


def test_sql_of_ones_own_is_not_stopped_and_the_documents_say_so(callers: Callers) -> None:
    """The limit of this wall, on record: it is against mistakes, not against injection."""
    with inside(callers.tenant), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == ("pergola_app",)
        transaction.set_rollback(True)

    adr = settings.BASE_DIR / "docs" / "adr" / "0001-isolate-tenants-by-search-path-and-role.md"
    assert "`RESET ROLE`" in adr.read_text()


@pytest.fixture
def pooled(callers: Callers) -> Iterator[DatabaseWrapper]:
    """A connection as in production: from the pool that the settings describe."""
    given = connection.settings_dict
    pool = {**settings.POOL, "min_size": 1, "max_size": 1}
    wrapper = DatabaseWrapper(
        {**given, "OPTIONS": {**given["OPTIONS"], "pool": pool}}, alias="default"
    )
    yield wrapper
    wrapper.close()
    wrapper.close_pool()


def test_a_connection_from_the_pool_begins_outside(
    pooled: DatabaseWrapper, callers: Callers
) -> None:
    cells, seen = Cells("database"), set()
    for tenant in (callers.tenant, callers.neighbour, callers.tenant):
        pooled.set_tenant(tenant)
        with pooled.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid(), current_schema()")
            pid, schema = cursor.fetchone()
            seen.add(pid)
            assert schema == tenant.schema_name
        pooled.close()  # gives it back
        pooled.set_schema_to_public()
        with pooled.pool.connection() as raw:  # as somebody who sets nothing would meet it
            role, path = raw.execute(
                "SELECT current_user::text, current_setting('search_path')"
            ).fetchone()
        wrong = [] if role == "pergola_app" else [f"it begins as {role}"]
        if tenant.schema_name in path:
            wrong.append(f"it begins in {path}")
        cells.refused(f"the connection of {tenant.slug}, given back", *wrong)
    cells.assert_no_leak()
    assert len(seen) == 1, "it was another connection each time, which proves nothing"


def test_psycopg_is_what_refuses(callers: Callers) -> None:
    with inside(callers.neighbour), pytest.raises(ProgrammingError) as refused:
        query("SELECT 1 FROM t_north.orders_order")

    assert isinstance(refused.value.__cause__, psycopg.errors.InsufficientPrivilege)
