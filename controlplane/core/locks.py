"""One at a time, for work that calls the outside world and so stands in no transaction."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def alone(what: str, which: str) -> Iterator[None]:
    """Wait until nobody else does `what` to `which`: `alone("catalog.installation", str(pk))`.

    A lock of the database session: it goes with the connection when a process dies. Read the row
    inside, since whoever came before may have changed it.
    """
    key = [what, which]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s), hashtext(%s))", key)
    try:
        yield
    finally:
        _let_go(key)


@contextmanager
def if_free(what: str, which: str) -> Iterator[bool]:
    """As `alone`, and nobody waits: False where somebody else is at it."""
    key = [what, which]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s), hashtext(%s))", key)
        (is_free,) = cursor.fetchone()
    try:
        yield is_free
    finally:
        if is_free:
            _let_go(key)


def _let_go(key: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_unlock(hashtext(%s), hashtext(%s))", key)
