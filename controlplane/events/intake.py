"""The way in: a source, its kind, and an event made durable. Acknowledged only after the commit."""

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

_FIELDS = Event._meta.concrete_fields


class SourceUnknown(DomainError):
    code = "source_unknown"
    status = 404
    title = "No such source"


class EventIdReused(DomainError):
    code = "event_id_reused"
    status = 409
    title = "The ID belongs to another event"


def get_source(slug: str) -> Source:
    """One that outside systems may send to. Raises SourceUnknown."""
    found = next(iter(Source.objects.filter(slug=slug)), None)
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
            if _is_inserted(event):
                if not event.is_test:
                    rates.count_event(current_tenant())
                listening.fan_out(event)
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


def _is_inserted(event: Event) -> bool:
    """False where it is known, or comes at the same moment and is committed by then.

    One statement that cannot fail for that reason: a failed one is logged with the body in it.
    """
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in _FIELDS)
    places = ", ".join(["%s"] * len(_FIELDS))
    values = [field.get_db_prep_save(field.pre_save(event, True), connection) for field in _FIELDS]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO events_event ({names}) VALUES ({places}) ON CONFLICT DO NOTHING",  # noqa: S608  (names of columns)
            values,
        )
        is_new = cursor.rowcount == 1
    event._state.adding, event._state.db = not is_new, connection.alias
    return is_new


def _known_as(event: Event) -> Event | None:
    same = Q(external_id=event.external_id)
    if not event.is_numbered:
        same |= Q(type=event.type, body_sha256=event.body_sha256, is_numbered=False)
    return event.source.events.filter(same).first()


def _repeated(known: Event, event: Event) -> Received:
    if event.is_numbered and known.body_sha256 != event.body_sha256:
        raise EventIdReused(
            f"“{known.source.slug}” sent another body under the ID “{event.external_id}” before, "
            f"on {known.received_at:%Y-%m-%d %H:%M} UTC. An ID is for one event: give a change an "
            "ID of its own. What was sent now is kept as an exception."
        )
    Event.objects.filter(pk=known.pk).update(duplicates=F("duplicates") + 1)
    log.info("event.duplicate", event_id=str(known.pk), source=known.source.slug)
    return Received(known, is_duplicate=True)
