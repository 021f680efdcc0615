"""The way in: a source, its kind, and an event made durable. Acknowledged only after the commit."""

import uuid

from django.db import connection, transaction
from django.db.models import F, Q

from controlplane.core.errors import DomainError
from controlplane.core.logs import get_logger
from controlplane.events import listening
from controlplane.events.incoming import Incoming
from controlplane.events.kinds import INTERNAL, KindUnknown, Received, kind_named
from controlplane.events.models import Event, Source
from tenants.context import current_tenant
from tenants.limits import rates

log = get_logger(__name__)

# As SQL: for Django to put it together takes longer than all else about it, at every event.
_SOURCE = "SELECT * FROM events_source WHERE slug = %s"
_FIELDS = Event._meta.concrete_fields
_NAMES = ", ".join(f'"{field.column}"' for field in _FIELDS)
_INSERT = (
    f"INSERT INTO events_event ({_NAMES}) VALUES ({', '.join(['%s'] * len(_FIELDS))})"  # noqa: S608  (names of columns)
    f" ON CONFLICT DO NOTHING; {listening.HOLD_AND_LIST}"
)


class SourceUnknown(DomainError):
    code = "source_unknown"
    status = 404
    title = "No such source"


class EventIdReused(DomainError):
    code = "event_id_reused"
    status = 409
    title = "The ID belongs to another event"

    def __init__(self, detail: str, *, known: Event) -> None:
        super().__init__(detail)
        self.known = known


def get_source(slug: str) -> Source:
    """One that outside systems may send to. Raises SourceUnknown."""
    found = next(iter(Source.objects.raw(_SOURCE, [slug])), None)
    if found is None or not found.is_active or found.kind == INTERNAL:
        raise SourceUnknown(
            f"This tenant has no active source “{slug}”. Copy the address from the source's page "
            "in the portal."
        )
    return found


def receive(*, source: Source, incoming: Incoming) -> Received:
    """Take what an outside system sends. The same again answers with the event that it already is.

    Raises what the source's kind raises; nothing is kept then.
    """
    kind = kind_named(source.kind)
    if kind.receive is None:
        raise KindUnknown(f"Nothing can be sent to “{source}”: only Pergola itself reports there.")
    return kind.receive(source, incoming)


def keep(event: Event) -> Received:
    """Store a new event and hand it to its listeners, together, within the caller's transaction.

    Raises LimitReached or EventIdReused, and nothing is kept then.
    """
    for _try in range(2):
        with transaction.atomic():
            is_new, listeners = _insert(event)
            if is_new:
                if not event.is_test:
                    rates.count_event(current_tenant())
                listening.deliver(event, listeners)
                log.info(
                    "event.received",
                    event_id=str(event.pk),
                    type=event.type,
                    source=event.source.slug,
                )
                return Received(event, is_duplicate=False)
        if known := _known_as(event):
            return _repeated(known, event)
        # The other one was purged just now: this one is new after all.
    raise RuntimeError(f"event {event.external_id} is known and is not there")


def _insert(event: Event) -> tuple[bool, list[uuid.UUID]]:
    """Whether it is new, and who listens. It is not new where it is known, or comes at the same
    moment and is committed by then.

    One message. The first statement cannot fail for an event that is known: a failed one is logged
    with the body in it.
    """
    values = [field.get_db_prep_save(field.pre_save(event, True), connection) for field in _FIELDS]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [*values, *listening.asked_for(event)])
        is_new = cursor.rowcount == 1
        cursor.nextset()
        listeners = listening.listed(cursor)
    event._state.adding, event._state.db = not is_new, connection.alias
    return is_new, listeners


def _known_as(event: Event) -> Event | None:
    """The same body first: of one that is known by both, the number may be another event's."""
    same = Q(external_id=event.external_id)
    if not event.is_numbered:
        same |= Q(type=event.type, body_sha256=event.body_sha256, is_numbered=False)
    found = list(event.source.events.filter(same))
    alike = [known for known in found if known.body_sha256 == event.body_sha256]
    return next(iter(alike or found), None)


def _repeated(known: Event, event: Event) -> Received:
    if known.body_sha256 != event.body_sha256:
        raise EventIdReused(
            f"“{known.source.slug}” sent another body under the ID “{event.external_id}” before, "
            f"on {known.received_at:%Y-%m-%d %H:%M} UTC. An ID is for one event: give a change an "
            "ID of its own.",
            known=known,
        )
    Event.objects.filter(pk=known.pk).update(duplicates=F("duplicates") + 1)
    log.info("event.duplicate", event_id=str(known.pk), source=known.source.slug)
    return Received(known, is_duplicate=True)
