"""What happens to a pooled connection between two users."""

from typing import Any

import psycopg
from psycopg.pq import ExecStatus, TransactionStatus

SET_BOTH = "SELECT set_config('search_path', {}, false), set_config('role', {}, false)"
PUBLIC = '"public"'
# To libpq as it is: a cursor would take longer than PostgreSQL does.
LEAVE = SET_BOTH.format(f"'{PUBLIC}'", "'none'").encode()

# PostgreSQL keeps what it knows of each table that a connection has touched until the connection
# ends: about 1 MB for a tenant's. A hundred keep it well below 150 MB.
MOST_SCHEMAS = 100


def lend_the_last_first(pool: Any) -> None:
    """Have the pool lend the connection that came back last.

    The next question is often the same tenant's, whose tables that one knows; and what is idle
    stays so, until the pool shrinks. Psycopg lends the one that has waited longest, which in a
    large fleet knows the least. A test holds that its pool still works so.
    """
    if "_get_ready_connection" in vars(pool):
        return
    lend = pool._get_ready_connection

    def lend_last(timeout: float | None) -> Any:
        # Called with the pool's lock held.
        pool._pool.rotate(1)
        return lend(timeout)

    pool._get_ready_connection = lend_last


def note_schema(connection: Any, schema: str) -> None:
    """Remember on the connection itself whose tables it has seen."""
    connection.__dict__.setdefault("schemas_seen", set()).add(schema)


def reset_connection(connection: Any) -> None:
    """Before the pool gets it back: nothing of the last tenant stays on a connection.

    One that has seen many tenants is past its best: the pool puts a new one in its place. One that
    cannot be reset is closed, and the pool replaces it too.
    """
    try:
        # A rollback brings back what was set before the transaction, so it comes first.
        if connection.info.transaction_status != TransactionStatus.IDLE:
            connection.rollback()
        if connection.pgconn.exec_(LEAVE).status != ExecStatus.TUPLES_OK:
            raise psycopg.OperationalError("the connection could not leave its tenant")
    except psycopg.Error:
        connection.close()
        return
    connection.__dict__["is_outside"] = True
    if len(connection.__dict__.get("schemas_seen", ())) > MOST_SCHEMAS:
        # As the pool itself marks age; a test holds that it still works so.
        connection._expire_at = 0.0
