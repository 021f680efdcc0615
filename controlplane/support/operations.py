"""Node operations on tickets."""

import uuid
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from controlplane.core.actor import Actor
from controlplane.events.services import EventUnknown
from controlplane.nodes.declaration import OperationInput, OperationOutput, operation
from controlplane.support import services
from controlplane.support.models import Ticket
from controlplane.support.recipients import recipient_of

Urgency = Literal["low", "normal", "high", "critical"]
Status = Literal["new", "triaged", "waiting", "answered", "handed_over", "closed"]


def _ticket_id() -> Any:
    return Field(
        description="The ticket, from Triage or from what was approved",
        json_schema_extra={
            "n8n": {
                "label": "Ticket ID",
                "default": "={{ $json.ticket_id || $json.subject_id }}",
            }
        },
    )


class TriageInput(OperationInput):
    event_id: uuid.UUID = Field(
        description="The event that brought the ticket, from the Pergola Trigger",
        json_schema_extra={"n8n": {"label": "Event ID", "default": "={{ $json.event_id }}"}},
    )


class AlternativeOutput(BaseModel):
    model_config = ConfigDict(frozen=True)

    intent: str = Field(description="Another thing that the ticket may be about")
    confidence: float = Field(description="How likely that is, from 0 to 1")


class TriageOutput(OperationOutput):
    ticket_id: uuid.UUID = Field(description="The ticket in Pergola; later nodes ask for it")
    number: str = Field(description="The ticket's number, for example T-1001")
    intent: str = Field(description="What it is about, for example refund_status")
    intent_confidence: float = Field(description="How likely that is right, from 0 to 1")
    urgency: Urgency = Field(description="How soon somebody should look at it")
    language: str = Field(description="The language it is written in, in ISO 639-1: en, de")
    is_confident: bool = Field(
        description="Whether such a confidence was right nearly always where it was tried out"
    )
    alternatives: list[AlternativeOutput] = Field(description="The next likeliest, best first")
    url: str = Field(description="The ticket's page in the portal")


class ReplyInput(OperationInput):
    ticket_id: uuid.UUID = _ticket_id()
    answer_id: uuid.UUID | None = Field(
        default=None,
        description="The answer to send, from Knowledge → Answer; empty for the ticket's newest",
        json_schema_extra={"n8n": {"label": "Answer ID"}},
    )


class ReplyOutput(OperationOutput):
    ticket_id: uuid.UUID = Field(description="The ticket in Pergola")
    number: str = Field(description="The ticket's number")
    status: Status = Field(description="Where the ticket stands now")
    sent_to: str = Field(
        description="The requester's e-mail address; of a test the partner's, or none"
    )
    replied_at: datetime = Field(description="When the reply was settled first")
    audit_sequence: int = Field(description="The entry's number in the tenant's audit trail")
    url: str = Field(description="The ticket's page in the portal")


class HandOverInput(OperationInput):
    ticket_id: uuid.UUID = _ticket_id()
    reason: str = Field(
        default="",
        description="What the person who takes it over should know",
        max_length=2000,
        json_schema_extra={"n8n": {"multiline": True}},
    )


class HandOverOutput(OperationOutput):
    ticket_id: uuid.UUID = Field(description="The ticket in Pergola")
    number: str = Field(description="The ticket's number")
    status: Status = Field(description="Where the ticket stands now")
    queue: str = Field(description="Whose it is now, by what it is about: accounting, returns …")
    handed_over_at: datetime = Field(description="When it was handed over first")
    audit_sequence: int = Field(description="The entry's number in the tenant's audit trail")
    url: str = Field(description="The ticket's page in the portal")


@operation(
    resource="ticket",
    name="triage",
    action="Triage a ticket",
    scope="tickets:triage",
    slow=True,
    errors=(EventUnknown, services.EventHoldsNoTicket),
)
def triage(data: TriageInput, *, by: Actor) -> TriageOutput:
    """Find out what a ticket is about, how urgent it is and which language it is in."""
    ticket = services.triage_ticket(event_id=data.event_id, by=by)
    return TriageOutput.model_validate(
        {
            **_common(ticket),
            "intent": ticket.intent,
            "intent_confidence": round(ticket.intent_confidence or 0, 4),
            "urgency": ticket.urgency,
            "language": ticket.language,
            "is_confident": ticket.is_confident,
            "alternatives": ticket.triage.get("alternatives", []),
        }
    )


@operation(
    resource="ticket",
    name="reply",
    action="Reply to a ticket",
    scope="tickets:reply",
    errors=(
        services.TicketUnknown,
        services.AlreadyAnswered,
        services.TicketFinished,
        services.AnswerMissing,
        services.ReplyNotAllowed,
    ),
)
def reply(data: ReplyInput, *, by: Actor) -> ReplyOutput:
    """Send an answer to whoever asked, once: a sure one, or a draft that was approved."""
    ticket = services.reply_to_ticket(ticket_id=data.ticket_id, answer_id=data.answer_id, by=by)
    return ReplyOutput.model_validate(
        {
            **_common(ticket),
            "status": ticket.status,
            "sent_to": recipient_of(ticket),
            "replied_at": ticket.replied_at,
            "audit_sequence": ticket.reply_sequence,
        }
    )


@operation(
    resource="ticket",
    name="hand_over",
    action="Hand over a ticket",
    scope="tickets:handover",
    errors=(services.TicketUnknown, services.AlreadyAnswered),
)
def hand_over(data: HandOverInput, *, by: Actor) -> HandOverOutput:
    """Give a ticket to the people of its queue, and tell them why."""
    ticket = services.hand_over(ticket_id=data.ticket_id, reason=data.reason, by=by)
    return HandOverOutput.model_validate(
        {
            **_common(ticket),
            "status": ticket.status,
            "queue": ticket.queue,
            "handed_over_at": ticket.handed_over_at,
            "audit_sequence": ticket.hand_over_sequence,
        }
    )


def _common(ticket: Ticket) -> dict[str, Any]:
    return {
        "ticket_id": ticket.pk,
        "number": ticket.number,
        "url": services.ticket_link(ticket),
    }
