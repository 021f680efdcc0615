"""Invoices, orders and receipts for the match, in a few words."""

from decimal import Decimal
from typing import Any

from controlplane.invoices.matching.engine import match
from controlplane.invoices.matching.papers import (
    Item,
    Order,
    OrderLine,
    Papers,
    ReceivedLine,
    Terms,
)
from controlplane.invoices.matching.result import Match
from controlplane.invoices.normal import InvoiceLine, NormalInvoice, Party, Totals

D = Decimal
TWO_WAY = Terms(mode="two_way")
WAX = "17589683"


def line(id: str = "1", quantity: str = "100", price: str = "1", **more: Any) -> InvoiceLine:
    """Beeswax, by the supplier's item number and without naming an order line."""
    more = {"unit": "KGM", "name": "Beeswax", "seller_item_id": WAX} | more
    more.setdefault("net_amount", D(quantity) * D(price))
    return InvoiceLine(id=id, quantity=D(quantity), net_price=D(price), **more)


def freight(id: str = "9", net: str = "25", **more: Any) -> InvoiceLine:
    return InvoiceLine(
        id=id, name="Freight", quantity=D(1), net_price=D(net), net_amount=D(net), **more
    )


def invoice(*lines: InvoiceLine, **more: Any) -> NormalInvoice:
    net = sum((each.net_amount or D(0) for each in lines), start=D(0))
    given: dict[str, Any] = {
        "number": "A00095678",
        "currency": "GBP",
        "order_ref": "PO-1",
        "seller": Party(name="Consortial"),
        "totals": Totals(line_net=net, without_vat=net, vat=D(0), with_vat=net, due=net),
    }
    return NormalInvoice(lines=lines, **(given | more))


def ordered(
    line_id: str = "1", quantity: str = "100", price: str | None = "1", **more: Any
) -> OrderLine:
    given: dict[str, Any] = {
        "key": f"key {line_id}",
        "item": Item(seller_id=WAX, description="Beeswax"),
        "unit": "KGM",
    }
    return OrderLine(
        line_id=line_id,
        quantity=D(quantity),
        price=None if price is None else D(price),
        **(given | more),
    )


def order(*lines: OrderLine, number: str = "PO-1", currency: str = "GBP", **more: Any) -> Order:
    return Order(number=number, currency=currency, lines=lines, **more)


def received(quantity: str = "100", line_id: str = "1", **more: Any) -> ReceivedLine:
    given: dict[str, Any] = {
        "item": Item(seller_id=WAX),
        "unit": "KGM",
        "order_number": "PO-1",
        "order_line_id": line_id,
    }
    return ReceivedLine(quantity=D(quantity), **(given | more))


def codes(found: Match) -> list[str]:
    everything = [*found.reasons, *(reason for each in found.lines for reason in each.reasons)]
    return sorted({reason.code for reason in everything})


def message(found: Match, code: str) -> str:
    [told] = found.messages_of(code)
    return told


def matched(
    bill: NormalInvoice,
    *orders: Any,
    got: tuple[Any, ...] = (),
    terms: Terms = TWO_WAY,
    **more: Any,
) -> Match:
    return match(bill, Papers(orders=orders, receipts=got, **more), terms)
