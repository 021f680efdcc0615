"""Taking in purchase orders and goods receipts: each number once, a changed one brought up to date.

All of what is sent is written, or nothing. The same content again changes nothing and is not
noted in the audit trail a second time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import FieldError
from controlplane.core.schema import entered_schema
from controlplane.invoices.models import (
    GoodsReceipt,
    GoodsReceiptLine,
    PurchaseOrder,
    PurchaseOrderLine,
)
from controlplane.invoices.procurement.parsing import parse_orders, parse_receipts
from controlplane.invoices.procurement.typed import (
    Cancellation,
    GoodsReceiptIn,
    ImportRefused,
    OrderLineIn,
    PurchaseOrderIn,
)

_ORDER_FIELDS = (
    "number", "supplier_name", "supplier_vat_id", "buyer_name", "currency", "ordered_at", "status",
)  # fmt: skip
_RECEIPT_FIELDS = ("number", "kind", "order_number", "supplier_name", "received_at")


@dataclass
class Imported:
    """How many were new, brought up to date, or known as they are; `numbers` names them all."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    numbers: list[str] = field(default_factory=list)


def import_purchase_orders(*, content: bytes, by: Actor) -> Imported:
    """Orders as JSON, UBL Order or OrderCancellation, or CSV. Raises ImportRefused."""
    return _import_orders(parse_orders(content), by)


def import_goods_receipts(*, content: bytes, by: Actor) -> Imported:
    """Receipts as JSON, UBL ReceiptAdvice or DespatchAdvice, or CSV. Raises ImportRefused."""
    return _import_receipts(parse_receipts(content), by)


@transaction.atomic
def _import_orders(documents: Sequence[PurchaseOrderIn | Cancellation], by: Actor) -> Imported:
    _one_at_a_time()
    # All at once and by key, as a match takes them, so that the two never wait for one another.
    known = {
        row.number.lower(): row
        for row in PurchaseOrder.objects.numbered({each.number for each in documents})
        .select_for_update()
        .order_by("pk")
    }
    imported, notes = Imported(), []
    for document in documents:
        imported.numbers.append(document.number)
        row = known.get(document.number.lower())
        if isinstance(document, Cancellation):
            row, change = _cancel(row, document)
        else:
            row, change = _write_order(row, document)
        _count(imported, change)
        if change:
            notes.append((row, {"number": row.number, "change": change, "status": row.status}))
    for row, data in notes:
        _note("purchase_order", row, {**data, "lines": row.lines.count()}, by)
    return imported


@transaction.atomic
def _import_receipts(documents: Sequence[GoodsReceiptIn], by: Actor) -> Imported:
    _one_at_a_time()
    imported, notes = Imported(), []
    for document in documents:
        imported.numbers.append(document.number)
        row, change = _write_receipt(document)
        _count(imported, change)
        if change:
            notes.append(
                (
                    row,
                    {
                        "number": row.number,
                        "kind": row.kind,
                        "change": change,
                        "orders": sorted({line.order_number for line in row.lines.all()} - {""}),
                    },
                )
            )
    for row, data in notes:
        _note("goods_receipt", row, {**data, "lines": row.lines.count()}, by)
    return imported


def _one_at_a_time() -> None:
    """Two imports of the same number at the same moment: the second updates what the first made."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('invoices.import'), hashtext(%s))",
            [entered_schema()],
        )


def _write_order(row: PurchaseOrder | None, document: PurchaseOrderIn) -> tuple[PurchaseOrder, str]:
    digest = document.digest()
    if row and row.content_sha256 == digest:
        return row, ""
    change = "updated" if row else "created"
    row = row or PurchaseOrder()
    for name in _ORDER_FIELDS:
        setattr(row, name, getattr(document, name))
    row.content_sha256 = digest
    row.save()
    _write_order_lines(row, document.lines)
    return row, change


def _write_order_lines(row: PurchaseOrder, lines: Iterable[OrderLineIn]) -> None:
    """By line number, since invoices are counted at them. One that was left out and invoiced
    already stays, with nothing ordered."""
    known = {line.line_id: line for line in row.lines.all()}
    new: list[PurchaseOrderLine] = []
    kept: list[PurchaseOrderLine] = []
    for position, given in enumerate(lines, start=1):
        line = known.pop(given.line_id, None)
        (kept if line else new).append(line := line or PurchaseOrderLine(order=row))
        for name, value in given.model_dump().items():
            setattr(line, name, value)
        line.position = position
    for line in known.values():
        if line.invoice_lines.exists():
            line.quantity = line.quantity * 0
            kept.append(line)
        else:
            line.delete()
    names = ["position", *OrderLineIn.model_fields]
    PurchaseOrderLine.objects.bulk_update(kept, names, batch_size=500)
    PurchaseOrderLine.objects.bulk_create(new, batch_size=500)


def _cancel(row: PurchaseOrder | None, document: Cancellation) -> tuple[PurchaseOrder, str]:
    if row is None:
        raise ImportRefused(
            f"There is no purchase order {document.number} to cancel. Send the order first.",
            errors=(FieldError("number", "names no order"),),
        )
    if row.status == PurchaseOrder.Status.CANCELLED:
        return row, ""
    row.status = PurchaseOrder.Status.CANCELLED
    # Not the content of any order: the same order sent again opens it again.
    row.content_sha256 = ""
    row.save()
    return row, "cancelled"


def _write_receipt(document: GoodsReceiptIn) -> tuple[GoodsReceipt, str]:
    digest = document.digest()
    same = GoodsReceipt.objects.filter(kind=document.kind, number=document.number)
    if document.kind == "despatch":
        same = same.filter(supplier_name=document.supplier_name)
    row = same.first()
    if row and row.content_sha256 == digest:
        return row, ""
    change = "updated" if row else "created"
    row = row or GoodsReceipt()
    for name in _RECEIPT_FIELDS:
        setattr(row, name, getattr(document, name))
    row.content_sha256 = digest
    row.save()
    row.lines.all().delete()
    GoodsReceiptLine.objects.bulk_create(
        (
            GoodsReceiptLine(
                receipt=row,
                position=position,
                order_number=given.order_number or document.order_number,
                order_line_reference=given.order_line_id,
                **given.model_dump(exclude={"order_number", "order_line_id"}),
            )
            for position, given in enumerate(document.lines, start=1)
        ),
        batch_size=500,
    )
    return row, change


def _count(imported: Imported, change: str) -> None:
    if change == "created":
        imported.created += 1
    elif change:
        imported.updated += 1
    else:
        imported.unchanged += 1


def _note(noun: str, row: PurchaseOrder | GoodsReceipt, data: dict[str, Any], by: Actor) -> None:
    record(
        action=f"{noun}.imported",
        subject_type=noun,
        subject_id=str(row.pk),
        data=data,
        by=by,
    )
