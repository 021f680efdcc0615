"""From rows to what the match is given."""

from collections.abc import Sequence
from typing import cast

from controlplane.invoices.matching.papers import Item, Order, OrderLine, ReceivedLine, Status
from controlplane.invoices.procurement.models import (
    GoodsReceipt,
    GoodsReceiptLine,
    PurchaseOrder,
    PurchaseOrderLine,
)


def order_of(row: PurchaseOrder, lines: Sequence[PurchaseOrderLine]) -> Order:
    return Order(
        number=row.number,
        currency=row.currency,
        status=cast(Status, row.status),
        supplier_name=row.supplier_name,
        supplier_vat_id=row.supplier_vat_id,
        buyer_name=row.buyer_name,
        lines=tuple(
            OrderLine(
                key=str(line.pk),
                line_id=line.line_id,
                item=_item(line),
                quantity=line.quantity,
                unit=line.unit,
                price=line.unit_price,
                base=line.price_base_quantity,
            )
            for line in lines
        ),
    )


def received_line_of(row: GoodsReceiptLine) -> ReceivedLine:
    """`row.receipt` is asked too: select it along."""
    return ReceivedLine(
        item=_item(row),
        quantity=row.accepted,
        unit=row.unit,
        order_number=row.order_number,
        order_line_id=row.order_line_reference,
        is_announced=row.receipt.kind == GoodsReceipt.Kind.DESPATCH,
    )


def _item(row: PurchaseOrderLine | GoodsReceiptLine) -> Item:
    return Item(
        seller_id=row.seller_item_id,
        buyer_id=row.buyer_item_id,
        standard_id=row.standard_item_id,
        description=row.description,
    )
