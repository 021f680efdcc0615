"""Why a tenant could not be migrated, in words; whether trying again may help; what to do."""

from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import DatabaseError, InterfaceError

from tenants.fleet.migrator import BeingProvisioned, StepFailed
from tenants.fleet.sessions import holders_of

LONGEST = 500
# The message of an error of these classes repeats a value out of the tenant's rows.
TELLS_VALUES = ("22",)
LOCKED = {"55P03", "40P01", "40001"}
# Connection exceptions, shutdown, too many connections.
LOST = ("08", "57P", "53")


@dataclass(frozen=True)
class Failure:
    text: str
    what_to_do: str
    may_pass: bool


def explain(error: BaseException, *, connection: Any, schema: str) -> Failure:
    """Of what `Migrator.migrate` raised; asks the database who holds locks, where it was one."""
    step = error.migration if isinstance(error, StepFailed) else ""
    cause = error.__cause__ if isinstance(error, StepFailed) and error.__cause__ else error
    state = _sqlstate(cause)
    if isinstance(cause, BeingProvisioned):
        return Failure(
            "it is just being provisioned", "Run migrate_fleet again once it is there.", True
        )
    if state in LOCKED:
        return _locked(step, connection, schema)
    lost = isinstance(cause, DatabaseError | InterfaceError) and not state
    if lost or state.startswith(LOST):
        connection.close()
        return Failure(
            _told(step, "the connection to the database was lost"),
            "See whether PostgreSQL runs and has connections left, then run migrate_fleet again.",
            True,
        )
    return Failure(
        _told(step, _reason(cause, state)),
        "Mend its rows or the migration, then run migrate_fleet again: it does what is left.",
        False,
    )


def _locked(step: str, connection: Any, schema: str) -> Failure:
    try:
        holders = holders_of(connection, schema)
    except DatabaseError:
        holders = []
    held = "; ".join(holders) or "whoever held them has ended meanwhile"
    return Failure(
        _told(step, f"its tables are locked: {held}"),
        "Wait until that session has ended, or end it by SELECT pg_terminate_backend(…); then run"
        " migrate_fleet again.",
        True,
    )


def _sqlstate(error: BaseException) -> str:
    # Django's own error has the driver's as its cause.
    cause = error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error
    return (cause.sqlstate or "") if isinstance(cause, psycopg.Error) else ""


def _reason(error: BaseException, state: str) -> str:
    """Without the details of a database error, which repeat a row's values."""
    cause = error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error
    name = type(cause).__name__
    if not isinstance(cause, psycopg.Error):
        return f"{name}: {cause}"
    return name if state.startswith(TELLS_VALUES) else f"{name}: {cause.diag.message_primary}"


def _told(step: str, reason: str) -> str:
    return f"{step}: {reason}"[:LONGEST] if step else reason[:LONGEST]
