"""What rules can read of a ticket. Every field is always there and never null."""

import uuid
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from controlplane.policies.contexts import Parameter, register_context
from controlplane.support.models import Ticket
from controlplane.support.services.receiving import get_ticket
from controlplane.support.subjects import causers_of

CONTEXT = "ticket"

FIELDS: dict[str, str] = {
    "ticket.number": "Pergola's number for it, such as T-17",
    "ticket.subject": "Its subject line; may be empty",
    "ticket.body": "What was written",
    "ticket.channel": "How it came in: portal, form, api, webhook or demo",
    "ticket.source": "The source that it came from; empty where it came by none",
    "ticket.status": "new, triaged, waiting, answered, handed_over or closed",
    "ticket.received_at": "When it came, ISO 8601 in UTC",
    "ticket.age_hours": "How many whole hours ago that was",
    "ticket.is_test": "Whether it is a test",
    "ticket.intent": "What the person wants, as triage named it; empty before",
    "ticket.intent_confidence_percent": "How sure triage was, in whole percent; 0 before",
    "ticket.urgency": "low, normal, high or critical; empty before triage",
    "ticket.urgency_confidence_percent": "How sure triage was of that, in whole percent",
    "ticket.language": "ISO 639-1 code; may be empty",
    "ticket.was_corrected": "Whether a person sorted it otherwise than triage",
    "ticket.has_answer": "Whether an answer was sent or is on its way",
    "ticket.queue": "The people whom it was handed to; empty where it was not",
    "requester.name": "Who asks; may be empty",
    "requester.email": "E-mail address",
}
PARAMETERS: dict[str, Parameter] = {
    "sure_from": Parameter(60, "From this confidence on, in whole percent, triage is trusted."),
    "oldest_hours": Parameter(
        None, "After so many hours a person looks at it. Without it no ticket is too old."
    ),
}


def facts_of(ticket: Ticket, *, at: datetime | None = None) -> dict[str, Any]:
    """Whole numbers, texts and truth values only; its age is that at the time, else now."""
    age = (at or timezone.now()) - ticket.received_at
    return {
        "ticket": {
            "number": ticket.number,
            "subject": ticket.subject,
            "body": ticket.body,
            "channel": str(ticket.channel),
            "source": ticket.source_slug,
            "status": str(ticket.status),
            "received_at": ticket.received_at.astimezone(UTC).isoformat(),
            "age_hours": max(0, int(age.total_seconds() // 3600)),
            "is_test": ticket.is_test,
            "intent": ticket.intent,
            "intent_confidence_percent": int((ticket.intent_confidence or 0) * 100),
            "urgency": str(ticket.urgency),
            "urgency_confidence_percent": int((ticket.urgency_confidence or 0) * 100),
            "language": ticket.language,
            "was_corrected": ticket.corrected_at is not None,
            "has_answer": ticket.replied_at is not None,
            "queue": ticket.queue,
        },
        "requester": {"name": ticket.requester_name, "email": ticket.requester_email},
    }


def load(ticket_id: uuid.UUID) -> dict[str, Any]:
    """Raises TicketUnknown."""
    return facts_of(get_ticket(ticket_id))


_RECEIVED = datetime(2026, 1, 2, 9, 30, tzinfo=UTC)


def register() -> None:
    """Called when the app is ready."""
    sample = Ticket(
        number="T-17",
        channel=Ticket.Channel.FORM,
        subject="Where is my rope?",
        body="I ordered a mooring rope ten days ago.",
        requester_name="Ada Sample",
        requester_email="ada@example.com",
        received_at=_RECEIVED,
        status=Ticket.Status.TRIAGED,
        intent="order_status",
        intent_confidence=0.91,
        urgency="normal",
        urgency_confidence=0.7,
        language="en",
    )
    register_context(
        CONTEXT,
        fields=FIELDS,
        list_bounds={},
        sample=facts_of(sample, at=_RECEIVED.replace(hour=12)),
        parameters=PARAMETERS,
        title="Ticket {ticket.number}",
        load=load,
        caused_by=causers_of,
    )
