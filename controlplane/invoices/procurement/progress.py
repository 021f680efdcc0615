"""How far a purchase order has come: what arrived of each line, and what was invoiced of it."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Case, F, Sum, When

from controlplane.invoices.matching.assignment import Places, assign_received
from controlplane.invoices.matching.papers import ZERO
from controlplane.invoices.models import (
    GoodsReceiptLine,
    Invoice,
    InvoiceLine,
    PurchaseOrder,
    PurchaseOrderLine,
)
from controlplane.invoices.procurement.papers import order_of, received_line_of


@dataclass(frozen=True)
class LineProgress:
    """`announced` is what the supplier says was sent, which does not count as received."""

    line: PurchaseOrderLine
    received: Decimal
    announced: Decimal
    invoiced: Decimal


def progress_of(order: PurchaseOrder) -> list[LineProgress]:
    """Line by line, by the same assignment as the match.

    A receipt that fits several lines alike fills them in their order; what is left over stands at
    the last of them.
    """
    lines = list(order.lines.all())
    places = Places([order_of(order, lines)])
    received: dict[str, Decimal] = {}
    announced: dict[str, Decimal] = {}
    arrived = GoodsReceiptLine.objects.select_related("receipt").of_orders({order.number})
    for each in map(received_line_of, arrived):
        keys = assign_received(each, places).keys
        sums = announced if each.is_announced else received
        _fill(sums, [line for line in lines if str(line.pk) in keys], each.quantity)
    invoiced = _invoiced(lines)
    return [
        LineProgress(
            line=line,
            received=received.get(str(line.pk), ZERO),
            announced=announced.get(str(line.pk), ZERO),
            invoiced=invoiced.get(str(line.pk), ZERO),
        )
        for line in lines
    ]


def _fill(sums: dict[str, Decimal], lines: list[PurchaseOrderLine], quantity: Decimal) -> None:
    for line in lines:
        key = str(line.pk)
        room = max(line.quantity - sums.get(key, ZERO), ZERO)
        taken = quantity if line is lines[-1] else min(room, quantity)
        sums[key] = sums.get(key, ZERO) + taken
        quantity -= taken


def _invoiced(lines: list[PurchaseOrderLine]) -> dict[str, Decimal]:
    """By invoices that use up what was ordered, less what was credited."""
    signed = Case(When(invoice__is_credit_note=True, then=-F("quantity")), default=F("quantity"))
    sums = (
        InvoiceLine.objects.filter(
            invoice__in=Invoice.objects.taking_from_orders(), order_line__in=lines
        )
        .values("order_line")
        .annotate(total=Sum(signed))
    )
    return {str(row["order_line"]): row["total"] for row in sums}
