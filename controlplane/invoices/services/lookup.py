"""Finding an invoice, and its page."""

import json
import uuid
from contextlib import suppress

from django.db.models import Q

from controlplane.core.errors import DomainError, FieldError
from controlplane.events.models import Event
from controlplane.invoices.models import Invoice
from tenants.context import current_tenant

SUBJECT = "invoice"


class InvoiceUnknown(DomainError):
    code = "invoice_unknown"
    status = 404
    title = "No such invoice"


class InvoiceNotRead(DomainError):
    code = "invoice_not_read"
    status = 409
    title = "The invoice was not read yet"


def get_invoice(invoice_id: uuid.UUID) -> Invoice:
    """Raises InvoiceUnknown."""
    return _found(Invoice.objects.filter(pk=invoice_id).first(), invoice_id)


def invoice_of(event: Event) -> Invoice | None:
    """The invoice that the event told of; one that was read again has a newer event too."""
    told = Q(event_id=event.pk)
    with suppress(ValueError, TypeError, KeyError):
        told |= Q(pk=uuid.UUID(json.loads(event.body)["invoice_id"]))
    return Invoice.objects.filter(told).first()


def locked_invoice(invoice_id: uuid.UUID) -> Invoice:
    """Held until the commit, so that what is done to one invoice queues up. Raises InvoiceUnknown.

    Only this row: what it is a duplicate of is read without waiting, and another may be marked as
    a duplicate of it meanwhile.
    """
    rows = Invoice.objects.select_for_update(of=("self",), no_key=True)
    found = rows.filter(pk=invoice_id).first()
    return _found(found, invoice_id)


def assert_read(invoice: Invoice) -> None:
    """Raises InvoiceNotRead."""
    if invoice.status == Invoice.Status.RECEIVED:
        raise InvoiceNotRead(
            f"Invoice {invoice} was not read yet. Call Extract an invoice first, or wait a moment."
        )


def invoice_link(invoice: Invoice) -> str:
    """The invoice's page on the tenant's host; the tenant is the one that is entered."""
    return f"{current_tenant().portal_url}/invoices/{invoice.pk}/"


def _found(invoice: Invoice | None, invoice_id: uuid.UUID) -> Invoice:
    if invoice is None:
        raise InvoiceUnknown(
            f"This tenant has no invoice {invoice_id}. Pass on the invoice_id of Extract an "
            "invoice.",
            errors=(FieldError("invoice_id", "names no invoice"),),
        )
    return invoice
