"""Who else is at work in the database: another migrate_fleet, or who holds a tenant's tables."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from controlplane.core.errors import DomainError

ONE_FLEET = "hashtext('tenants.migrate_fleet'), 0"


class FleetIsMigrated(DomainError):
    code = "fleet_is_migrated"
    status = 409
    title = "The fleet is being migrated already"


@contextmanager
def only_one() -> Iterator[None]:
    """Hold the fleet, on a connection that nobody else closes. Raises FleetIsMigrated."""
    own = connections.create_connection("owner")
    try:
        with own.cursor() as cursor:
            cursor.execute(f"SELECT pg_try_advisory_lock({ONE_FLEET})")
            if not cursor.fetchone()[0]:
                raise FleetIsMigrated(
                    f"Another migrate_fleet is at it ({_fleet_session(own)}). Wait until it has "
                    "ended, then run this again for what it left."
                )
        yield
    finally:
        own.close()


def _fleet_session(connection: BaseDatabaseWrapper) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid, backend_start FROM pg_locks JOIN pg_stat_activity USING (pid)"
            " WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND objid = 0"
            " AND classid = (hashtext('tenants.migrate_fleet')::bigint & 4294967295)::oid"
        )
        row = cursor.fetchone()
    if row is None:
        return "it has just ended"
    return f"database session {row[0]}" + (
        f", since {row[1]:%Y-%m-%d %H:%M:%S %Z}" if row[1] else ""
    )


def holders_of(connection: BaseDatabaseWrapper, schema: str) -> list[str]:
    """The sessions that hold locks on tables of the schema, the longest first.

    Says who, on what and since when, and nothing of the query: its values are a customer's.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT a.pid, coalesce(nullif(a.application_name, ''), 'no name'), a.usename,
                   a.query_start, min(c.relname),
                   pg_blocking_pids(a.pid) <> '{}' AS waits
            FROM pg_locks l
            JOIN pg_class c ON c.oid = l.relation
            JOIN pg_stat_activity a ON a.pid = l.pid
            WHERE l.granted AND l.locktype = 'relation' AND a.pid <> pg_backend_pid()
              AND c.relnamespace = %s::regnamespace AND c.relkind IN ('r', 'p')
            GROUP BY a.pid, 2, a.usename, a.query_start, a.xact_start
            ORDER BY a.xact_start NULLS LAST LIMIT 3
            """,
            ['"' + schema.replace('"', '""') + '"'],
        )
        return [
            f"session {pid} ({application}, as {user}) holds {table}"
            + (f", its query began {began:%Y-%m-%d %H:%M:%S %Z}" if began else "")
            + (", and waits itself" if waits else "")
            for pid, application, user, began, table, waits in cursor.fetchall()
        ]
