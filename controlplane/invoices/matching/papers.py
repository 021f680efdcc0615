"""What an invoice is matched against: orders, what arrived for them, what was invoiced before."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

ZERO = Decimal(0)
ONE = Decimal(1)

Status = Literal["open", "closed", "cancelled"]
Mode = Literal["two_way", "three_way"]


@dataclass(frozen=True, kw_only=True)
class Item:
    """What a line calls the thing; any of the names may be missing."""

    seller_id: str = ""
    buyer_id: str = ""
    standard_id: str = ""
    description: str = ""

    @property
    def ids(self) -> tuple[tuple[str, str], ...]:
        """Kind and identifier of each that is given; kinds are not compared with one another."""
        named = (
            ("seller", self.seller_id),
            ("buyer", self.buyer_id),
            ("standard", self.standard_id),
        )
        return tuple((kind, value.strip().casefold()) for kind, value in named if value.strip())

    @property
    def name(self) -> str:
        return self.description or self.seller_id or self.buyer_id or self.standard_id


@dataclass(frozen=True, kw_only=True)
class OrderLine:
    """`key` tells it from every other line; `price` is for `base` units and may be unknown."""

    key: str
    line_id: str
    item: Item
    quantity: Decimal
    unit: str = ""
    price: Decimal | None = None
    base: Decimal = ONE

    def cost_of(self, quantity: Decimal) -> Decimal | None:
        """What so many should cost, unrounded; None where no price was agreed."""
        return None if self.price is None else quantity * self.price / (self.base or ONE)


@dataclass(frozen=True, kw_only=True)
class Order:
    number: str
    currency: str
    lines: tuple[OrderLine, ...]
    status: Status = "open"
    supplier_name: str = ""
    supplier_vat_id: str = ""
    buyer_name: str = ""


@dataclass(frozen=True, kw_only=True)
class ReceivedLine:
    """`quantity` is what was taken, without what was refused. `is_announced` by the supplier only:
    a despatch advice, which is shown and never counts as received."""

    item: Item
    quantity: Decimal
    unit: str = ""
    order_number: str = ""
    order_line_id: str = ""
    is_announced: bool = False


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How the tenant wants it. See `tolerance` for what the limits mean."""

    mode: Mode = "three_way"
    price_percent: Decimal = ZERO
    price_amount: Decimal = ZERO
    price_currency: str = ""
    quantity_percent: Decimal = ZERO


@dataclass(frozen=True, kw_only=True)
class Papers:
    """All there is on one side: `invoiced_before` by the key of the order line, credits taken off.

    `preceding_known` says whether the invoices that a credit note names are the tenant's.
    """

    orders: tuple[Order, ...] = ()
    receipts: tuple[ReceivedLine, ...] = ()
    invoiced_before: Mapping[str, Decimal] = field(default_factory=dict)
    preceding_known: bool = False
