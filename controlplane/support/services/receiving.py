"""A ticket comes in, by whatever door: a row and the event that tells listeners of it."""

import uuid
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.db.models import Max

from controlplane.audit.services import record
from controlplane.core.actor import Actor, ActorKind
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.text import made_storable
from controlplane.events.models import Event, Source
from controlplane.events.services import get_event, publish
from controlplane.support.models import Ticket
from tenants.context import current_tenant

SUBJECT = "ticket"
EVENT_TYPE = "ticket.received"
MOST_CHARACTERS = 50_000
_FIRST_SERIAL = 1001


class TicketUnknown(DomainError):
    code = "ticket_unknown"
    status = 404
    title = "No such ticket"


class TicketInvalid(DomainError):
    code = "ticket_invalid"
    status = 422
    title = "The ticket cannot be taken in"


class EventHoldsNoTicket(DomainError):
    code = "event_holds_no_ticket"
    status = 422
    title = "The event is not about a ticket"


@dataclass(frozen=True)
class Received:
    ticket: Ticket
    event: Event
    is_duplicate: bool


@transaction.atomic
def receive_ticket(
    *,
    subject: str,
    body: str,
    requester_name: str,
    requester_email: str,
    channel: str,
    by: Actor,
    external_id: str = "",
    language: str = "",
    is_test: bool = False,
    source: Source | None = None,
) -> Received:
    """Keep the ticket and publish `ticket.received` in one transaction.

    `external_id` is the sender's own number: the same again by the same source (or channel) is
    answered with the ticket that it already is, and changes nothing. A member who takes it in is
    its author. Raises TicketInvalid.
    """
    ticket = Ticket(
        channel=channel,
        source_slug=source.slug if source else "",
        external_id=made_storable(external_id).strip()[:200],
        subject=_one_line(subject)[:300],
        body=made_storable(body).strip(),
        requester_name=_one_line(requester_name)[:200],
        requester_email=requester_email.strip(),
        language=language.strip().lower()[:2],
        is_test=is_test,
        author_id=by.id[:80] if by.kind is ActorKind.MEMBER else "",
        author=by.label[:200] if by.kind is ActorKind.MEMBER else "",
    )
    _assert_complete(ticket)
    _hold_serials()
    if known := _known_as(ticket):
        assert known.event_id is not None  # written in the transaction that made it
        return Received(known, get_event(known.event_id), is_duplicate=True)
    ticket.serial = _next_serial()
    ticket.number = f"T-{ticket.serial}"
    event = _published(ticket, source, by)
    ticket.event_id = event.pk
    ticket.save(force_insert=True)
    record(
        action="ticket.received",
        subject_type=SUBJECT,
        subject_id=str(ticket.pk),
        data={"number": ticket.number, "channel": channel, "event_id": str(event.pk)},
        by=by,
    )
    return Received(ticket, event, is_duplicate=False)


def get_ticket(ticket_id: uuid.UUID) -> Ticket:
    """Raises TicketUnknown."""
    try:
        return Ticket.objects.get(pk=ticket_id)
    except Ticket.DoesNotExist:
        raise TicketUnknown(
            f"This tenant has no ticket {ticket_id}. Pass on the ticket_id of Triage a ticket.",
            errors=(FieldError("ticket_id", "names no ticket"),),
        ) from None


def locked_ticket(ticket_id: uuid.UUID) -> Ticket:
    """Held until the commit. Raises TicketUnknown."""
    get_ticket(ticket_id)
    return Ticket.objects.select_for_update().get(pk=ticket_id)


def ticket_of_event(event: Event) -> Ticket:
    """Raises EventHoldsNoTicket."""
    ticket = Ticket.objects.filter(event_id=event.pk).first()
    if event.type != EVENT_TYPE or ticket is None:
        raise EventHoldsNoTicket(
            f"Event {event.pk} is {event.type}. Have the Pergola Trigger listen to {EVENT_TYPE}.",
            errors=(FieldError("event_id", f"is {event.type}"),),
        )
    return ticket


def ticket_link(ticket: Ticket) -> str:
    """The ticket's page on the tenant's host; the tenant is the one that is entered."""
    return f"{current_tenant().portal_url}/tickets/{ticket.pk}/"


def _published(ticket: Ticket, source: Source | None, by: Actor) -> Event:
    return publish(
        type=EVENT_TYPE,
        # The number alone: n8n is shown it, and what customers write stays here.
        subject=ticket.number,
        body={
            "ticket_id": str(ticket.pk),
            "number": ticket.number,
            "subject": ticket.subject,
            "channel": ticket.channel,
        },
        external_id=f"ticket:{ticket.pk}",
        is_test=ticket.is_test,
        source=source,
        by=by,
    ).event


def _assert_complete(ticket: Ticket) -> None:
    """Raises TicketInvalid."""
    errors = []
    if not ticket.subject and not ticket.body:
        errors.append(FieldError("body", "is empty, and so is the subject"))
    if len(ticket.body) > MOST_CHARACTERS:
        errors.append(FieldError("body", f"has more than {MOST_CHARACTERS} characters"))
    try:
        validate_email(ticket.requester_email)
    except ValidationError:
        errors.append(FieldError("requester.email", "is not an e-mail address"))
    if errors:
        told = "; ".join(f"{error.field} {error.message}" for error in errors)
        raise TicketInvalid(f"Correct the ticket and send it again: {told}.", errors=tuple(errors))


def _known_as(ticket: Ticket) -> Ticket | None:
    """What the same sender handed in by the same number of its own."""
    if not ticket.external_id:
        return None
    return Ticket.objects.filter(
        channel=ticket.channel, source_slug=ticket.source_slug, external_id=ticket.external_id
    ).first()


def _next_serial() -> int:
    return (Ticket.objects.aggregate(Max("serial"))["serial__max"] or _FIRST_SERIAL - 1) + 1


def _hold_serials() -> None:
    """Numbers are counted, not drawn from a sequence; until the commit nobody else counts."""
    with connection.cursor() as cursor:
        # The table's oid is the tenant's own, so tenants do not wait for one another.
        cursor.execute("SELECT pg_advisory_xact_lock('support_ticket'::regclass::oid::bigint)")


def _one_line(text: str) -> str:
    return " ".join(made_storable(text).split())
