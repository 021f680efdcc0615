"""What a person who approves is shown of an invoice."""

import uuid

from controlplane.approvals.subjects import Subject, SubjectUnknown
from controlplane.core.errors import FieldError
from controlplane.invoices.contexts import money_text
from controlplane.invoices.matching.result import plain
from controlplane.invoices.models import Invoice
from controlplane.invoices.services.lookup import SUBJECT, invoice_link
from controlplane.policies.services import overriders_of
from controlplane.policies.verdicts import Verdict

_LINES_SHOWN = 20


def describe_invoice(invoice_id: uuid.UUID) -> Subject:
    """Raises SubjectUnknown. A new decision on the invoice needs a new approval: the revision."""
    invoice = Invoice.objects.filter(pk=invoice_id).first()
    if invoice is None:
        raise SubjectUnknown(
            f"This tenant has no invoice {invoice_id}. Pass on the invoice_id of Extract an "
            "invoice.",
            errors=(FieldError("subject_id", "names no invoice"),),
        )
    kind = "Credit note" if invoice.is_credit_note else "Invoice"
    sender = f" from {invoice.supplier_name}" if invoice.supplier_name else ""
    return Subject(
        kind=SUBJECT,
        id=invoice.pk,
        title=f"{kind} {invoice}{sender}",
        summary=_summary(invoice),
        revision=str(invoice.decision_id or ""),
        caused_by=overriders_of(invoice.decision_id),
        reasons=invoice.reasons,
        amount=invoice.total,
        verdict=invoice.verdict,
        blocked=_blocked(invoice),
    )


def hold_invoice(invoice_id: uuid.UUID) -> None:
    """Its row until the commit: decisions on it and new matches of it queue up."""
    Invoice.objects.select_for_update(of=("self",), no_key=True).filter(pk=invoice_id).first()


def _blocked(invoice: Invoice) -> str:
    link = invoice_link(invoice)
    if invoice.needs_check:
        return (
            f"Confirm the fields of invoice {invoice} first: nobody has checked yet what it says. "
            f"Open {link} and compare them with the document. It can be rejected as it is."
        )
    if invoice.decision_id is None and not invoice.is_finished:
        return (
            f"Match invoice {invoice} first: it has not been matched since its fields changed. "
            f"Open {link} and choose Match now. It can be rejected as it is."
        )
    if invoice.verdict == Verdict.REJECT and not invoice.is_finished:
        return (
            f"The policies reject invoice {invoice}, which no approval overrules. Reject it here, "
            f"or open {link}, put right what is wrong and match it again."
        )
    return ""


def _summary(invoice: Invoice) -> str:
    """From whom, for which order, to which account, what: a line of text each."""
    supplier = ", ".join(filter(None, (invoice.supplier_name, invoice.supplier_vat_id)))
    total = invoice.total
    rows = invoice.lines.all()
    told = [
        f"{plain(row.quantity)} × {row.name or row.seller_item_id}: {plain(row.net)}"
        for row in rows[:_LINES_SHOWN]
    ]
    if (more := rows.count() - _LINES_SHOWN) > 0:
        told.append(f"and {more} more lines")
    parts = (
        f"Supplier: {supplier}" if supplier else "The supplier could not be read",
        f"To be paid: {money_text(total)}" if total else "",
        f"Due on {invoice.due_date:%Y-%m-%d}" if invoice.due_date else "",
        f"Account: {invoice.iban}" if invoice.iban else "",
        f"Purchase order: {invoice.order_reference}"
        if invoice.order_reference
        else "No purchase order is named",
        *told,
    )
    return "\n".join(filter(None, parts))
