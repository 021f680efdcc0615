"""What the connection pool does between two users, apart from the backend: settings import it."""

from typing import Any

SET_BOTH = "SELECT set_config('search_path', %s, false), set_config('role', %s, false)"
PUBLIC = '"public"'

# PostgreSQL keeps what it knows of each table that a connection has touched until the connection
# ends: about 1 MB for a tenant's. A hundred keep it well below 150 MB.
MOST_SCHEMAS = 100


def note_schema(connection: Any, schema: str) -> None:
    """Remember on the connection itself whose tables it has seen."""
    connection.__dict__.setdefault("schemas_seen", set()).add(schema)


def reset_connection(connection: Any) -> None:
    """For the pool: nothing of the last tenant stays on a connection that goes back.

    One that has seen many tenants is past its best: the pool puts a new one in its place.
    """
    connection.execute(SET_BOTH, [PUBLIC, "none"])
    connection.__dict__["is_outside"] = True
    if not connection.autocommit:
        connection.commit()
    if len(connection.__dict__.get("schemas_seen", ())) > MOST_SCHEMAS:
        # As the pool itself marks age; a test holds that it still works so.
        connection._expire_at = 0.0
