"""Tickets, answers to them and models of them, made through the services that doors call."""

import uuid
from datetime import timedelta
from typing import Any

from controlplane.approvals import services as approvals
from controlplane.approvals.models import Approval
from controlplane.core.actor import Actor
from controlplane.core.models import new_id
from controlplane.knowledge.answers.models import Answer
from controlplane.support.models import Ticket, TriageExample
from controlplane.support.services import receive_ticket, triage_ticket
from tests.factories.approvals import make_execution_actor
from tests.factories.events import ADA, make_machine

QUESTION = "How long does a refund take after I sent the goods back?"
ANSWER = "Refunds are paid within five working days after the parcel has arrived in our warehouse."

# Two intents of a tenant's own, so that a training takes a moment and not seconds.
TWO_INTENTS = {
    "mooring": ["My boat drifts", "The rope of the pier is torn", "Where do I moor my boat?",
                "The pier is full", "May I tie the boat to the pier?", "Which rope for my boat?"],
    "fuel": ["Where is diesel sold?", "The diesel pump is empty", "What does fuel cost?",
             "I need petrol for the engine", "The fuel pump shows an error", "Diesel for boats"],
}  # fmt: skip


def make_ticket(body: str = QUESTION, **fields: Any) -> Ticket:
    given = {
        "subject": "Refund",
        "requester_name": "Kaja Nowak",
        "requester_email": "kaja@example.com",
        "channel": Ticket.Channel.API,
        "by": make_machine(),
    } | fields
    return receive_ticket(body=body, **given).ticket


def make_triaged(body: str = QUESTION, **fields: Any) -> Ticket:
    ticket = make_ticket(body, **fields)
    assert ticket.event_id
    return triage_ticket(event_id=ticket.event_id, by=make_execution_actor(node="Triage"))


def make_answer(ticket: Ticket, verdict: str = "accept", **fields: Any) -> Answer:
    """As knowledge keeps one; by default quoted from nothing, so that no document is needed."""
    given: dict[str, Any] = {
        "question": ticket.text,
        "subject_type": "ticket",
        "subject_id": ticket.pk,
        "text": ANSWER,
        "confidence": 0.91,
        "verdict": verdict,
        "decision_id": new_id(),
        "answered_by": "Test key",
        "audit_sequence": 1,
    } | fields
    return Answer.objects.create(**given)


def make_draft_approval(ticket: Ticket, *, by: Actor | None = None, url: str = "") -> Approval:
    """Somebody is asked about the ticket's newest answer."""
    return approvals.request_approval(
        subject_type="ticket",
        subject_id=ticket.pk,
        note="",
        expires_in=timedelta(hours=72),
        resume_url=f"{url}/webhook-waiting/71" if url else "",
        by=by or make_execution_actor(),
    )


def decide(approval: Approval, decision: str = "approve") -> Approval:
    return approvals.decide(approval_id=approval.pk, decision=decision, comment="", by=ADA)


def make_examples(
    intents: dict[str, list[str]] | None = None, origin: str = TriageExample.Origin.IMPORT
) -> None:
    """The tenant's only ones."""
    TriageExample.objects.all().delete()
    TriageExample.objects.bulk_create(
        TriageExample(id=uuid.uuid5(uuid.NAMESPACE_URL, text), text=text, intent=intent,
                      origin=origin)
        for intent, texts in (intents or TWO_INTENTS).items()
        for text in texts
    )  # fmt: skip
