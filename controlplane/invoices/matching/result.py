"""What the match says: numbers and reasons, line by line and for the whole invoice."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

Verdict = Literal["accept", "hold"]
Basis = Literal["order_line", "item", "description", ""]


@dataclass(frozen=True)
class Reason:
    """`code` is one of `CODES`; the message names the line."""

    code: str
    message: str
    verdict: Verdict = "hold"

    def to_json(self) -> dict[str, str]:
        return {"code": self.code, "message": self.message, "verdict": self.verdict}


# Each code, and what it says. Rules read `match.<code>.count` and `match.<code>.text`.
LINE_CODES = {
    "not_ordered": "lines that are on none of the orders",
    "charge_not_ordered": "charges that were not ordered, such as freight",
    "item_differs": "lines that name an order line of another item",
    "weak_match": "lines that were found by their description only",
    "incomplete_line": "lines without a quantity or an amount",
    "line_wrong": "lines whose amount is more than quantity times price",
    "unit_differs": "lines in another unit than ordered or received",
    "over_ordered": "lines that invoice more than was ordered",
    "no_receipt": "lines for which nothing was received",
    "over_received": "lines that invoice more than was received",
    "price_above": "lines that cost more than agreed",
    "no_order_price": "lines for which no price was agreed",
    "over_credited": "credited lines of which less was invoiced before",
}
HEADER_CODES = {
    "no_order": "whether the invoice names no order",
    "order_not_found": "orders that it names and that are not known",
    "order_closed": "orders that are closed",
    "order_cancelled": "orders that were cancelled",
    "supplier_differs": "orders that went to another supplier",
    "buyer_differs": "orders of another buyer than the invoice names",
    "currency_differs": "orders in another currency",
    "no_lines": "whether the invoice has no lines",
    "totals_wrong": "totals that do not add up",
    "no_preceding_invoice": "whether a credit note names no invoice that is known",
}
CODES = LINE_CODES | HEADER_CODES


@dataclass(frozen=True, kw_only=True)
class LineMatch:
    """One invoice line beside what it was found to belong to. Quantities of credits are negative.

    `order_key` is the order line's; where an invoice line may be any of several of one item it is
    the first that had room.
    """

    line: str
    position: int
    item: str
    item_id: str
    unit: str
    invoiced: Decimal | None
    unit_price: Decimal | None
    net: Decimal | None
    basis: Basis = ""
    order_number: str = ""
    order_line: str = ""
    order_key: str = ""
    ordered_unit: str = ""
    ordered: Decimal | None = None
    received: Decimal | None = None
    despatched: Decimal | None = None
    invoiced_before: Decimal | None = None
    ordered_price: Decimal | None = None
    expected_net: Decimal | None = None
    reasons: tuple[Reason, ...] = ()

    @property
    def verdict(self) -> Verdict:
        return "hold" if any(reason.verdict == "hold" for reason in self.reasons) else "accept"

    def to_json(self) -> dict[str, Any]:
        numbers = (
            "invoiced", "ordered", "received", "despatched", "invoiced_before", "unit_price",
            "ordered_price", "net", "expected_net",
        )  # fmt: skip
        texts = (
            "line", "position", "item", "item_id", "order_number", "order_line", "basis", "unit",
            "ordered_unit", "verdict",
        )  # fmt: skip
        return {
            **{name: getattr(self, name) for name in texts},
            **{name: plain(getattr(self, name)) for name in numbers},
            "reasons": [reason.to_json() for reason in self.reasons],
        }


@dataclass(frozen=True, kw_only=True)
class OpenLine:
    """A line of an order that this invoice does not touch: for people, it holds nothing."""

    order_number: str
    order_line: str
    item: str
    unit: str
    ordered: Decimal
    received: Decimal
    invoiced_before: Decimal

    def to_json(self) -> dict[str, Any]:
        return {name: plain(value) for name, value in vars(self).items()}


@dataclass(frozen=True, kw_only=True)
class Match:
    """The strictest verdict of lines and header, and everything that led to it."""

    mode: str
    currency: str
    order_numbers: tuple[str, ...]
    lines: tuple[LineMatch, ...]
    reasons: tuple[Reason, ...] = ()
    not_invoiced: tuple[OpenLine, ...] = field(default=())

    @property
    def verdict(self) -> Verdict:
        held = self.reasons or any(line.verdict == "hold" for line in self.lines)
        return "hold" if held else "accept"

    def messages_of(self, code: str) -> list[str]:
        """Each once: what is wrong with several lines together is told of each of them."""
        everything = [*self.reasons, *(reason for line in self.lines for reason in line.reasons)]
        return list(dict.fromkeys(each.message for each in everything if each.code == code))

    def lines_with(self, code: str) -> list[str]:
        return [
            line.line for line in self.lines if any(reason.code == code for reason in line.reasons)
        ]

    def to_json(self) -> dict[str, Any]:
        return {
            "mode": self.mode,
            "currency": self.currency,
            "verdict": self.verdict,
            "order_numbers": list(self.order_numbers),
            "lines": [line.to_json() for line in self.lines],
            "reasons": [reason.to_json() for reason in self.reasons],
            "not_invoiced": [line.to_json() for line in self.not_invoiced],
        }


def plain(value: Any) -> Any:
    """A number as people write it, without trailing zeros that nobody typed."""
    if not isinstance(value, Decimal):
        return value
    return f"{value.normalize():f}" if value else "0"
