"""The match: numbers beside one another, then a reason for everything that is more than agreed.

Amounts and quantities are taken from the buyer's side: what a credit note gives back is negative,
so that “more than agreed” is one comparison everywhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache

from controlplane.invoices.matching import header, line_checks
from controlplane.invoices.matching.assignment import (
    Assignment,
    Place,
    Places,
    assign,
    assign_received,
    item_of,
    orders_named,
    scope_of,
)
from controlplane.invoices.matching.papers import ZERO, Order, Papers, ReceivedLine, Terms
from controlplane.invoices.matching.quantities import Ledger
from controlplane.invoices.matching.result import LineMatch, Match, OpenLine
from controlplane.invoices.normal import InvoiceLine, NormalInvoice

# Of texts, each some 50 microseconds; beyond, what has no number of its own is held as not ordered.
MOST_COMPARISONS = 40_000


def match(invoice: NormalInvoice, papers: Papers, terms: Terms) -> Match:
    """Every line and the invoice as a whole; held where anything is more than agreed.

    Quantities count over all lines of the invoice, what was invoiced before, and what was received
    in several deliveries. In `two_way` mode receipts are shown and hold nothing.
    """
    scopes = [scope_of(line, invoice, papers.orders) for line in invoice.lines]
    places = _places_by_scope(invoice, papers)
    found = [
        assign(line, places(tuple(order.number for order in scope)))
        for line, scope in zip(invoice.lines, scopes, strict=True)
    ]
    signed = [_signed(line, invoice) for line in invoice.lines]
    arrived = _arrived(papers, places)
    ledger = Ledger(
        invoiced=[
            (line.quantity or ZERO, each.keys) for line, each in zip(signed, found, strict=True)
        ],
        received=[(line.quantity, each.keys) for line, each in arrived if not line.is_announced],
        announced=[(line.quantity, each.keys) for line, each in arrived if line.is_announced],
        ordered={line.key: line.quantity for order in papers.orders for line in order.lines},
        before=papers.invoiced_before,
    )
    homes = _homes(signed, found, ledger)
    lines = [
        _line_match(position, line, each, homes[position - 1], ledger)
        for position, (line, each) in enumerate(zip(signed, found, strict=True), start=1)
    ]
    reasons = line_checks.reasons_by_line(
        lines=lines,
        found=found,
        is_in_an_order=[bool(scope) for scope in scopes],
        foreign_units=line_checks.foreign_units(arrived),
        ledger=ledger,
        currency=invoice.currency,
        terms=terms,
    )
    lines = [replace(line, reasons=tuple(each)) for line, each in zip(lines, reasons, strict=True)]
    used = _used(invoice, papers)
    return Match(
        mode=terms.mode,
        currency=invoice.currency,
        order_numbers=tuple(order.number for order in used) or orders_named(invoice),
        lines=tuple(lines),
        reasons=tuple(header.reasons(invoice, papers, used, terms)),
        not_invoiced=tuple(_not_invoiced(used, found, ledger)),
    )


def _signed(line: InvoiceLine, invoice: NormalInvoice) -> InvoiceLine:
    if not invoice.is_credit_note:
        return line
    return replace(
        line,
        quantity=None if line.quantity is None else -line.quantity,
        net_amount=None if line.net_amount is None else -line.net_amount,
    )


def _places_by_scope(invoice: NormalInvoice, papers: Papers) -> Callable[[tuple[str, ...]], Places]:
    """The order lines of some orders, by the orders' numbers; indexed once for each set of them."""
    by_number = {order.number: order for order in papers.orders}
    there = sum(len(order.lines) for order in papers.orders)
    here = len(invoice.lines) + len(papers.receipts)

    @cache
    def places(numbers: tuple[str, ...]) -> Places:
        orders = [by_number[number] for number in numbers]
        return Places(orders, by_description=here * there <= MOST_COMPARISONS)

    return places


def _arrived(
    papers: Papers, places: Callable[[tuple[str, ...]], Places]
) -> list[tuple[ReceivedLine, Assignment]]:
    """What can be told to belong to a line of these orders."""
    numbers = {order.number.casefold(): order.number for order in papers.orders}
    found = []
    for line in papers.receipts:
        named = line.order_number.casefold()
        scope = (
            tuple(numbers.values()) if not named else (numbers[named],) if named in numbers else ()
        )
        if (assignment := assign_received(line, places(scope))).places:
            found.append((line, assignment))
    return found


def _homes(
    lines: Sequence[InvoiceLine], found: Sequence[Assignment], ledger: Ledger
) -> list[Place | None]:
    """For each line the one order line that later invoices find it at: the first with room.

    Large lines choose first, so that the lines' order makes no difference.
    """
    homes: list[Place | None] = [None] * len(lines)
    taken: dict[str, Decimal] = {}

    def size(index: int) -> tuple[Decimal, str]:
        return -abs(lines[index].quantity or ZERO), lines[index].id

    for index in sorted(range(len(lines)), key=size):
        places, quantity = found[index].places, lines[index].quantity or ZERO

        def has_room(place: Place, quantity: Decimal = quantity) -> bool:
            key = place.line.key
            left = place.line.quantity - ledger.before.get(key, ZERO) - taken.get(key, ZERO)
            return left >= quantity

        home = next(filter(has_room, places), places[0] if places else None)
        if home:
            homes[index] = home
            taken[home.line.key] = taken.get(home.line.key, ZERO) + quantity
    return homes


def _line_match(
    position: int, line: InvoiceLine, found: Assignment, home: Place | None, ledger: Ledger
) -> LineMatch:
    item = item_of(line)
    told = LineMatch(
        line=line.id or str(position),
        position=position,
        item=item.name,
        item_id=item.seller_id or item.buyer_id or item.standard_id,
        unit=line.unit,
        invoiced=line.quantity,
        unit_price=_for_one(line.net_price, line.price_base_quantity),
        net=line.net_amount,
    )
    if home is None:
        return told
    keys, ordered = found.keys, home.line
    return replace(
        told,
        basis=found.basis,
        order_number=home.order.number,
        order_line=ordered.line_id,
        order_key=ordered.key,
        ordered_unit=ordered.unit,
        ordered=ledger.ordered_at(keys),
        received=ledger.received_at(keys),
        despatched=ledger.announced_at(keys),
        invoiced_before=ledger.before_at(keys),
        ordered_price=_for_one(ordered.price, ordered.base),
        expected_net=None if line.quantity is None else ordered.cost_of(line.quantity),
    )


def _for_one(price: Decimal | None, base: Decimal | None) -> Decimal | None:
    return price / base if price is not None and base else price


def _used(invoice: NormalInvoice, papers: Papers) -> list[Order]:
    """The orders that are looked at, whether or not any line belongs to them."""
    named = {number.casefold() for number in orders_named(invoice)}
    if not named and invoice.is_credit_note:
        return list(papers.orders)
    return [order for order in papers.orders if order.number.casefold() in named]


def _not_invoiced(
    used: Sequence[Order], found: Sequence[Assignment], ledger: Ledger
) -> list[OpenLine]:
    touched = {key for each in found for key in each.keys}
    return [
        OpenLine(
            order_number=order.number,
            order_line=line.line_id,
            item=line.item.name,
            unit=line.unit,
            ordered=line.quantity,
            received=ledger.received_at(frozenset({line.key})),
            invoiced_before=ledger.before_at(frozenset({line.key})),
        )
        for order in used
        for line in order.lines
        if line.key not in touched
    ]
