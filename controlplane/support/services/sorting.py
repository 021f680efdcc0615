"""Triage: what a ticket is about, how urgent it is, which language it is in. And corrections."""

import hashlib
import json
import re
import uuid
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.events.services import attach_execution, get_event
from controlplane.support.model_in_use import model_in_use
from controlplane.support.models import Ticket, TriageExample, Urgency
from controlplane.support.queues import queue_for
from controlplane.support.services.learning import train_when_enough_is_new
from controlplane.support.services.receiving import SUBJECT, locked_ticket, ticket_of_event
from controlplane.support.triage.language import OFFERED as LANGUAGES
from tenants.context import current_tenant

if TYPE_CHECKING:
    from controlplane.support.triage.model import Sorted

_INTENT = re.compile(r"[a-z][a-z0-9_]{0,59}")


class LabelInvalid(DomainError):
    code = "label_invalid"
    status = 422
    title = "The correction cannot be taken"


def triage_ticket(*, event_id: uuid.UUID, by: Actor) -> Ticket:
    """Sort the event's ticket by the tenant's model.

    The same event again is answered with what was found then, and changes nothing; neither does
    it overrule a person's correction. Nothing is locked while a model is loaded or trained.
    Raises EventUnknown, EventHoldsNoTicket.
    """
    event = get_event(event_id)
    ticket = ticket_of_event(event)
    if by.execution:
        attach_execution(event, by.execution)
    if ticket.triaged_at is not None:
        return ticket
    in_use = model_in_use()
    found = in_use.triage.sort(
        ticket.text, language=ticket.language, fallback_language=current_tenant().language
    )
    return _keep(ticket.pk, found, in_use.reference, by=by)


@transaction.atomic
def _keep(ticket_id: uuid.UUID, found: "Sorted", reference: str, *, by: Actor) -> Ticket:
    """Unless somebody was faster: then what they found stands."""
    ticket = locked_ticket(ticket_id)
    if ticket.triaged_at is not None:
        return ticket
    ticket.intent, ticket.intent_confidence = found.intent, found.intent_confidence
    ticket.is_confident = found.is_confident
    ticket.urgency, ticket.urgency_confidence = found.urgency, found.urgency_confidence
    ticket.language, ticket.language_confidence = found.language, found.language_confidence
    ticket.triage = _explained(found)
    ticket.triage_model, ticket.triaged_at = reference, timezone.now()
    ticket.queue = queue_for(found.intent)
    if ticket.status == Ticket.Status.NEW:
        ticket.status = Ticket.Status.TRIAGED
    ticket.save()
    record(
        action="ticket.triaged",
        subject_type=SUBJECT,
        subject_id=str(ticket.pk),
        data={
            "number": ticket.number,
            "intent": ticket.intent,
            # As text: the chain takes whole numbers and text as they are.
            "confidence": f"{found.intent_confidence:.3f}",
            "urgency": ticket.urgency,
            "language": ticket.language,
            "model": reference,
            "output_sha256": hashlib.sha256(
                json.dumps(ticket.triage, sort_keys=True).encode()
            ).hexdigest(),
        },
        by=by,
    )
    return ticket


@transaction.atomic
def correct_triage(
    *,
    ticket: Ticket,
    intent: str,
    urgency: str,
    language: str,
    by: Actor,
) -> Ticket:
    """What a person says it is: kept as an example, from which the next model learns.

    A second correction replaces the first. Raises TicketUnknown, LabelInvalid.
    """
    _assert_labels(intent, urgency, language)
    ticket = locked_ticket(ticket.pk)
    before = {"intent": ticket.intent, "urgency": ticket.urgency, "language": ticket.language}
    ticket.intent, ticket.urgency, ticket.language = intent, urgency, language
    ticket.intent_confidence = ticket.urgency_confidence = ticket.language_confidence = 1.0
    ticket.is_confident, ticket.corrected_at = True, timezone.now()
    ticket.corrected_by = by.label[:200]
    ticket.triaged_at = ticket.triaged_at or ticket.corrected_at
    if ticket.status == Ticket.Status.NEW:
        ticket.status = Ticket.Status.TRIAGED
    ticket.queue = queue_for(intent)
    ticket.save()
    TriageExample.objects.update_or_create(
        ticket=ticket,
        defaults={
            "text": ticket.text,
            "intent": intent,
            "urgency": urgency,
            "language": language,
            "origin": TriageExample.Origin.CORRECTION,
        },
    )
    train_when_enough_is_new()
    record(
        action="ticket.corrected",
        subject_type=SUBJECT,
        subject_id=str(ticket.pk),
        data={
            "number": ticket.number,
            "before": before,
            "after": {"intent": intent, "urgency": urgency, "language": language},
        },
        by=by,
    )
    return ticket


def _explained(found: "Sorted") -> dict[str, Any]:
    """For people: what else it could be, and what spoke for it."""
    return {
        "alternatives": [
            {"intent": intent, "confidence": round(confidence, 4)}
            for intent, confidence in found.alternatives
        ],
        "words": [{"word": word, "weight": round(weight, 4)} for word, weight in found.words],
        "urgency_reasons": list(found.urgency_reasons),
        "threshold": round(found.threshold, 4),
    }


def _assert_labels(intent: str, urgency: str, language: str) -> None:
    errors = []
    if not _INTENT.fullmatch(intent):
        errors.append(FieldError("intent", "is not a name such as order_status"))
    if urgency not in Urgency.values:
        errors.append(FieldError("urgency", f"is not one of {', '.join(Urgency.values)}"))
    if language not in LANGUAGES:
        errors.append(FieldError("language", f"is not one of {', '.join(LANGUAGES)}"))
    if errors:
        told = "; ".join(f"{error.field} {error.message}" for error in errors)
        raise LabelInvalid(f"Correct these and try again: {told}.", errors=tuple(errors))
