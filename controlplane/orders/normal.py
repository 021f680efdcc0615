"""Pergola's order: what every shop's order becomes before anything judges it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from babel.numbers import get_currency_precision

from controlplane.core.money import Money

NO_CURRENCY = "XXX"
"""ISO 4217 for “no currency”: stands where the shop named none that exists."""

ZERO = Decimal(0)


@dataclass(frozen=True)
class Problem:
    """Something in the shop's order that could not be read; `field` is the shop's name for it."""

    code: str
    field: str
    message: str


@dataclass(frozen=True)
class Buyer:
    name: str = ""
    email: str = ""
    phone: str = ""
    company: str = ""


@dataclass(frozen=True)
class Address:
    """`country` is ISO 3166-1 alpha-2 in capitals, or empty where it could not be told."""

    name: str = ""
    company: str = ""
    address1: str = ""
    address2: str = ""
    postal_code: str = ""
    city: str = ""
    province: str = ""
    country: str = ""
    phone: str = ""


@dataclass(frozen=True)
class Line:
    """`unit_price` before discounts; `discount` and `tax` for the whole line."""

    sku: str
    title: str
    quantity: int
    unit_price: Decimal
    discount: Decimal
    tax: Decimal
    requires_shipping: bool
    gift_card: bool


@dataclass(frozen=True)
class Totals:
    """`total` is what the buyer was asked for; `refunded` what went back since."""

    subtotal: Decimal = ZERO
    discounts: Decimal = ZERO
    shipping: Decimal = ZERO
    tax: Decimal = ZERO
    total: Decimal = ZERO
    refunded: Decimal = ZERO


@dataclass(frozen=True)
class NormalOrder:
    external_id: str
    number: str
    placed_at: datetime | None
    currency: str
    totals: Totals
    financial_status: str
    fulfillment_status: str
    buyer: Buyer
    ship_to: Address | None
    bill_to: Address | None
    lines: tuple[Line, ...]
    tags: tuple[str, ...]
    note: str
    is_test: bool
    cancelled_at: datetime | None
    adds_up: bool
    problems: tuple[Problem, ...]

    @property
    def requires_shipping(self) -> bool:
        return any(line.requires_shipping for line in self.lines)

    @property
    def total(self) -> Money:
        return Money(self.totals.total, self.currency)


def amount_text(money: Money) -> str:
    """`1250.00`, or `1250` for JPY: the decimals that the currency has, and no separators."""
    return f"{money.amount:.{get_currency_precision(money.currency)}f}"
