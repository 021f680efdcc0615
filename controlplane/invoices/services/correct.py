"""A person fills in what no program could read for sure."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from controlplane.approvals.renewal import hold_waiting
from controlplane.approvals.services import DECIDE, NotADecider
from controlplane.audit.services import record
from controlplane.core.actor import Actor, ActorKind
from controlplane.core.errors import DomainError
from controlplane.invoices.corrections import corrected, parse_fields
from controlplane.invoices.models import Invoice
from controlplane.invoices.normal import NormalInvoice
from controlplane.invoices.services.lookup import SUBJECT, locked_invoice
from controlplane.invoices.services.match import match_invoice
from controlplane.invoices.services.read import keep_normal


class NothingToCorrect(DomainError):
    code = "nothing_to_correct"
    status = 409
    title = "The invoice's fields cannot be changed"


class NotAPerson(DomainError):
    code = "not_a_person"
    status = 403
    title = "Only a person can confirm fields"


@transaction.atomic
def correct_fields(*, invoice_id: uuid.UUID, fields: Mapping[str, Any], by: Actor) -> Invoice:
    """Take what a person read from the document as the invoice's fields; then it counts as read.

    Only where Pergola could not read it for sure: electronic data is never overruled. It is
    matched at once, by what its last match went by. Raises InvoiceUnknown, FieldsInvalid,
    NothingToCorrect, NotAPerson, NotADecider.
    """
    if by.kind is not ActorKind.MEMBER:
        raise NotAPerson("Log in to the portal and confirm the fields there.")
    if DECIDE not in by.scopes:
        raise NotADecider(
            "Your role may look at the fields but not confirm them. Ask an approver or a manager "
            "of your workspace."
        )
    typed = parse_fields(fields)
    invoice = locked_invoice(invoice_id)
    _assert_open(invoice)
    hold_waiting(SUBJECT, invoice.pk)
    read = NormalInvoice.from_json(invoice.normal) if invoice.normal else NormalInvoice()
    before = _texts(invoice)
    keep_normal(invoice, corrected(read, typed))
    invoice.status, invoice.needs_check, invoice.problems = Invoice.Status.READ, False, []
    # Judged on other fields: an approval of that decision must not count for these.
    invoice.match, invoice.verdict, invoice.reasons = None, "", []
    invoice.decision_id = invoice.matched_at = None
    invoice.save()
    after = _texts(invoice)
    record(
        action="invoice.corrected",
        subject_type=SUBJECT,
        subject_id=str(invoice.pk),
        data={
            "number": invoice.number,
            "changed": {
                name: {"from": before[name], "to": after[name]}
                for name in after
                if before[name] != after[name]
            },
            "lines": len(typed.lines) if typed.lines is not None else None,
            "duplicate_of": str(invoice.duplicate_of_id or ""),
        },
        by=by,
    )
    return match_invoice(invoice_id=invoice.pk, by=by)


def _assert_open(invoice: Invoice) -> None:
    if invoice.is_finished:
        raise NothingToCorrect(
            f"Invoice {invoice} was {invoice.outcome} already. Nothing was changed."
        )
    if invoice.quarantine_code or not (invoice.needs_check or invoice.format == Invoice.Format.PDF):
        raise NothingToCorrect(
            f"Invoice {invoice} is {invoice.get_status_display().lower()}; only the fields of a "
            "document that is to be checked can be filled in."
        )


def _texts(invoice: Invoice) -> dict[str, str]:
    names = (
        "number", "issue_date", "due_date", "currency", "supplier_name", "supplier_vat_id",
        "buyer_name", "order_reference", "iban", "net", "tax", "gross", "payable",
        "is_credit_note",
    )  # fmt: skip
    return {name: "" if (value := getattr(invoice, name)) is None else str(value) for name in names}
