"""What rules can read of an order. Every field is always there and never null."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from controlplane.core.money import Money
from controlplane.orders.normal import (
    ZERO,
    Address,
    Buyer,
    Line,
    NormalOrder,
    Totals,
    amount_text,
)
from controlplane.orders.payload import MOST_LINES, MOST_TAGS
from controlplane.policies.contexts import Parameter, register_context

CONTEXT = "order"
_SHOWN_PROBLEMS = 3

_MINOR = "in whole minor units of the order's currency: 1250 is 12.50 EUR, and 1,250 JPY"
_ADDRESS = {
    "name": "Who it is sent to",
    "company": "Company",
    "postal_code": "Postal code",
    "city": "City",
    "province": "State or province",
    "country": "ISO 3166 code in capitals, such as DE; empty where the shop's is not known",
}
FIELDS: dict[str, str] = {
    "order.number": "The shop's number for it, such as #1001",
    "order.external_id": "The shop's ID for it",
    "order.placed_at": "When it was placed, ISO 8601 in UTC; may be empty",
    "order.currency": "ISO 4217 code; XXX where the shop named none",
    "order.total.minor": f"What the buyer was asked for, {_MINOR}",
    "order.total.currency": "The currency once more, beside the amount",
    "order.total.text": "Amount and currency for messages, such as 12.50 EUR",
    "order.subtotal.minor": f"Goods after discounts, {_MINOR}",
    "order.discounts.minor": f"All discounts, {_MINOR}",
    "order.shipping.minor": f"Shipping, {_MINOR}",
    "order.tax.minor": f"All taxes, {_MINOR}",
    "order.refunded.minor": f"What was paid back already, {_MINOR}",
    "order.financial_status": "paid, pending, authorized, partially_refunded, refunded, voided …",
    "order.fulfillment_status": "fulfilled, partial, restocked, or empty",
    "order.is_test": "Whether it is a test order",
    "order.is_cancelled": "Whether it was cancelled",
    "order.requires_shipping": "Whether any line must be shipped",
    "order.has_ship_to": "Whether there is a shipping address",
    "order.has_bill_to": "Whether there is a billing address",
    "order.adds_up": "Whether goods, shipping, tax and discounts make the total",
    "order.problem_count": "How many fields could not be read",
    "order.problem_text": "The first of them, for messages",
    "order.buyer.name": "The buyer's name",
    "order.buyer.email": "E-mail address",
    "order.buyer.phone": "Telephone number",
    "order.buyer.company": "Company",
    **{f"order.ship_to.{name}": f"Shipping address: {text}" for name, text in _ADDRESS.items()},
    **{f"order.bill_to.{name}": f"Billing address: {text}" for name, text in _ADDRESS.items()},
    "order.tags": "The shop's tags, a list of texts",
    "order.note": "The buyer's note",
    "order.line_count": "How many lines",
    "order.lines": "The lines, a list",
    "order.lines.sku": "Article number",
    "order.lines.title": "What it is called",
    "order.lines.quantity": "How many pieces",
    "order.lines.unit_price.minor": f"Price of a piece before discounts, {_MINOR}",
    "order.lines.discount.minor": f"Discount on the line, {_MINOR}",
    "order.lines.tax.minor": f"Tax on the line, {_MINOR}",
    "order.lines.requires_shipping": "Whether it must be shipped",
    "order.lines.gift_card": "Whether it is a gift card",
}
PARAMETERS: dict[str, Parameter] = {
    "hold_above": Parameter(
        None,
        'The highest total that needs no person, as {"minor": 50000, "currency": "EUR"}. Without '
        "it no total is too high.",
    ),
    "max_quantity": Parameter(
        None, "The most pieces of one line that need no person. Without it no quantity is too high."
    ),
    "home_countries": Parameter(
        [], 'Where orders are shipped to unasked, as ["DE", "AT"]. Empty: everywhere.'
    ),
}
LIST_BOUNDS = {
    "order.lines": MOST_LINES,
    "order.tags": MOST_TAGS,
    "params.home_countries": 250,
}


def facts_of(order: NormalOrder) -> dict[str, Any]:
    """The order as rules see it: whole numbers, texts and truth values only."""

    def money(amount: Any) -> dict[str, int]:
        return {"minor": Money(amount, order.currency).minor}

    totals = order.totals
    told = [problem.message for problem in order.problems[:_SHOWN_PROBLEMS]]
    more = len(order.problems) - len(told)
    return {
        "order": {
            "number": order.number,
            "external_id": order.external_id,
            "placed_at": order.placed_at.isoformat() if order.placed_at else "",
            "currency": order.currency,
            "total": {
                **money(totals.total),
                "currency": order.currency,
                "text": f"{amount_text(order.total)} {order.currency}",
            },
            "subtotal": money(totals.subtotal),
            "discounts": money(totals.discounts),
            "shipping": money(totals.shipping),
            "tax": money(totals.tax),
            "refunded": money(totals.refunded),
            "financial_status": order.financial_status,
            "fulfillment_status": order.fulfillment_status,
            "is_test": order.is_test,
            "is_cancelled": order.cancelled_at is not None,
            "requires_shipping": order.requires_shipping,
            "has_ship_to": order.ship_to is not None,
            "has_bill_to": order.bill_to is not None,
            "adds_up": order.adds_up,
            "problem_count": len(order.problems),
            "problem_text": "; ".join(told) + (f"; and {more} more" if more else ""),
            "buyer": {
                name: getattr(order.buyer, name) for name in ("name", "email", "phone", "company")
            },
            "ship_to": _address(order.ship_to),
            "bill_to": _address(order.bill_to),
            "tags": list(order.tags),
            "note": order.note,
            "line_count": len(order.lines),
            "lines": [
                {
                    "sku": line.sku,
                    "title": line.title,
                    "quantity": line.quantity,
                    "unit_price": money(line.unit_price),
                    "discount": money(line.discount),
                    "tax": money(line.tax),
                    "requires_shipping": line.requires_shipping,
                    "gift_card": line.gift_card,
                }
                for line in order.lines
            ],
        }
    }


def _address(address: Address | None) -> dict[str, str]:
    return {name: getattr(address or Address(), name) for name in _ADDRESS}


_SAMPLE_ADDRESS = Address(
    name="Ada Sample", address1="Quay 1", postal_code="20457", city="Hamburg", country="DE"
)
_SAMPLE = NormalOrder(
    external_id="450789469",
    number="#1001",
    placed_at=datetime(2026, 1, 2, 9, 30, tzinfo=UTC),
    currency="EUR",
    totals=Totals(
        subtotal=Decimal(100), shipping=Decimal(5), tax=Decimal("19.95"), total=Decimal("124.95")
    ),
    financial_status="paid",
    fulfillment_status="",
    buyer=Buyer(name="Ada Sample", email="ada@example.com"),
    ship_to=_SAMPLE_ADDRESS,
    bill_to=_SAMPLE_ADDRESS,
    lines=(Line("ROPE-10", "Mooring rope", 2, Decimal(50), ZERO, ZERO, True, False),),
    tags=("wholesale",),
    note="",
    is_test=False,
    cancelled_at=None,
    adds_up=True,
    problems=(),
)


def register() -> None:
    """Called when the app is ready."""
    register_context(
        CONTEXT,
        fields=FIELDS,
        list_bounds=LIST_BOUNDS,
        sample=facts_of(_SAMPLE),
        parameters=PARAMETERS,
        title="Order {order.number}",
        decided_here=True,
        money=("order.total.minor", "order.currency"),
    )
