"""Node operations on supplier invoices."""

import uuid
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from controlplane.core.actor import Actor
from controlplane.core.sandbox import Busy
from controlplane.events.services import EventUnknown
from controlplane.invoices import services
from controlplane.invoices.contexts import NO_CURRENCY, amount_text
from controlplane.invoices.models import Invoice
from controlplane.nodes.declaration import (
    OperationFile,
    OperationInput,
    OperationOutput,
    operation,
)
from tenants.files import FileGone, FileTooLarge

# What a document comes to before anything is matched: the same words as every other verdict.
_VERDICT_OF_READING = {"read": "accept", "to_check": "hold", "quarantined": "reject"}


_SHORT_READING = (
    "invoice_id", "number", "status", "verdict", "supplier", "total", "order_reference", "url",
)  # fmt: skip
_SHORT_MATCH = (
    "invoice_id", "number", "verdict", "reasons", "order_numbers", "total", "decision_id", "url",
)  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class _InvoiceInput(OperationInput):
    invoice_id: uuid.UUID = Field(
        description="The invoice, from Extract",
        json_schema_extra={"n8n": {"label": "Invoice ID", "default": "={{ $json.invoice_id }}"}},
    )


class ExtractInput(OperationInput):
    event_id: uuid.UUID = Field(
        description="The event that brought the invoice, from the Pergola Trigger",
        json_schema_extra={"n8n": {"label": "Event ID", "default": "={{ $json.event_id }}"}},
    )


class InvoiceAmountOutput(_Part):
    amount: str = Field(description="In major units, as text, so that it stays exact: 12.50")
    currency: str = Field(description="ISO 4217 code; XXX where the invoice names none")


class ProblemOutput(_Part):
    code: str = Field(description="Stable name of the problem, for example no_xml")
    message: str = Field(description="The problem in a sentence")


class ExtractOutput(OperationOutput):
    invoice_id: uuid.UUID = Field(description="The invoice in Pergola; later nodes ask for it")
    number: str = Field(description="The supplier's number for it; empty where it was not read")
    format: Literal["ubl", "cii", "hybrid", "pdf", "unknown"] = Field(
        description="How it was written; hybrid is a PDF with XML inside"
    )
    status: Literal["read", "to_check", "quarantined"] = Field(
        description="Read, to be checked by a person, or quarantined"
    )
    verdict: Literal["accept", "hold", "reject"] = Field(
        description="Accept: read from XML. Hold: a person has to check it. Reject: quarantined"
    )
    supplier: str = Field(description="Who sent it; empty where it was not read")
    total: InvoiceAmountOutput = Field(description="What is to be paid")
    issue_date: date | None = Field(description="The day of the invoice")
    order_reference: str = Field(description="The purchase order that it names; may be empty")
    is_credit_note: bool = Field(description="Whether it gives money back")
    duplicate_of: uuid.UUID | None = Field(
        description="The invoice of the same supplier and number that came before"
    )
    problems: list[ProblemOutput] = Field(description="What could not be read")
    url: str = Field(description="The invoice's page in the portal")


class FindingOutput(_Part):
    rule_id: str = Field(description="The rule's official name, for example BR-CO-15")
    severity: Literal["fatal", "warning"] = Field(description="How much it matters")
    message: str = Field(description="The rule in its authors' words")
    element: str = Field(description="Where in the document it was broken")


class ValidateOutput(OperationOutput):
    invoice_id: uuid.UUID = Field(description="The invoice in Pergola")
    number: str = Field(description="The supplier's number for it")
    valid: bool = Field(description="Whether rules were run and none was broken")
    rule_set: str = Field(description="Which rules were run; empty where there is no XML")
    findings: list[FindingOutput] = Field(description="Every rule that was broken, and warnings")
    errors: int = Field(description="How many rules were broken")
    warnings: int = Field(description="How many warnings there are")
    url: str = Field(description="The invoice's page in the portal")


class InvoiceReasonOutput(_Part):
    code: str = Field(description="Stable name of the reason, for example over_received")
    message: str = Field(description="The reason in a sentence that names the lines")
    verdict: Literal["hold", "reject"] = Field(description="What this reason alone asks for")
    policy: str = Field(description="The policy that gave it; empty where none could")
    lines: list[str] = Field(description="The invoice lines that it is about; may be empty")


class LineOutput(_Part):
    line: str = Field(description="The line's number in the invoice")
    item: str = Field(description="What it is for")
    invoiced: str | None = Field(description="Quantity on this line; negative on a credit note")
    ordered: str | None = Field(description="Quantity ordered; null where no order line was found")
    received: str | None = Field(description="Quantity received so far, without what was refused")
    unit_price: str | None = Field(description="Price of one unit on the invoice")
    ordered_price: str | None = Field(description="Price of one unit on the order")
    verdict: Literal["accept", "hold"] = Field(description="Whether the line is as agreed")
    reasons: list[str] = Field(description="The codes of what is not as agreed")


class MatchOutput(OperationOutput):
    invoice_id: uuid.UUID = Field(description="The invoice in Pergola")
    number: str = Field(description="The supplier's number for it")
    verdict: Literal["accept", "hold", "reject"] = Field(
        description="The strictest of all reasons: accept means pay, hold is for a person"
    )
    reasons: list[InvoiceReasonOutput] = Field(
        description="Why it is not accepted, every reason listed"
    )
    lines: list[LineOutput] = Field(description="Each line beside order and receipt")
    order_numbers: list[str] = Field(description="The purchase orders that it was matched with")
    mode: Literal["two_way", "three_way"] = Field(
        description="Three-way also asks whether the goods were received"
    )
    total: InvoiceAmountOutput = Field(description="What is to be paid")
    decision_id: uuid.UUID = Field(description="The decision, kept with its input's hash")
    url: str = Field(description="The invoice's page in the portal")


class RecordInvoiceOutcomeInput(OperationInput):
    invoice_id: uuid.UUID = Field(
        description="The invoice, from Match or from what was approved",
        json_schema_extra={
            "n8n": {
                "label": "Invoice ID",
                "default": "={{ $json.invoice_id || $json.subject_id }}",
            }
        },
    )
    outcome: Literal["accepted", "rejected"] = Field(description="What became of the invoice")
    note: str = Field(
        default="",
        description="What should be remembered about it",
        max_length=2000,
        json_schema_extra={"n8n": {"multiline": True}},
    )


class RecordInvoiceOutcomeOutput(OperationOutput):
    invoice_id: uuid.UUID = Field(description="The invoice in Pergola")
    number: str = Field(description="The supplier's number for it")
    outcome: Literal["accepted", "rejected"] = Field(description="What was recorded")
    recorded_at: datetime = Field(description="When it was recorded first")
    audit_sequence: int = Field(description="The entry's number in the tenant's audit trail")
    url: str = Field(description="The invoice's page in the portal")


class SubmitInput(OperationInput):
    """The document is all."""


class SubmitOutput(OperationOutput):
    invoice_id: uuid.UUID = Field(description="The invoice in Pergola; it is read soon")
    event_id: uuid.UUID = Field(description="The event that workflows hear of it by")
    duplicate: bool = Field(description="Whether this very document was here already")


@operation(
    resource="invoice",
    name="submit",
    action="Submit an invoice",
    scope="invoices:submit",
    errors=(services.DocumentEmpty, FileTooLarge),
    slow=True,
)
def submit(data: SubmitInput, *, by: Actor, file: OperationFile) -> SubmitOutput:
    """Hand in the document of a supplier invoice, PDF or XML; workflows hear of it by an event."""
    received = services.receive_invoice(
        chunks=file.chunks(),
        filename=file.name,
        content_type=file.content_type,
        channel=Invoice.Channel.API,
        by=by,
    )
    return SubmitOutput(
        invoice_id=received.invoice.pk,
        event_id=received.event.pk,
        duplicate=received.is_duplicate,
    )


@operation(
    resource="invoice",
    name="extract",
    action="Extract an invoice",
    scope="invoices:read",
    errors=(EventUnknown, services.EventHoldsNoInvoice, FileGone, Busy),
    slow=True,
    simplified=_SHORT_READING,
)
def extract(data: ExtractInput, *, by: Actor) -> ExtractOutput:
    """Read the fields of a supplier invoice from its document."""
    invoice = services.extract_invoice(event_id=data.event_id, by=by)
    status = invoice.reading_status
    quarantine = [{"code": invoice.quarantine_code, "message": invoice.quarantine_reason}]
    return ExtractOutput.model_validate(
        {
            **_base(invoice),
            "format": invoice.format,
            "status": status,
            "verdict": _VERDICT_OF_READING[status],
            "supplier": invoice.supplier_name,
            "total": _total(invoice),
            "issue_date": invoice.issue_date,
            "order_reference": invoice.order_reference,
            "is_credit_note": invoice.is_credit_note,
            "duplicate_of": invoice.duplicate_of_id,
            "problems": [*(quarantine if invoice.quarantine_code else []), *invoice.problems],
        }
    )


@operation(
    resource="invoice",
    name="validate",
    action="Validate an invoice",
    scope="invoices:validate",
    errors=(
        services.InvoiceUnknown,
        services.InvoiceNotRead,
        FileGone,
        services.RulesUnavailable,
        services.RulesTookTooLong,
    ),
    slow=True,
)
def validate(data: _InvoiceInput, *, by: Actor) -> ValidateOutput:
    """Check an invoice by the official rules of EN 16931."""
    invoice = services.validate_invoice(invoice_id=data.invoice_id, by=by)
    return ValidateOutput.model_validate(
        {
            **_base(invoice),
            "valid": invoice.is_valid,
            "rule_set": invoice.rule_set,
            "findings": invoice.findings,
            "errors": invoice.errors,
            "warnings": invoice.warnings,
        }
    )


@operation(
    resource="invoice",
    name="match",
    action="Match an invoice",
    scope="invoices:match",
    errors=(services.InvoiceUnknown, services.InvoiceNotRead),
    simplified=_SHORT_MATCH,
)
def match(data: _InvoiceInput, *, by: Actor) -> MatchOutput:
    """Match an invoice with its order and goods receipt, and judge it: accept, hold or reject."""
    invoice = services.match_invoice(invoice_id=data.invoice_id, by=by)
    matched = invoice.match or {}
    return MatchOutput.model_validate(
        {
            **_base(invoice),
            "verdict": invoice.verdict,
            "reasons": invoice.reasons,
            "lines": [
                {**line, "reasons": [reason["code"] for reason in line["reasons"]]}
                for line in matched.get("lines", ())
            ],
            "order_numbers": matched.get("order_numbers", []),
            "mode": matched.get("mode", "three_way"),
            "total": _total(invoice),
            "decision_id": invoice.decision_id,
        }
    )


@operation(
    resource="invoice",
    name="record_outcome",
    action="Record what became of an invoice",
    scope="invoices:record",
    errors=(services.InvoiceUnknown, services.OutcomeRecorded, services.OutcomeNotAllowed),
)
def record_outcome(data: RecordInvoiceOutcomeInput, *, by: Actor) -> RecordInvoiceOutcomeOutput:
    """Record that an invoice was accepted or rejected, once and for all."""
    invoice = services.record_outcome(
        invoice_id=data.invoice_id, outcome=data.outcome, note=data.note, by=by
    )
    return RecordInvoiceOutcomeOutput.model_validate(
        {
            **_base(invoice),
            "outcome": invoice.outcome,
            "recorded_at": invoice.outcome_at,
            "audit_sequence": invoice.outcome_sequence,
        }
    )


def _base(invoice: Invoice) -> dict[str, Any]:
    return {
        "invoice_id": invoice.pk,
        "number": invoice.number,
        "url": services.invoice_link(invoice),
    }


def _total(invoice: Invoice) -> dict[str, str]:
    total = invoice.total
    if total is None:
        return {"amount": "0", "currency": NO_CURRENCY}
    return {"amount": amount_text(total), "currency": total.currency}
