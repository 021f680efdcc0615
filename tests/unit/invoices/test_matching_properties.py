"""What holds for every order, delivery and invoice, however they are cut."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

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
from controlplane.invoices.normal import InvoiceLine, NormalInvoice, Totals

quantities = st.integers(1, 500).map(Decimal)
prices = st.integers(1, 100_000).map(lambda cents: Decimal(cents) / 100)
ITEMS = [f"ITEM-{number}" for number in range(1, 7)]
modes = st.sampled_from(["two_way", "three_way"])


@st.composite
def orders(draw: Any, *, repeated_items: bool = False) -> Order:
    """One to six lines; with `repeated_items` several of them may be of one item."""
    items = draw(
        st.lists(st.sampled_from(ITEMS), min_size=1, max_size=6, unique=not repeated_items)
    )
    return Order(
        number="PO-1",
        currency="EUR",
        lines=tuple(
            OrderLine(
                key=str(position),
                line_id=str(position),
                item=Item(seller_id=item, description=item),
                quantity=draw(quantities),
                unit="C62",
                price=draw(prices),
            )
            for position, item in enumerate(items, start=1)
        ),
    )


def delivered(
    order: Order, quantities: Sequence[Decimal] | None = None
) -> tuple[ReceivedLine, ...]:
    amounts = quantities or [line.quantity for line in order.lines]
    return tuple(
        ReceivedLine(
            item=line.item,
            quantity=amount,
            unit=line.unit,
            order_number=order.number,
            order_line_id=line.line_id,
        )
        for line, amount in zip(order.lines, amounts, strict=True)
    )


def billed(
    order: Order, quantities: Sequence[Decimal] | None = None, *, names_lines: bool = True
) -> NormalInvoice:
    amounts = quantities or [line.quantity for line in order.lines]
    return of_lines(
        InvoiceLine(
            id=line.line_id,
            name=line.item.description,
            seller_item_id=line.item.seller_id,
            quantity=amount,
            unit=line.unit,
            net_price=line.price,
            net_amount=amount * (line.price or 0),
            order_line_ref=line.line_id if names_lines else "",
        )
        for line, amount in zip(order.lines, amounts, strict=True)
    )


def of_lines(lines: Any) -> NormalInvoice:
    lines = tuple(lines)
    net = sum((line.net_amount for line in lines), start=Decimal(0))
    totals = Totals(line_net=net, without_vat=net, vat=Decimal(0), with_vat=net, due=net)
    return NormalInvoice(number="R-1", currency="EUR", order_ref="PO-1", lines=lines, totals=totals)


def verdicts(found: Match) -> dict[str, tuple[str, list[str]]]:
    return {
        line.line: (line.verdict, sorted(reason.code for reason in line.reasons))
        for line in found.lines
    }


@given(orders(repeated_items=True), modes, st.booleans())
def test_order_receipt_and_invoice_alike_are_always_accepted(
    order: Order, mode: Any, names_lines: bool
) -> None:
    bill = billed(order, names_lines=names_lines)

    found = match(bill, Papers(orders=(order,), receipts=delivered(order)), Terms(mode=mode))

    assert found.verdict == "accept", found.to_json()


@given(orders(repeated_items=True), st.data(), st.booleans())
def test_the_order_of_lines_makes_no_difference(order: Order, data: Any, names_lines: bool) -> None:
    amounts = [data.draw(quantities) for _line in order.lines]
    bill = billed(order, amounts, names_lines=names_lines)
    got = delivered(order, [data.draw(quantities) for _line in order.lines])
    shuffled = replace(bill, lines=tuple(data.draw(st.permutations(bill.lines))))
    other = replace(order, lines=tuple(data.draw(st.permutations(order.lines))))

    one = match(bill, Papers(orders=(order,), receipts=got), Terms())
    two = match(
        shuffled, Papers(orders=(other,), receipts=tuple(data.draw(st.permutations(got)))), Terms()
    )

    assert one.verdict == two.verdict
    assert verdicts(one) == verdicts(two)


@given(orders(), st.data(), st.sampled_from([10, 100, 1000]))
def test_another_scale_of_money_makes_no_difference(order: Order, data: Any, factor: int) -> None:
    """As if everything were in a currency that is worth less: order, invoice and tolerance."""
    raised = [data.draw(st.sampled_from([0, 0, 1, 50])) for _line in order.lines]
    percent = data.draw(st.sampled_from(["0", "1", "10"]))
    amount = data.draw(st.sampled_from(["0", "1", "100"]))

    def at(scale: int) -> Match:
        scaled = replace(
            order,
            lines=tuple(replace(line, price=(line.price or 0) * scale) for line in order.lines),
        )
        bill = of_lines(
            replace(
                line,
                net_price=(price := (line.net_price or 0) + Decimal(cents * scale) / 100),
                net_amount=(line.quantity or 0) * price,
            )
            for line, cents in zip(billed(scaled).lines, raised, strict=True)
        )
        terms = Terms(
            mode="two_way",
            price_percent=Decimal(percent),
            price_amount=Decimal(amount) * scale,
            price_currency="EUR",
        )
        return match(bill, Papers(orders=(scaled,)), terms)

    assert verdicts(at(1)) == verdicts(at(factor))


@given(orders(), st.data(), modes)
def test_invoicing_more_never_turns_a_hold_into_an_accept(
    order: Order, data: Any, mode: Any
) -> None:
    amounts = [data.draw(quantities) for _line in order.lines]
    index = data.draw(st.integers(0, len(amounts) - 1))
    more = [*amounts]
    more[index] += data.draw(quantities)
    cents = data.draw(st.integers(-2, 2))
    got = delivered(order, [data.draw(quantities) for _line in order.lines])
    terms = Terms(
        mode=mode,
        price_percent=Decimal(data.draw(st.sampled_from(["0", "3"]))),
        price_amount=Decimal(data.draw(st.sampled_from(["0", "2"]))),
        price_currency="EUR",
        quantity_percent=Decimal(data.draw(st.sampled_from(["0", "5"]))),
    )

    def at(quantities: Sequence[Decimal]) -> Match:
        bill = of_lines(
            replace(
                line,
                net_price=(price := (line.net_price or 0) + Decimal(cents) / 100),
                net_amount=(line.quantity or 0) * price,
            )
            for line in billed(order, quantities).lines
        )
        return match(bill, Papers(orders=(order,), receipts=got), terms)

    before, after = at(amounts), at(more)

    assert not (before.verdict == "hold" and after.verdict == "accept")
    assert before.lines[index].verdict == "accept" or after.lines[index].verdict == "hold"


@given(orders(), st.data())
def test_an_order_invoiced_in_parts_is_accepted_to_the_last_piece_and_not_beyond(
    order: Order, data: Any
) -> None:
    first = [data.draw(st.integers(1, int(line.quantity)).map(Decimal)) for line in order.lines]
    rest = [line.quantity - amount for line, amount in zip(order.lines, first, strict=True)]
    before = {line.key: amount for line, amount in zip(order.lines, first, strict=True)}

    def second(amounts: Sequence[Decimal]) -> Match:
        papers = Papers(orders=(order,), receipts=delivered(order), invoiced_before=before)
        return match(billed(order, amounts), papers, Terms())

    whole = match(billed(order, first), Papers(orders=(order,), receipts=delivered(order)), Terms())
    assert whole.verdict == "accept"
    assert second(rest).verdict == "accept"
    one_more = [rest[0] + 1, *rest[1:]]
    assert second(one_more).lines_with("over_ordered") == ["1"]


@given(orders(), st.data())
def test_what_was_credited_can_be_invoiced_again(order: Order, data: Any) -> None:
    """Invoiced whole, some given back: that much and no more may be invoiced once more."""
    back = [data.draw(st.integers(1, int(line.quantity)).map(Decimal)) for line in order.lines]
    left = {
        line.key: line.quantity - amount for line, amount in zip(order.lines, back, strict=True)
    }
    everything = {line.key: line.quantity for line in order.lines}
    credit = replace(
        billed(order, back), is_credit_note=True, preceding_invoices=("R-0",), number="C-1"
    )

    given_back = match(
        credit,
        Papers(orders=(order,), invoiced_before=everything, preceding_known=True),
        Terms(),
    )
    again = match(
        billed(order, back),
        Papers(orders=(order,), receipts=delivered(order), invoiced_before=left),
        Terms(),
    )

    assert (given_back.verdict, again.verdict) == ("accept", "accept")


@settings(max_examples=60)
@given(orders(repeated_items=True), st.data())
def test_a_held_invoice_names_every_line_that_holds_it(order: Order, data: Any) -> None:
    amounts = [data.draw(quantities) for _line in order.lines]

    found = match(billed(order, amounts), Papers(orders=(order,)), Terms(mode="two_way"))

    for line, ordered, amount in zip(found.lines, order.lines, amounts, strict=True):
        assert (line.verdict == "hold") == (amount > ordered.quantity)
        for reason in line.reasons:
            assert f"Line {line.line} " in reason.message or f" {line.line}" in reason.message
