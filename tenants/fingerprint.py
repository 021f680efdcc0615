"""Which migrations a schema has, in one value: equal to today's, there is nothing to do."""

import hashlib
from collections.abc import Iterable
from functools import cache

from django.db.migrations.loader import MigrationLoader


@cache
def current_fingerprint() -> str:
    """SHA-256 over the names of all migrations that this code has, in hex.

    Of every app: each schema keeps a row for each, also for those that have no table in it.
    """
    return fingerprint_of(known_migrations())


def fingerprint_of(names: Iterable[str]) -> str:
    """The same over the names that are given, `<app>.<migration>` each, in any order."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()


def known_migrations() -> set[str]:
    """Every migration that this code has, as `<app>.<migration>`."""
    # Replaced ones as well: a squashed migration and what it replaces are another set of rows.
    return {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
