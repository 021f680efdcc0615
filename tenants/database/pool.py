"""The connection pool's reset, apart from the backend: settings may import it early."""

from typing import Any


def reset_connection(connection: Any) -> None:
    """For the pool: nothing of the last tenant stays on a connection that goes back."""
    connection.execute("RESET ROLE")
    connection.execute("RESET search_path")
    if not connection.autocommit:
        connection.commit()
