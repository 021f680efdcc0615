"""Reading a document that was taken in, once, in a process that may not survive it."""

import uuid
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.text import made_storable
from controlplane.events.services import attach_execution, get_event
from controlplane.invoices.models import Invoice, InvoiceLine
from controlplane.invoices.normal import NormalInvoice
from controlplane.invoices.reading import Reading, read_document
from controlplane.invoices.services.again import EVENT_TYPE
from controlplane.invoices.services.duplicates import others_of_this_number
from controlplane.invoices.services.lookup import SUBJECT, get_invoice, invoice_of, locked_invoice
from tenants import files

MOST_XML_BYTES = 64 * 1024 * 1024
_LINE_TEXTS = {
    "line_id": ("id", 100),
    "seller_item_id": ("seller_item_id", 100),
    "buyer_item_id": ("buyer_item_id", 100),
    "standard_item_id": ("standard_item_id", 100),
    "unit": ("unit", 10),
    "order_number": ("order_ref", 100),
    "order_line_reference": ("order_line_ref", 100),
}


class EventHoldsNoInvoice(DomainError):
    code = "event_holds_no_invoice"
    status = 422
    title = "The event is not about an invoice"


def extract_invoice(*, event_id: uuid.UUID, by: Actor) -> Invoice:
    """The event's invoice, read now if it was not read yet.

    Raises EventUnknown, EventHoldsNoInvoice, FileGone, Busy.
    """
    event = get_event(event_id)
    if event.type != EVENT_TYPE:
        raise EventHoldsNoInvoice(
            f"Event {event_id} is {event.type}. Have the Pergola Trigger listen to {EVENT_TYPE}.",
            errors=(FieldError("event_id", f"is {event.type}"),),
        )
    if by.execution:
        attach_execution(event, by.execution)
    invoice = invoice_of(event)
    if invoice is None:
        raise EventHoldsNoInvoice(
            f"The invoice of event {event_id} is not there any more.",
            errors=(FieldError("event_id", "names no invoice"),),
        )
    return read_invoice(invoice_id=invoice.pk, by=by)


def read_invoice(*, invoice_id: uuid.UUID, by: Actor, is_last_try: bool = False) -> Invoice:
    """Look into the document; one that was read before is left as it is.

    It is looked at while nothing is locked; of two who do so at once the second changes nothing.
    One that a busy server does not get to the end of is quarantined on the last try only.
    Raises InvoiceUnknown, FileGone, Busy.
    """
    invoice = get_invoice(invoice_id)
    if invoice.status != Invoice.Status.RECEIVED:
        return invoice
    reading = read_document(
        files.path_of(invoice.sha256),
        filename=invoice.filename,
        content_type=invoice.content_type,
        is_last_try=is_last_try,
    )
    xml_sha256 = ""
    if reading.xml is not None:
        xml_sha256 = files.store([reading.xml.encode()], limit=MOST_XML_BYTES).sha256
    return _keep(invoice_id, reading, xml_sha256, by)


@transaction.atomic
def _keep(invoice_id: uuid.UUID, reading: Reading, xml_sha256: str, by: Actor) -> Invoice:
    invoice = locked_invoice(invoice_id)
    if invoice.status != Invoice.Status.RECEIVED:
        return invoice
    invoice.format, invoice.status = reading.format, Invoice.Status(reading.outcome)
    invoice.syntax = reading.syntax or ""
    invoice.xml_name, invoice.pages = made_storable(reading.xml_name)[:200], reading.pages
    invoice.xml_sha256 = xml_sha256
    invoice.text = made_storable(reading.text)
    invoice.fields, invoice.problems = storable(reading.fields), storable(reading.problems)
    invoice.needs_check = reading.outcome == "to_check"
    invoice.read_at = timezone.now()
    if reading.reason:
        invoice.quarantine_code = reading.reason["code"][:40]
        invoice.quarantine_reason = made_storable(reading.reason["message"])
    if reading.invoice and not reading.reason:
        keep_normal(invoice, reading.invoice)
    invoice.save()
    quarantined = invoice.status == Invoice.Status.QUARANTINED
    record(
        action="invoice.quarantined" if quarantined else "invoice.read",
        subject_type=SUBJECT,
        subject_id=str(invoice.pk),
        data={
            "number": invoice.number,
            "format": invoice.format,
            "status": invoice.status,
            "reason": invoice.quarantine_code,
            "duplicate_of": str(invoice.duplicate_of_id or ""),
        },
        by=by,
    )
    return invoice


def keep_normal(invoice: Invoice, normal: NormalInvoice) -> None:
    """Bring columns and lines to what the invoice says. The caller saves the invoice itself."""
    totals = normal.totals
    invoice.normal = storable(normal.to_json())
    invoice.number = made_storable(normal.number)[:100]
    invoice.type_code, invoice.is_credit_note = normal.type_code[:10], normal.is_credit_note
    invoice.issue_date, invoice.due_date = normal.issue_date, normal.due_date
    invoice.currency = normal.currency[:3]
    invoice.net, invoice.tax = _money(totals.without_vat), _money(totals.vat)
    invoice.gross = _money(totals.with_vat)
    invoice.payable = _money(totals.due if totals.due is not None else totals.with_vat)
    seller = normal.seller
    invoice.supplier_name = made_storable(seller.name or seller.trading_name)[:200]
    invoice.supplier_vat_id = made_storable(seller.vat_id)[:40]
    invoice.supplier_key = supplier_key(normal)
    invoice.buyer_name = made_storable(normal.buyer.name or normal.buyer.trading_name)[:200]
    invoice.order_reference = made_storable(normal.order_ref)[:100]
    invoice.iban = made_storable(normal.iban)[:40]
    invoice.duplicate_of = next(iter(others_of_this_number(invoice)), None)
    invoice.lines.all().delete()
    InvoiceLine.objects.bulk_create(
        (_row(invoice, position, line) for position, line in enumerate(normal.lines, start=1)),
        batch_size=1000,
    )


def supplier_key(normal: NormalInvoice) -> str:
    """What makes two invoices ones of the same supplier: the VAT number, else the name."""
    seller = normal.seller
    known = seller.vat_id or seller.tax_id or seller.legal_id or seller.name or seller.trading_name
    return "".join(char for char in made_storable(known).casefold() if char.isalnum())[:200]


def storable(value: Any) -> Any:
    """The same JSON without characters that PostgreSQL does not keep."""
    match value:
        case str():
            return made_storable(value)
        case dict():
            return {made_storable(key): storable(inner) for key, inner in value.items()}
        case list():
            return [storable(inner) for inner in value]
    return value


def _row(invoice: Invoice, position: int, line: Any) -> InvoiceLine:
    told = asdict(line)
    texts = {
        name: made_storable(told[source])[:most] for name, (source, most) in _LINE_TEXTS.items()
    }
    return InvoiceLine(
        invoice=invoice,
        position=position,
        name=made_storable(line.name or line.description)[:500],
        quantity=_rounded(line.quantity, 8) or Decimal(0),
        unit_price=_rounded(line.net_price, 10),
        price_base_quantity=_rounded(line.price_base_quantity, 8) or Decimal(1),
        net=_money(line.net_amount) or Decimal(0),
        **texts,
    )


def _money(amount: Decimal | None) -> Decimal | None:
    return _rounded(amount, 4)


def _rounded(number: Decimal | None, places: int) -> Decimal | None:
    """To what a column holds; the exact number stays in `normal`."""
    return None if number is None else round(number, places)
