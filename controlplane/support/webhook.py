"""The kind of source that sends tickets: JSON, signed as Pergola signs."""

import hashlib
import json
import uuid
from typing import Any

import pydantic
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from controlplane.core.actor import system
from controlplane.core.errors import FieldError
from controlplane.events import kinds
from controlplane.events.incoming import Incoming, parse_object
from controlplane.events.models import Source
from controlplane.events.signing import example, id_of, signed_chunks, signed_sample
from controlplane.support.models import Ticket
from controlplane.support.services.receiving import TicketInvalid, receive_ticket


class _Requester(pydantic.BaseModel):
    name: str = ""
    email: str


class _Payload(pydantic.BaseModel):
    """What a helpdesk sends besides is not looked at."""

    id: str | int = ""
    subject: str = ""
    body: str = ""
    requester: _Requester
    language: str = ""


def receive(source: Source, incoming: Incoming) -> kinds.Received:
    """Take one ticket. The same one again answers with the event that it already is.

    Raises BodyTooLarge, SignatureInvalid, BodyMalformed or TicketInvalid; nothing is kept then.
    """
    body = b"".join(signed_chunks(source, incoming, limit=settings.INTAKE_MAX_BYTES))
    payload = _read(parse_object(body))
    digest = hashlib.sha256(body).hexdigest()
    received = receive_ticket(
        subject=payload.subject,
        body=payload.body,
        requester_name=payload.requester.name,
        requester_email=payload.requester.email,
        channel=Ticket.Channel.WEBHOOK,
        external_id=str(payload.id) or id_of(incoming) or f"sha256:{digest}",
        language=payload.language,
        is_test=incoming.is_test,
        source=source,
        by=system(f"source {source.slug}"),
    )
    return kinds.Received(received.event, received.is_duplicate)


def sample(source: Source) -> Incoming:
    """A sample ticket, signed as the outside system would."""
    ticket = {
        "id": f"test-{uuid.uuid4()}",
        "subject": "How long does a refund take?",
        "body": "Hello, I sent my order back last week. When will I get my money back?",
        "requester": {"name": "Test Person", "email": "test@example.com"},
        "language": "en",
    }
    return signed_sample(source, json.dumps(ticket).encode(), {"Content-Type": "application/json"})


def _read(payload: dict[str, Any]) -> _Payload:
    """Raises TicketInvalid."""
    try:
        return _Payload.model_validate(payload)
    except pydantic.ValidationError as error:
        errors = tuple(
            FieldError(".".join(map(str, found["loc"])), found["msg"])
            for found in error.errors(include_url=False, include_input=False)
        )
        told = "; ".join(f"{found.field}: {found.message}" for found in errors)
        raise TicketInvalid(
            f"Correct the ticket and send it again: {told}.", errors=errors
        ) from error


KIND = kinds.SourceKind(
    "tickets",
    _("Support tickets"),
    _("Tickets of a helpdesk or a form, as JSON"),
    receive,
    example=example(file="ticket.json", content_type="application/json"),
    sample=sample,
)
