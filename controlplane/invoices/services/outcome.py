"""Recording what became of an invoice."""

import uuid

from django.db import transaction
from django.utils import timezone

from controlplane.approvals.standing import why_not_approved
from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.invoices.models import Invoice
from controlplane.invoices.services.lookup import SUBJECT, locked_invoice
from controlplane.invoices.services.match import come_up_since
from controlplane.policies.services import record_decision_outcome
from controlplane.policies.verdicts import Verdict


class OutcomeRecorded(DomainError):
    code = "outcome_recorded"
    status = 409
    title = "The invoice has another outcome already"


class OutcomeNotAllowed(DomainError):
    code = "outcome_not_allowed"
    status = 409
    title = "The invoice cannot be accepted"


@transaction.atomic
def record_outcome(*, invoice_id: uuid.UUID, outcome: str, note: str, by: Actor) -> Invoice:
    """Say what became of the invoice, once; the same again is answered with what was recorded.

    An invoice that policies hold is accepted only with an approval of that very decision, and one
    that they reject never is. Nor is one whose goods were invoiced or whose order was cancelled
    since it was judged: of two that wait for a person neither knew of the other. Raises
    InvoiceUnknown, OutcomeRecorded, OutcomeNotAllowed.
    """
    invoice = locked_invoice(invoice_id)
    if invoice.outcome == outcome:
        return invoice
    if invoice.outcome:
        raise OutcomeRecorded(
            f"Invoice {invoice} was {invoice.outcome} on {invoice.outcome_at:%Y-%m-%d %H:%M} UTC, "
            f"so it cannot become {outcome}. Nothing was changed.",
            errors=(FieldError("outcome", f"is {invoice.outcome} already"),),
        )
    if outcome == Invoice.Outcome.ACCEPTED:
        _assert_acceptable(invoice)
        _assert_still_so(invoice)
    entry = record(
        action=f"invoice.{outcome}",
        subject_type=SUBJECT,
        subject_id=str(invoice.pk),
        data={
            "number": invoice.number,
            "verdict": invoice.verdict,
            "decision_id": str(invoice.decision_id) if invoice.decision_id else "",
            "note": note,
        },
        by=by,
    )
    invoice.outcome, invoice.outcome_note = outcome, note
    invoice.status = Invoice.Status(outcome)
    invoice.outcome_at, invoice.outcome_sequence = timezone.now(), entry.sequence
    invoice.save()
    record_decision_outcome(decision_id=invoice.decision_id, outcome=outcome, note=note, by=by)
    return invoice


def _assert_acceptable(invoice: Invoice) -> None:
    if invoice.needs_check:
        raise OutcomeNotAllowed(
            f"Nobody has confirmed the fields of invoice {invoice} yet, so it cannot be accepted, "
            "whatever was approved. Confirm them in the portal first, or record it as rejected.",
            errors=(FieldError("outcome", "needs confirmed fields"),),
        )
    if invoice.verdict == Verdict.ACCEPT:
        return
    if invoice.verdict != Verdict.HOLD:
        judged = "rejected by the tenant's policies" if invoice.verdict else "not matched yet"
        raise OutcomeNotAllowed(
            f"Invoice {invoice} was {judged}, so it cannot be accepted. Record it as rejected, or "
            "match it again after what was wrong has been put right.",
            errors=(FieldError("outcome", "cannot be accepted"),),
        )
    state = why_not_approved(
        SUBJECT, invoice.pk, invoice.decision_id, changed="it was matched again"
    )
    if not state:
        return
    raise OutcomeNotAllowed(
        f"Invoice {invoice} is held by the tenant's policies, and {state}. Use Approval → Request "
        "and Wait first, and record accepted only where its status is approved.",
        errors=(FieldError("outcome", "needs an approval"),),
    )


def _assert_still_so(invoice: Invoice) -> None:
    if found := come_up_since(invoice):
        raise OutcomeNotAllowed(
            f"Since invoice {invoice} was judged something has come up: {' '.join(found)} Match it "
            "again, so that it is judged by what is so now.",
            errors=(FieldError("outcome", "rests on an older match"),),
        )
