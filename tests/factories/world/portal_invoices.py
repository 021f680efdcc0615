"""An invoice that a person has to check, and how the portal's pages about invoices are called."""

from pathlib import Path

from tests.factories.invoices import make_goods_receipt, make_invoice, make_purchase_order
from tests.factories.world import Part, Upload

PDF = Path(__file__).parents[2] / "data" / "demo" / "invoices" / "plain.pdf"
ORDERS = b"order_number,currency,line_id,quantity\nPO-7,EUR,1,5\n"
RECEIPTS = b"receipt_number,order_number,order_line_id,quantity\nGR-7,PO-7,1,5\n"


def part(url: str) -> Part:
    order = make_purchase_order("PO-halyard")
    receipt = make_goods_receipt("GR-halyard", order="PO-halyard")
    invoice = make_invoice(content=PDF.read_bytes(), filename="halyard.pdf")
    of_one = "invoices/<uuid:invoice_id>/"
    return Part(
        rows={
            "checked_invoice": invoice.pk, "page_number": 1,
            "purchase_order_id": order.pk, "goods_receipt_id": receipt.pk,
        },
        bodies={
            f"{of_one}fields/": {
                "number": "R-7", "issue_date": "2026-03-01", "currency": "EUR",
                "supplier_name": "Seiler", "gross": "119.00",
            },
        },
        uploads={
            "invoices/upload/": Upload("documents", "new.pdf", b"%PDF-1.7 another"),
            "purchase-orders/import/": Upload("file", "orders.csv", ORDERS, "text/csv"),
            "goods-receipts/import/": Upload("file", "receipts.csv", RECEIPTS, "text/csv"),
        },
        aliases={
            ("invoices", "invoice_id"): "checked_invoice", ("invoices", "number"): "page_number",
        },
        secrets={"halyard"},
    )  # fmt: skip
