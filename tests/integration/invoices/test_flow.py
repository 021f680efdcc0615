"""From a document to its outcome, through every service on the way."""

from controlplane.invoices import services
from controlplane.invoices.models import Invoice
from tests.factories.invoices import (
    ADA,
    make_goods_receipt,
    make_matched,
    make_purchase_order,
)


def codes(invoice: Invoice) -> list[str]:
    return [reason["code"] for reason in invoice.reasons]


def test_ordered_received_and_invoiced_alike_is_paid(tenant):
    make_purchase_order()
    make_goods_receipt()

    invoice = make_matched()

    assert (invoice.verdict, codes(invoice)) == ("accept", [])
    assert invoice.status == Invoice.Status.MATCHED
    done = services.record_outcome(invoice_id=invoice.pk, outcome="accepted", note="paid", by=ADA)
    assert done.status == "accepted"
