"""What the match says of lines, orders and receipts that differ in one thing at a time."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

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


def line(id: str = "1", quantity: str = "100", price: str = "1", **more: Any) -> InvoiceLine:
    more = {"unit": "KGM", "name": "Beeswax", "seller_item_id": "17589683"} | more
    more.setdefault("net_amount", D(quantity) * D(price))
    return InvoiceLine(id=id, quantity=D(quantity), net_price=D(price), **more)


def invoice(*lines: InvoiceLine, **more: Any) -> NormalInvoice:
    net = sum((each.net_amount or D(0) for each in lines), start=D(0))
    defaults: dict[str, Any] = {
        "number": "A00095678",
        "currency": "GBP",
        "order_ref": "PO-1",
        "seller": Party(name="Consortial"),
        "totals": Totals(line_net=net, without_vat=net, vat=D(0), with_vat=net, due=net),
    }
    return NormalInvoice(lines=lines, **(defaults | more))


def order_line(
    line_id: str = "1", quantity: str = "100", price: str = "1", **more: Any
) -> OrderLine:
    item = more.pop("item", Item(seller_id="17589683", description="Beeswax"))
    return OrderLine(
        key=f"key {more.pop('key', line_id)}",
        line_id=line_id,
        item=item,
        quantity=D(quantity),
        unit=more.pop("unit", "KGM"),
        price=D(price),
        **more,
    )


def order(*lines: OrderLine, number: str = "PO-1", **more: Any) -> Order:
    return Order(number=number, currency=more.pop("currency", "GBP"), lines=lines, **more)


def received(quantity: str, line_id: str = "1", **more: Any) -> ReceivedLine:
    defaults: dict[str, Any] = {
        "item": Item(seller_id="17589683"),
        "unit": "KGM",
        "order_number": "PO-1",
        "order_line_id": line_id,
    }
    return ReceivedLine(quantity=D(quantity), **(defaults | more))


def codes(found: Match) -> list[str]:
    everything = [*found.reasons, *(reason for each in found.lines for reason in each.reasons)]
    return sorted({reason.code for reason in everything})


def test_ordered_received_and_invoiced_alike_is_accepted() -> None:
    found = match(
        invoice(line()), Papers(orders=(order(order_line()),), receipts=(received("100"),)), Terms()
    )

    assert found.verdict == "accept", codes(found)
    assert found.lines[0].basis == "item"
    assert found.order_numbers == ("PO-1",)


def test_less_received_than_invoiced_is_held_and_names_the_line() -> None:
    found = match(
        invoice(line(order_line_ref="1")),
        Papers(
            orders=(order(order_line()),),
            receipts=(received("90"), received("90", is_announced=True)),
        ),
        Terms(),
    )

    assert codes(found) == ["over_received"]
    [reason] = found.lines[0].reasons
    assert reason.message == (
        "Line 1 (Beeswax): 100 invoiced, 90 received (90 announced by the supplier)."
    )
    assert found.lines[0].to_json()["received"] == "90"
