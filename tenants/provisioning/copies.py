"""Making a schema by the blueprint, within the owner's transaction: tables, rights, starter rows.

A key that a starter row has in the template is replaced by a new one wherever it stands, so no two
tenants have a row of the same key.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connections
from psycopg import sql

from controlplane.audit.models import Entry
from controlplane.audit.services import Told, link_entries
from controlplane.core.models import new_id
from tenants import grants
from tenants.models import Blueprint
from tenants.provisioning.catalogue import looking_into
from tenants.provisioning.steps import SEEDER

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def make_copy(blueprint: Blueprint, schema: str, *, role: str) -> Entry | None:
    """The schema as a new tenant has it; returns the head of its audit trail, where one has begun.

    The role is there already.
    """
    lay_out(schema, blueprint.statements, blueprint.grants, role=role)
    keys = [key for table in blueprint.rows for key in table["keys"]]
    # In the order of the old ones, so that rows keep the order in which they were made.
    new_keys = {old: str(new_id()) for old in sorted(keys)}

    def renewed(text: str) -> str:
        return _UUID.sub(lambda found: new_keys.get(found[0], found[0]), text)

    with looking_into(schema) as cursor:
        for table in blueprint.rows:
            cursor.execute(table["statement"], [renewed(table["rows"])])
    entries = json.loads(renewed(json.dumps(blueprint.entries)))
    return tell_trail(schema, [Told(**entry, by=SEEDER) for entry in entries], after=None)


def make_empty(blueprint: Blueprint, schema: str, *, role: str) -> None:
    """The schema as migrations alone leave it: without starter rows, for rows from elsewhere.

    The role is there already.
    """
    lay_out(schema, blueprint.statements, blueprint.grants, role=role)
    with looking_into(schema) as cursor:
        for table in blueprint.rows:
            # Which migrations were applied is known of the schema, not of the tenant.
            if table["statement"].startswith("INSERT INTO django_migrations "):
                cursor.execute(table["statement"], [table["rows"]])


def lay_out(
    schema: str, statements: Sequence[str], rights: Sequence[Sequence[Any]], *, role: str
) -> None:
    """Tables and rights of an empty schema; in one message, or one by one where settings say so."""
    owner = connections["owner"].connection
    named_schema = sql.Identifier(schema).as_string(owner)
    named_role = sql.Identifier(role).as_string(owner)
    script = [
        "SET LOCAL check_function_bodies = off",
        f"CREATE SCHEMA {named_schema}",
        f"GRANT USAGE ON SCHEMA {named_schema} TO {named_role}",
        *statements,
        *(
            f"GRANT {privileges} ON {kind} {', '.join(names)} TO {named_role}"
            for privileges, kind, names in rights
        ),
    ]
    with looking_into(schema) as cursor:
        for message in script if settings.DDL_ONE_BY_ONE else ["; ".join(script)]:
            cursor.execute(message)


@contextmanager
def queued() -> Iterator[None]:
    """What the owner's connection is told inside waits for no answer: one way there and back.

    Nothing may be read; what goes wrong is raised at the end at the latest.
    """
    owner = connections["owner"]
    owner.ensure_connection()
    with owner.wrap_database_errors, owner.connection.pipeline():
        yield


def tell_trail(schema: str, told: Iterable[Told], *, after: Entry | None) -> Entry | None:
    """Goes on with a chain that nobody has seen yet, and returns its new head; reads nothing."""
    entries = link_entries(told, after=after)
    rows = [
        {field.column: field.value_from_object(entry) for field in Entry._meta.concrete_fields}
        for entry in entries
    ]
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "INSERT INTO {table} SELECT r.* FROM json_populate_recordset(NULL::{table}, %s) r"
            ).format(table=sql.Identifier(schema, Entry._meta.db_table)),
            # Times as PostgreSQL writes them: the hash covers every microsecond.
            [json.dumps(rows, default=str)],
        )
    return entries[-1] if entries else after


def drop_schemas(schemas: Iterable[str]) -> None:
    """Each with its role and all that is in it; gone afterwards, also where they were before."""
    for schema in schemas:
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))
            )
        grants.drop_role(schema)
