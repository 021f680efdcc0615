"""Messages that commit with the effect that wants them sent, and the relay that sends them.

The table is shared and holds ids only; the handler runs inside the tenant. Several relays may run:
each claims rows with SKIP LOCKED and holds them for a while, so a relay that dies loses nothing.
Where no other lives, the next one that starts takes what it held at once.
Claims, and the end of what was handled, do not wait for PostgreSQL's disk: what it forgets of them
when it crashes is done once more, as after any crash.
"""

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from controlplane.core.actor import Actor
from controlplane.core.http import backoff
from controlplane.core.logs import get_logger
from controlplane.core.models import new_id
from controlplane.events.measures import POSTPONED, note_relayed
from controlplane.events.models import OutboxMessage
from tenants.context import current_schema, inside, outside
from tenants.lookup import TenantUnknown, tenant_by_schema
from tenants.models import Tenant

CHANNEL = "pergola_outbox"
HELD_FOR = timedelta(seconds=90)
# With waits of at most 20 s about a day of trying; a short cap, since n8n restarts in seconds.
LONGEST_WAIT = 20.0
SUSPENDED_WAIT = 300.0
MAX_ATTEMPTS = 5000
RESTORED = "Restored from a backup: see whether it was sent meanwhile, then try it again."

log = get_logger(__name__)


class NotYet(Exception):
    """The handler could not do it now. Try again, after `seconds` where given.

    `is_waiting`: nothing failed, it was not its turn; that does not count towards giving up.
    """

    def __init__(self, why: str, *, seconds: float | None = None, is_waiting: bool = False) -> None:
        super().__init__(why)
        self.seconds = seconds
        self.is_waiting = is_waiting


Handler = Callable[[uuid.UUID], None]
_handlers: dict[str, Handler] = {}
_told_given_up: dict[str, Handler] = {}


@dataclass(frozen=True)
class Claimed:
    id: uuid.UUID
    schema_name: str
    handler: str
    reference: uuid.UUID
    attempts: int


def register(
    name: str, handler: Handler, *, given_up: Handler | None = None, untold: str = ""
) -> None:
    """From AppConfig.ready: `handler(reference)` runs inside the tenant, at least once.

    `given_up(reference)` runs there too, after the last try: for the row that people look at.
    Where nobody has to be told then, `untold` says why. Raises ValueError where neither is given.
    """
    if (given_up is None) == (not untold):
        raise ValueError(f"{name}: either who is told when it is given up, or why nobody has to be")
    _handlers[name] = handler
    if given_up is not None:
        _told_given_up[name] = given_up


def put(handler: str, reference: uuid.UUID, *, delay: timedelta = timedelta(0)) -> None:
    """In the open transaction: have `handler` run for `reference` after the commit."""
    if handler not in _handlers:
        raise LookupError(f"no outbox handler {handler!r}")
    now = timezone.now()
    with connection.cursor() as cursor:
        # One message to PostgreSQL: this is a part of every event that comes in.
        cursor.execute(
            "INSERT INTO events_outboxmessage (id, created_at, updated_at, schema_name, handler,"
            " reference, due_at, attempts, last_error) VALUES (%s, %s, %s, %s, %s, %s, %s, 0, '');"
            " SELECT pg_notify(%s, '')",
            [new_id(), now, now, current_schema(), handler, reference, now + delay, CHANNEL],
        )


def count_of(tenant: Tenant) -> int:
    """What waits for the tenant, or was given up. Outside of any tenant."""
    return OutboxMessage.objects.filter(schema_name=tenant.schema_name).count()


def drop_of(tenant: Tenant) -> None:
    """For a tenant that is removed. Outside of any tenant."""
    OutboxMessage.objects.filter(schema_name=tenant.schema_name).delete()


def claim(
    limit: int, *, in_hand: Mapping[str, int] | None = None, share: int | None = None
) -> list[Claimed]:
    """Up to `limit` due messages, held by the caller for HELD_FOR. Outside of any tenant.

    At most `share` of one tenant, with those that the caller has `in_hand` for its schema.
    """
    now = timezone.now()
    share = limit if share is None else share
    held = {schema: count for schema, count in (in_hand or {}).items() if count}
    full = [schema for schema, count in held.items() if count >= share]
    with connection.cursor() as cursor:
        # Rows past a tenant's share are locked for this statement and let go with it.
        cursor.execute(
            "SET LOCAL synchronous_commit TO off;"
            " WITH due AS MATERIALIZED ("
            " SELECT id, schema_name, due_at FROM events_outboxmessage"
            " WHERE due_at <= %(now)s AND failed_at IS NULL"
            " AND (claimed_until IS NULL OR claimed_until <= %(now)s)"
            " AND schema_name <> ALL (%(full)s)"
            " ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED),"
            " ranked AS (SELECT id, row_number() OVER (PARTITION BY schema_name ORDER BY due_at)"
            " + COALESCE((%(held)s::jsonb ->> schema_name)::int, 0) AS place FROM due)"
            " UPDATE events_outboxmessage m SET claimed_until = %(until)s FROM ranked"
            " WHERE m.id = ranked.id AND place <= %(share)s"
            " RETURNING m.id, m.schema_name, m.handler, m.reference, m.attempts, m.due_at",
            {
                "now": now,
                "until": now + HELD_FOR,
                "full": full,
                "limit": limit,
                "held": json.dumps(held),
                "share": share,
            },
        )
        cursor.nextset()
        rows = sorted(cursor.fetchall(), key=lambda row: row[5])
    return [Claimed(*row[:5]) for row in rows]


def let_go() -> int:
    """Of all that is held: for who knows that nobody holds it any more. Returns how many.

    Outside of any tenant.
    """
    held = OutboxMessage.objects.filter(claimed_until__gt=timezone.now(), failed_at=None)
    return held.update(claimed_until=None)


def carry_out(message: Claimed) -> None:
    """Run one claimed message's handler in its tenant, and settle the row by how that ends."""
    carry_out_all([message])


def carry_out_all(messages: Sequence[Claimed]) -> float:
    """As `carry_out`, for messages of one tenant: entered once, and settled by one statement.

    Returns the seconds that the handlers took.
    """
    seconds = 0.0
    done: list[Claimed] = []
    late: list[tuple[Claimed, str, float | None, bool]] = []
    try:
        with inside(tenant_by_schema(messages[0].schema_name)):
            began = time.perf_counter()
            for message in messages:
                if outcome := _outcome(message):
                    late.append((message, *outcome))
                else:
                    done.append(message)
            seconds = time.perf_counter() - began
    except TenantUnknown as error:  # suspended: it waits until the tenant is back
        late = [(message, error.detail, SUSPENDED_WAIT, True) for message in messages]
    if done:
        _forget([message.id for message in done])
        note_relayed((message.handler, message.id, message.attempts) for message in done)
    for message, why, wait, is_waiting in late:
        _postpone(message, why, wait, is_waiting=is_waiting)
    return seconds


def _outcome(message: Claimed) -> tuple[str, float | None, bool] | None:
    """None where it is done; else why not, after how long again, and whether it only waited."""
    try:
        _handlers[message.handler](message.reference)
    except NotYet as not_yet:
        return str(not_yet), not_yet.seconds, not_yet.is_waiting
    except Exception as error:  # the relay outlives any one message, and the row keeps the reason
        log.exception("outbox.failed", handler=message.handler, reference=str(message.reference))
        return f"{type(error).__name__}: {error}", None, False
    return None


def claim_like(message: Claimed, limit: int) -> list[Claimed]:
    """Up to `limit` more of the same tenant and handler, in one statement. Outside of tenants."""
    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL synchronous_commit TO off;"
            " UPDATE events_outboxmessage SET claimed_until = %s WHERE id IN ("
            " SELECT id FROM events_outboxmessage"
            " WHERE schema_name = %s AND handler = %s AND due_at <= %s AND failed_at IS NULL"
            " AND (claimed_until IS NULL OR claimed_until <= %s)"
            " ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)"
            " RETURNING id, schema_name, handler, reference, attempts",
            [now + HELD_FOR, message.schema_name, message.handler, now, now, limit],
        )
        cursor.nextset()
        return [Claimed(*row) for row in cursor.fetchall()]


def _forget(ids: list[uuid.UUID]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL synchronous_commit TO off;"
            " DELETE FROM events_outboxmessage WHERE id = ANY(%s)",
            [ids],
        )


def held_after_restore(values: dict[str, Any]) -> dict[str, Any]:
    """A message out of a backup, given up until somebody tries it again in the admin."""
    return values | {
        "failed_at": timezone.now().isoformat(), "claimed_until": None, "last_error": RESTORED,
    }  # fmt: skip


def put_held(handler: str, reference: uuid.UUID) -> None:
    """As `put`, for what a backup had no message of, and given up as `held_after_restore` says."""
    OutboxMessage.objects.create(
        schema_name=current_schema(),
        handler=handler,
        reference=reference,
        failed_at=timezone.now(),
        last_error=RESTORED,
    )


def forget_all(by: Actor) -> None:
    """What the entered tenant still wanted done, when it goes."""
    schema = current_schema()
    with outside():
        OutboxMessage.objects.filter(schema_name=schema).delete()


def try_again(messages: QuerySet[OutboxMessage]) -> int:
    """Begin anew with messages that were given up. Returns how many. Outside of any tenant."""
    revived = messages.filter(failed_at__isnull=False).update(
        failed_at=None, attempts=0, due_at=timezone.now()
    )
    _ring()
    return revived


def _ring() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def _postpone(
    message: Claimed, why: str, seconds: float | None, *, is_waiting: bool = False
) -> None:
    now = timezone.now()
    attempts = message.attempts + (0 if is_waiting else 1)
    is_given_up = attempts >= MAX_ATTEMPTS
    POSTPONED.add(message.handler)
    wait = backoff(message.attempts, base=0.3, cap=LONGEST_WAIT) if seconds is None else seconds
    OutboxMessage.objects.filter(pk=message.id).update(
        attempts=attempts,
        last_error=why[:2000],
        claimed_until=None,
        due_at=now + timedelta(seconds=wait),
        failed_at=now if is_given_up else None,
    )
    if is_given_up:
        log.error("outbox.given_up", handler=message.handler, reference=str(message.reference))
        if told := _told_given_up.get(message.handler):
            with inside(tenant_by_schema(message.schema_name)):
                told(message.reference)
