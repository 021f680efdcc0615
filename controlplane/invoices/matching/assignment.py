"""Which order line an invoice line, or what was received, belongs to.

By the order line that it names; else by an identifier of the item, of one kind and the same on
both sides; else by its description, which is marked as weak. Each line is looked at by itself:
their order never matters, and a line is never given to another item because its own was taken.
Where an item stands on several order lines alike, the line belongs to all of them together.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

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

    @cached_property
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


class Places:
    """The order lines of some orders, found by number and by item without looking at each.

    `by_description` is switched off where there are so many that comparing texts would take long.
    """

    def __init__(self, orders: Iterable[Order], *, by_description: bool = True) -> None:
        self.all = [Place(order, line) for order in orders for line in order.lines]
        self.by_description = by_description
        self._by_line_id: dict[str, list[Place]] = defaultdict(list)
        self._by_bare_line_id: dict[str, list[Place]] = defaultdict(list)
        self._by_item: dict[tuple[str, str], list[int]] = defaultdict(list)
        for at, place in enumerate(self.all):
            line_id = place.line.line_id.strip().casefold()
            self._by_line_id[line_id].append(place)
            self._by_bare_line_id[line_id.lstrip("0")].append(place)
            for identifier in place.line.item.ids:
                self._by_item[identifier].append(at)

    def numbered(self, line_id: str) -> list[Place]:
        """As written, else with leading zeros left out: 10 and 00010 are one line."""
        wanted = line_id.strip().casefold()
        if not wanted:
            return []
        return self._by_line_id.get(wanted) or self._by_bare_line_id.get(wanted.lstrip("0"), [])

    def of_item(self, item: Item) -> list[Place]:
        found = {at for identifier in item.ids for at in self._by_item.get(identifier, ())}
        return [self.all[at] for at in sorted(found)]

    def described_as(self, item: Item) -> Place | None:
        """The one that is clearly most alike; an item with another identifier is no candidate."""
        if not item.description or not self.by_description:
            return None
        ranked = sorted(
            (
                (likeness(item.description, place.line.item.description), place)
                for place in self.all
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


def assign(line: InvoiceLine, places: Places) -> Assignment:
    item = item_of(line)
    named = places.numbered(line.order_line_ref)
    if len(named) == 1 or (named and not item.ids):
        contradicts = len(named) == 1 and _contradict(item, named[0].line.item)
        return Assignment("order_line", tuple(named), contradicts)
    # Where the number stands in several orders the item tells them apart.
    candidates = [place for place in named if _share_id(item, place.line.item)]
    if same := candidates if named else places.of_item(item):
        return Assignment("item", tuple(_closest(line, same)))
    alike = None if named else places.described_as(item)
    return Assignment("description", (alike,)) if alike else Assignment()


def assign_received(received: ReceivedLine, places: Places) -> Assignment:
    """`places` are those of the order that it names; one that names none may be of any."""
    if received.order_number and (named := places.numbered(received.order_line_id)):
        return Assignment("order_line", tuple(named))
    if same := places.of_item(received.item):
        return Assignment("item", tuple(same))
    if received.item.ids or not received.order_number:
        return Assignment()
    alike = places.described_as(received.item)
    return Assignment("description", (alike,)) if alike else Assignment()


def item_of(line: InvoiceLine) -> Item:
    return Item(
        seller_id=line.seller_item_id,
        buyer_id=line.buyer_item_id,
        standard_id=line.standard_item_id,
        description=line.name or line.description,
    )


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
