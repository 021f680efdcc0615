"""What new tenants are copied from: a template schema, migrated and seeded, compiled into a row."""

import hashlib
import json
from functools import cache
from typing import Any

from django.db import connections, transaction
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from controlplane.audit.models import Entry
from controlplane.core.locks import alone
from controlplane.core.logs import get_logger
from tenants import grants
from tenants.fingerprint import current_fingerprint
from tenants.models import Blueprint, Tenant
from tenants.provisioning.catalogue import ask, looking_into
from tenants.provisioning.compiler import Compiled, NotCompilable, compile_schema
from tenants.provisioning.copies import drop_schemas, lay_out
from tenants.provisioning.schemas import build_schema
from tenants.provisioning.steps import digest_of_seeds, run_seeds, seeded_tables

# No tenant's schema begins like these.
TEMPLATE = "template_tenant"
_TRIAL = "template_trial"

log = get_logger(__name__)

# Times move with the copy: its latest is now, and what was made first stays first.
SEEDED = """
SELECT c.relname AS key, quote_ident(c.relname) AS name,
 array_agg(quote_ident(a.attname) ORDER BY a.attnum) AS columns,
 array_agg(CASE a.atttypid WHEN 'timestamptz'::regtype
  THEN format('r.%%I + (now() - %%L::timestamptz)', a.attname, now())
  ELSE format('r.%%I', a.attname) END ORDER BY a.attnum) AS taken
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = %(schema)s::regnamespace AND c.relkind = 'r' AND a.attnum > 0
 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''
GROUP BY c.relname
"""


@cache
def current_blueprint_fingerprint() -> str:
    """Of all that a copy is made of: migrations, seeds, and what a tenant may do there."""
    told = [current_fingerprint(), digest_of_seeds(), sorted(grants.APPEND_ONLY)]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def current_blueprint() -> Blueprint | None:
    """The one of this code; none while there is none yet, or another release's."""
    return Blueprint.objects.filter(fingerprint=current_blueprint_fingerprint()).first()


def renew_blueprint() -> bool:
    """Build and compile the template anew where it is not what this code would build.

    False where nothing was to do. Called in no transaction; interrupted, it starts over. An older
    release leaves a newer one's blueprint alone. Raises NotCompilable: tenants are then built by
    migrations, one by one.
    """
    with alone("tenants.blueprint", ""):
        if current_blueprint() is not None or _database_is_newer():
            return False
        # Afresh, not migrated on: only so is it what migrations make of a new tenant today.
        drop_schemas([TEMPLATE])
        template = Tenant(schema_name=TEMPLATE, slug="template", name="Template")
        build_schema(template)
        run_seeds(template)
        blueprint = _compiled(grants.role_of(template))
        with transaction.atomic():
            Blueprint.objects.all().delete()
            blueprint.save(force_insert=True)
    log.info("blueprint.renewed", fingerprint=blueprint.fingerprint[:12])
    return True


def _database_is_newer() -> bool:
    """Whether the shared schema has migrations that this code does not know."""
    known = set(MigrationLoader(None).disk_migrations)
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT app, name FROM public.django_migrations")
        return not {(app, name) for app, name in cursor.fetchall()} <= known


def _compiled(role: str) -> Blueprint:
    with transaction.atomic(using="owner"):
        compiled = compile_schema(TEMPLATE, role=role)
        _try_out(compiled, role)
        rows, entries = _seeds_of(compiled)
    return Blueprint(
        fingerprint=current_blueprint_fingerprint(),
        statements=compiled.statements,
        grants=compiled.grants,
        rows=rows,
        entries=entries,
    )


def _try_out(compiled: Compiled, role: str) -> None:
    """A copy has to compile to the same statements, else no tenant is made by them."""
    with transaction.atomic(using="owner"):
        lay_out(_TRIAL, compiled.statements, compiled.grants, role=role)
        again = compile_schema(_TRIAL, role=role)
        if again != compiled:
            differ = set(again.statements) ^ set(compiled.statements)
            raise NotCompilable(f"a copy differs from the template: {sorted(differ)[:2]}")
        transaction.set_rollback(True, using="owner")


def _seeds_of(compiled: Compiled) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The template's rows by table, and what its audit trail tells. Raises NotCompilable."""
    with looking_into(TEMPLATE) as cursor:
        tables = {row["key"]: row for row in ask(cursor, SEEDED, TEMPLATE)}
        found = []
        for key in compiled.order:
            if key == "audit_entry":
                continue
            order = sql.SQL("id") if key == "django_migrations" else sql.SQL("r::text")
            cursor.execute(
                sql.SQL(
                    "SELECT json_agg(r ORDER BY {order})::text, count(*) FROM {table} r"
                ).format(table=sql.Identifier(key), order=order)
            )
            text, count = cursor.fetchone()
            if not count:
                continue
            if key not in {*seeded_tables(), "django_migrations"}:
                raise NotCompilable(f"a seed left rows in {key}, which none has named")
            found.append(_insertion(tables[key], text))
        told = Entry.objects.using("owner").order_by("sequence")
        entries = [
            {
                "action": entry.action,
                "subject_type": entry.subject_type,
                "subject_id": entry.subject_id,
                "data": entry.data,
            }
            for entry in told
        ]
    return found, entries


def _insertion(table: dict[str, Any], text: str) -> dict[str, Any]:
    return {
        "statement": (
            f"INSERT INTO {table['name']} ({', '.join(table['columns'])})"  # noqa: S608
            f" SELECT {', '.join(table['taken'])}"
            f" FROM json_populate_recordset(NULL::{table['name']}, %s::json) AS r"
        ),
        "rows": text,
        "keys": [row["id"] for row in json.loads(text) if isinstance(row.get("id"), str)],
    }
