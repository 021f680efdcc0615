"""What came of test events: people see of each thing that nothing about it is real."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Exists, OuterRef
from django.urls import reverse
from django.utils.translation import gettext as _

from controlplane.events.models import Event
from controlplane.invoices.models import Invoice
from controlplane.orders.models import Order
from controlplane.support.models import Ticket

# An invoice does not say so itself, its event does.
IS_TEST_INVOICE = Exists(Event.objects.filter(pk=OuterRef("event_id"), is_test=True))
_OPEN_INVOICE = {Invoice.Status.RECEIVED, Invoice.Status.READ}
_OPEN_TICKET = {Ticket.Status.NEW, Ticket.Status.TRIAGED}


@dataclass(frozen=True)
class Trial:
    """What a test event became: how it stands, and where it is seen."""

    said: str
    look: str
    address: str
    status: str
    label: str
    is_judged: bool


def tests_among(subject_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Those of the orders, invoices and tickets that came of a test."""
    tests = [
        Order.objects.filter(pk__in=subject_ids, is_test=True),
        Invoice.objects.filter(IS_TEST_INVOICE, pk__in=subject_ids),
        Ticket.objects.filter(pk__in=subject_ids, is_test=True),
    ]
    return {pk for rows in tests for pk in rows.values_list("pk", flat=True)}


def is_test_invoice(invoice: Invoice) -> bool:
    event_id = invoice.event_id
    return event_id is not None and Event.objects.filter(pk=event_id, is_test=True).exists()


def trial_of(event: Event) -> Trial | None:
    """None before there is anything; an order is there once it was judged."""
    if order := Order.objects.filter(event_id=event.pk).first():
        address = reverse("orders:detail", args=[order.pk])
        said, look = _("The order was judged:"), _("Look at the order")
        return Trial(said, look, address, order.status, order.get_status_display(), True)
    if invoice := Invoice.objects.filter(event_id=event.pk).first():
        address = reverse("invoices:detail", args=[invoice.pk])
        said, look = _("The invoice was judged:"), _("Look at the invoice")
        is_judged = invoice.status not in _OPEN_INVOICE
        label = invoice.get_status_display()
        return Trial(said, look, address, invoice.status, label, is_judged)
    if ticket := Ticket.objects.filter(event_id=event.pk).first():
        address = reverse("tickets:detail", args=[ticket.pk])
        said, look = _("The ticket was judged:"), _("Look at the ticket")
        is_judged = ticket.status not in _OPEN_TICKET
        return Trial(said, look, address, ticket.status, ticket.get_status_display(), is_judged)
    return None
