"""What of a tenant's invoices goes to its sandbox, and how: no document, no judgment."""

from typing import Any, cast

from django.db import models

from controlplane.invoices.models import Invoice
from tenants.environments.pseudonyms import Pseudonyms
from tenants.environments.rules import (
    ROW,
    Copied,
    as_json,
    choice,
    code,
    company,
    declare,
    digest,
    filename,
    iban,
    keep,
    reset,
    tax_id,
    text,
)

_ROW = {"id": keep, "created_at": keep, "updated_at": keep}
_ITEM = {
    "seller_item_id": code, "buyer_item_id": code, "standard_item_id": code, "description": text,
    "quantity": keep, "unit": choice,
}  # fmt: skip


def _as_read(value: Any, names: Pseudonyms, row: models.Model) -> str:
    """How far it was read; what was judged since is judged anew."""
    invoice = cast(Invoice, row)
    if invoice.read_at is None and not invoice.quarantine_code:
        return Invoice.Status.RECEIVED
    return invoice.reading_status


def declare_all() -> None:
    declare(
        "invoices.PurchaseOrder",
        Copied(
            "invoices",
            {**ROW, "number": code, "supplier_name": company, "supplier_vat_id": tax_id,
             "buyer_name": company, "currency": choice, "ordered_at": keep, "status": choice,
             "content_sha256": digest},
        ),
    )  # fmt: skip
    declare(
        "invoices.PurchaseOrderLine",
        Copied(
            "invoices",
            {**ROW, **_ITEM, "order": keep, "position": keep, "line_id": code, "unit_price": keep,
             "price_base_quantity": keep},
        ),
    )  # fmt: skip
    declare(
        "invoices.GoodsReceipt",
        Copied(
            "invoices",
            {**ROW, "kind": choice, "number": code, "order_number": code,
             "supplier_name": company, "received_at": keep, "content_sha256": digest},
        ),
    )  # fmt: skip
    declare(
        "invoices.GoodsReceiptLine",
        Copied(
            "invoices",
            {**ROW, **_ITEM, "receipt": keep, "position": keep, "line_id": code,
             "order_number": code, "order_line_reference": code, "rejected": keep},
        ),
    )  # fmt: skip
    declare(
        "invoices.Invoice",
        Copied(
            "invoices",
            {**ROW, "sha256": digest, "filename": filename, "content_type": choice, "size": keep,
             "channel": choice, "source_slug": code, "event_id": keep, "status": _as_read,
             "format": choice, "syntax": choice, "xml_name": filename, "xml_sha256": digest,
             "pages": keep, "read_at": keep, "needs_check": keep, "quarantine_code": choice,
             "quarantine_reason": text, "problems": reset, "normal": as_json, "text": reset,
             "fields": as_json, "number": code, "type_code": choice, "is_credit_note": keep,
             "issue_date": keep, "due_date": keep, "currency": choice, "net": keep, "tax": keep,
             "gross": keep, "payable": keep, "supplier_name": company, "supplier_vat_id": tax_id,
             "supplier_key": digest, "buyer_name": company, "order_reference": code, "iban": iban,
             "duplicate_of": keep, "findings": reset, "rule_set": reset, "validated_at": reset,
             "match": reset, "verdict": reset, "reasons": reset, "decision_id": reset,
             "matched_at": reset, "outcome": reset, "outcome_note": reset, "outcome_at": reset,
             "outcome_sequence": reset},
        ),
    )  # fmt: skip
    declare(
        "invoices.InvoiceLine",
        Copied(
            "invoices",
            {**ROW, "invoice": keep, "position": keep, "line_id": code, "seller_item_id": code,
             "buyer_item_id": code, "standard_item_id": code, "name": text, "quantity": keep,
             "unit": choice, "unit_price": keep, "price_base_quantity": keep, "net": keep,
             "order_number": code, "order_line_reference": code, "order_line": keep},
        ),
    )  # fmt: skip
