"""A held invoice with its order and receipt."""

from controlplane.invoices import services
from tests.factories.invoices import (
    ADA,
    make_goods_receipt,
    make_invoice,
    make_purchase_order,
    ubl_invoice,
)
from tests.factories.world import Part, Upload

SUPPLIER = "Windjammer Tauwerk GmbH"
ORDER = b"""{"number": "PO-2", "currency": "EUR", "lines": [{"line_id": "1", "quantity": 1}]}"""
RECEIPT = b"""{"number": "GR-2", "order_number": "PO-1", "lines": [{"quantity": 1}]}"""


def part(url: str) -> Part:
    order = make_purchase_order(supplier_name=SUPPLIER)
    receipt = make_goods_receipt()
    invoice = make_invoice(supplier=SUPPLIER)
    services.match_invoice(invoice_id=invoice.pk, by=ADA)
    return Part(
        rows={
            "invoice_id": invoice.pk, "invoice_event": invoice.event_id,
            "purchase_order_id": order.pk, "goods_receipt_id": receipt.pk,
        },
        raw={
            "api/v1/invoices": (ubl_invoice(number="R-2"), "application/xml"),
            "api/v1/purchase-orders": (ORDER, "application/json"),
            "api/v1/goods-receipts": (RECEIPT, "application/json"),
        },
        documents={
            "invoice.submit": Upload(
                "file", "R-2.xml", ubl_invoice(number="R-2"), "application/xml"
            ),
        },
        inputs={
            "invoice.extract": {"event_id": "{invoice_event}"},
            "invoice.record_outcome": {"outcome": "rejected"},
        },
        secrets={"Windjammer", "R-1001"},
    )  # fmt: skip
