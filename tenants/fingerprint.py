"""Which migrations a schema has, in one value: equal to today's, there is nothing to do."""

import hashlib
from functools import cache

from django.db.migrations.loader import MigrationLoader


@cache
def current_fingerprint() -> str:
    """SHA-256 over the names of all migrations that this code has, in hex.

    Of every app: each schema keeps a row for each, also for those that have no table in it.
    """
    # Replaced ones as well: a squashed migration and what it replaces are another set of rows.
    names = sorted(f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations)
    return hashlib.sha256("\n".join(names).encode()).hexdigest()
