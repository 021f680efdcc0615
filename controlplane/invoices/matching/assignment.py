"""Which order line an invoice line, or what was received, belongs to.

By the order line that it names; else by an identifier of the item, of one kind and the same on
both sides; else by its description, which is marked as weak. Each line is looked at by itself:
their order never matters, and a line is never given to another item because its own was taken.
Where an item stands on several order lines alike, the line belongs to all of them together.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from controlplane.invoices.matching.papers import Item, Order, OrderLine, ReceivedLine
from controlplane.invoices.matching.result import Basis
from controlplane.invoices.matching.similarity import ALIKE, CLEARER, likeness
from controlplane.invoices.matching.units import differ
from controlplane.invoices.normal import InvoiceLine, NormalInvoice


@dataclass(frozen=True)
class Place:
    """An order line with the order that it stands in."""

    order: Order
    line: OrderLine


@dataclass(frozen=True)
class Assignment:
    """No places: it belongs nowhere. `contradicts`: the line it names is of another item."""

    basis: Basis = ""
    places: tuple[Place, ...] = ()
    contradicts: bool = False

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(place.line.key for place in self.places)


def references(text: str) -> tuple[str, ...]:
    """The order numbers in a reference: suppliers name several in one field."""
    parts = [part.strip() for part in re.split(r"[,;]", text)]
    return tuple(dict.fromkeys(part for part in parts if part))


def orders_named(invoice: NormalInvoice) -> tuple[str, ...]:
    """Every order number that header or lines name, in the order in which they do."""
    named = [invoice.order_ref, *(line.order_ref for line in invoice.lines)]
    return tuple(dict.fromkeys(number for text in named for number in references(text)))


def scope_of(line: InvoiceLine, invoice: NormalInvoice, orders: Sequence[Order]) -> list[Order]:
    """The orders that a line may belong to: its own, else the invoice's.

    A credit note that names none is looked up in those of the invoices that it corrects.
    """
    named = {number.casefold() for number in references(line.order_ref or invoice.order_ref)}
    if not named and invoice.is_credit_note:
        return list(orders)
    return [order for order in orders if order.number.casefold() in named]


def assign(line: InvoiceLine, scope: Sequence[Order]) -> Assignment:
    item, places = item_of(line), _places(scope)
    if named := _by_line_id(places, line.order_line_ref):
        contradicts = len(named) == 1 and _contradict(item, named[0].line.item)
        if len(named) == 1 or not item.ids:
            return Assignment("order_line", tuple(named), contradicts)
        # The number stands in several orders: the item tells them apart.
        places = named
    if same := [place for place in places if _share_id(item, place.line.item)]:
        return Assignment("item", tuple(_closest(line, same)))
    if alike := _by_description(places, item):
        return Assignment("description", (alike,))
    return Assignment()


def assign_received(received: ReceivedLine, orders: Iterable[Order]) -> Assignment:
    """Only within the order that it names; a receipt without one may belong to any of them."""
    number = received.order_number.casefold()
    places = _places(order for order in orders if not number or order.number.casefold() == number)
    if number and (named := _by_line_id(places, received.order_line_id)):
        return Assignment("order_line", tuple(named))
    same = [place for place in places if _share_id(received.item, place.line.item)]
    if same:
        return Assignment("item", tuple(same))
    if received.item.ids or not number:
        return Assignment()
    alike = _by_description(places, received.item)
    return Assignment("description", (alike,)) if alike else Assignment()


def item_of(line: InvoiceLine) -> Item:
    return Item(
        seller_id=line.seller_item_id,
        buyer_id=line.buyer_item_id,
        standard_id=line.standard_item_id,
        description=line.name or line.description,
    )


def _places(orders: Iterable[Order]) -> list[Place]:
    return [Place(order, line) for order in orders for line in order.lines]


def _by_line_id(places: list[Place], line_id: str) -> list[Place]:
    """As written, else with leading zeros left out: 10 and 00010 are one line."""
    wanted = line_id.strip().casefold()
    if not wanted:
        return []
    exact = [place for place in places if place.line.line_id.strip().casefold() == wanted]
    return exact or [
        place
        for place in places
        if place.line.line_id.strip().casefold().lstrip("0") == wanted.lstrip("0")
    ]


def _share_id(one: Item, other: Item) -> bool:
    return bool(set(one.ids) & set(other.ids))


def _contradict(one: Item, other: Item) -> bool:
    """Both name the item in the same kind of identifier, and no kind agrees."""
    kinds = {kind for kind, _value in one.ids} & {kind for kind, _value in other.ids}
    return bool(kinds) and not _share_id(one, other)


def _closest(line: InvoiceLine, places: list[Place]) -> list[Place]:
    """Of several order lines of one item, those with the line's price and unit, if there are."""
    if line.net_price is not None:
        base = line.price_base_quantity or 1
        same_price = [
            place
            for place in places
            if place.line.price is not None
            and place.line.price * base == line.net_price * (place.line.base or 1)
        ]
        places = same_price or places
    return [place for place in places if not differ(line.unit, place.line.unit)] or places


def _by_description(places: list[Place], item: Item) -> Place | None:
    """The one that is clearly most alike; an item with another identifier is no candidate."""
    if not item.description:
        return None
    ranked = sorted(
        (
            (likeness(item.description, place.line.item.description), place)
            for place in places
            if not _contradict(item, place.line.item)
        ),
        key=lambda pair: pair[0],
        reverse=True,
    )
    if not ranked or ranked[0][0] < ALIKE:
        return None
    if len(ranked) > 1 and ranked[0][0] - ranked[1][0] < CLEARER:
        return None
    return ranked[0][1]
