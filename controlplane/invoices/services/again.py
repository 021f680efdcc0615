"""Reading once more what was not read for a reason that may have passed, or not read at all."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.events.models import Event
from controlplane.events.services import publish
from controlplane.invoices.models import Invoice
from controlplane.invoices.reading import PASSING
from controlplane.invoices.services.lookup import SUBJECT, locked_invoice

EVENT_TYPE = "invoice.received"
WAITS_FROM, WAITS_UNTIL = timedelta(minutes=10), timedelta(days=1)
MOST_AT_ONCE = 100


class NothingToReadAgain(DomainError):
    code = "nothing_to_read_again"
    status = 409
    title = "The document is not read again"


def event_body(invoice: Invoice, **more: Any) -> dict[str, Any]:
    """What workflows are told of a document that came."""
    return {
        "invoice_id": str(invoice.pk),
        "filename": invoice.filename,
        "content_type": invoice.content_type,
        "size": invoice.size,
        "sha256": invoice.sha256,
        **more,
    }


def may_be_read_again(invoice: Invoice) -> bool:
    """Whether it is in quarantine for what may have been the server's fault."""
    accepted = invoice.outcome == Invoice.Outcome.ACCEPTED
    return invoice.quarantine_code in PASSING and not accepted


@transaction.atomic
def read_again(*, invoice_id: uuid.UUID, by: Actor) -> tuple[Invoice, Event]:
    """Take it out of quarantine, have it read anew and told to workflows as a new event.

    What was decided and recorded about the document that nobody could read is taken back; the
    audit trail keeps it. Raises InvoiceUnknown, NothingToReadAgain.
    """
    invoice = locked_invoice(invoice_id)
    if not may_be_read_again(invoice):
        raise NothingToReadAgain(
            f"Invoice {invoice} is not in quarantine for a reason that may have passed: reading it "
            "again would come to the same. Ask the sender for the invoice in another form."
        )
    before = {
        "reason": invoice.quarantine_code,
        "verdict": invoice.verdict,
        "decision_id": str(invoice.decision_id or ""),
        "outcome": invoice.outcome,
    }
    _clear(invoice)
    event = _tell(invoice, by)
    invoice.event_id = event.pk
    invoice.save()
    enqueue_on_commit("invoices.read", invoice_id=str(invoice.pk))
    record(
        action="invoice.read_again",
        subject_type=SUBJECT,
        subject_id=str(invoice.pk),
        data={"filename": invoice.filename, "event_id": str(event.pk), "before": before},
        by=by,
    )
    return invoice, event


def read_waiting() -> int:
    """Enqueue again what waits to be read: its message was lost, or the server was too busy.

    For the tenant that is entered. What waits for more than a day is read when it is sent again.
    """
    now = timezone.now()
    waiting = Invoice.objects.with_status(Invoice.Status.RECEIVED).filter(
        updated_at__lt=now - WAITS_FROM, updated_at__gt=now - WAITS_UNTIL
    )
    ids = list(waiting.order_by("updated_at").values_list("pk", flat=True)[:MOST_AT_ONCE])
    for pk in ids:
        enqueue_on_commit("invoices.read", invoice_id=str(pk))
    return len(ids)


def _clear(invoice: Invoice) -> None:
    """As it was when it came."""
    invoice.status, invoice.read_at = Invoice.Status.RECEIVED, None
    invoice.quarantine_code = invoice.quarantine_reason = ""
    invoice.format = invoice.rule_set = ""
    invoice.findings = invoice.validated_at = None
    invoice.match, invoice.verdict, invoice.reasons = None, "", []
    invoice.decision_id = invoice.matched_at = None
    invoice.outcome = invoice.outcome_note = ""
    invoice.outcome_at = invoice.outcome_sequence = None


def _tell(invoice: Invoice, by: Actor) -> Event:
    """A new event beside the first, from the same source: by it the workflow starts again."""
    events = Event.objects.select_related("source")
    first = events.filter(pk=invoice.event_id).first() if invoice.event_id else None
    stem = f"{SUBJECT}:{invoice.pk}:"
    attempt = 2 + Event.objects.filter(external_id__startswith=stem).count()
    return publish(
        type=EVENT_TYPE,
        subject=invoice.filename,
        body=event_body(invoice, attempt=attempt),
        external_id=f"{stem}{attempt}",
        source=first.source if first else None,
        is_test=first.is_test if first else False,
        by=by,
    ).event
