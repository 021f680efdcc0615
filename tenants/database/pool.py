"""What happens to a pooled connection between two users."""

from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

SET_BOTH = "SELECT set_config('search_path', %s, false), set_config('role', %s, false)"
PUBLIC = '"public"'

# PostgreSQL keeps what it knows of each table that a connection has touched until the connection
# ends: about 1 MB for a tenant's. A hundred keep it well below 150 MB.
MOST_SCHEMAS = 100


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
        connection.execute(SET_BOTH, [PUBLIC, "none"])
        if not connection.autocommit:
            connection.commit()
    except psycopg.Error:
        connection.close()
        return
    connection.__dict__["is_outside"] = True
    if len(connection.__dict__.get("schemas_seen", ())) > MOST_SCHEMAS:
        # As the pool itself marks age; a test holds that it still works so.
        connection._expire_at = 0.0
