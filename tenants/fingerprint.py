"""Which migrations and rights a schema has, in one value: equal to today's, nothing is to do."""

import hashlib
from collections.abc import Iterable
from functools import cache

from django.db.migrations.loader import MigrationLoader

from tenants import grants

# How much of a fingerprint tells the migrations; the rest tells the rights.
OF_MIGRATIONS = 48


@cache
def current_fingerprint() -> str:
    """64 hex digits: of all migrations that this code has, and of the rights that it gives."""
    return digest_of(known_migrations())[:OF_MIGRATIONS] + rights_of(grants.tenant_digest())


def rights_of(digest: str) -> str:
    return digest[: 64 - OF_MIGRATIONS]


def has_todays_rights(fingerprint: str) -> bool:
    return fingerprint[OF_MIGRATIONS:] == current_fingerprint()[OF_MIGRATIONS:]


@cache
def known_migrations() -> frozenset[str]:
    """All migrations of this code as `app.name`.

    Of every app: each schema keeps a row for each, also for those that have no table in it.
    Replaced ones as well: a squashed migration and what it replaces are another set of rows.
    """
    return frozenset(f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations)


def digest_of(migrations: Iterable[str]) -> str:
    """SHA-256 over their names in order of code points, in hex; `DIGEST` says the same in SQL."""
    return hashlib.sha256("\n".join(sorted(migrations)).encode()).hexdigest()


# Of the rows of one schema's table, which `{}` names.
DIGEST = """
SELECT encode(sha256(
    convert_to(coalesce(string_agg(name, E'\\n' ORDER BY name), ''), 'UTF8')
), 'hex')
FROM (SELECT DISTINCT (app || '.' || name) COLLATE "C" AS name FROM {}) AS applied
"""
