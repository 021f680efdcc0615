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
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext(%s), hashtext(%s))", key)
