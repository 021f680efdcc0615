"""Remarks that a request leaves in passing: when a key was used, from where, who was active.

They do not wait for PostgreSQL's disk: what it forgets of them when it crashes is the last
second's, and no answer depends on it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection, transaction

_HERE_ONLY = "SET LOCAL synchronous_commit TO off;"

Row = tuple[Any, ...]


def remark(statement: str, values: Sequence[Any] | Mapping[str, Any]) -> Row | None:
    """Carry it out, in one message and a transaction of its own. Returns its first row, if any.

    Within somebody's transaction it is a part of that one, which waits for the disk as it would.
    Raises DatabaseError, and that transaction goes on.
    """
    if connection.in_atomic_block:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone() if cursor.description else None
    with connection.cursor() as cursor:
        cursor.execute(_HERE_ONLY + statement, values)
        cursor.nextset()
        return cursor.fetchone() if cursor.description else None
