"""From WooCommerce's order to ours.

Format: the Order resource of WooCommerce's REST API v3, as the `order.*` webhooks send it. Amounts
are texts in the order's currency; those of lines, fees and shipping are without tax, whatever the
shop's prices show (`prices_include_tax`), and `subtotal` is before coupons, `total` after them.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from controlplane.core.errors import FieldError
from controlplane.core.money import Money
from controlplane.core.text import made_storable
from controlplane.orders.normal import ZERO, Address, Buyer, Line, NormalOrder, Totals
from controlplane.orders.payload import MOST_LINES, OrderUnreadable, currency_of
from controlplane.orders.reading import Reader

_MOST_PARTS = 250
_STEP = Decimal("0.0001")
_ENDED_UNPAID = frozenset({"cancelled", "failed", "trash"})


def is_order(payload: dict[str, Any]) -> bool:
    """Whether it is one of WooCommerce's rather than Shopify's."""
    has_total = "total" in payload and "total_price" not in payload
    return has_total and isinstance(payload.get("billing"), dict)


def read_order(payload: dict[str, Any]) -> NormalOrder:
    """Whatever can be read of the order; the rest is in its `problems`.

    Raises OrderUnreadable where it cannot even be told which order it is.
    """
    order = Reader(payload)
    external_id = _external_id(order)
    currency = currency_of(order, order.text("currency", most=10))
    ship_to, bill_to = (_address(order.object(kind)) for kind in ("shipping", "billing"))
    # What is not sent has neither a way of shipping nor an address to ship to.
    is_sent = ship_to is not None or bool(order.value.get("shipping_lines"))
    lines, goods = _lines(order, is_sent=is_sent)
    totals = _totals(order, goods)
    status = order.text("status", most=40).lower()
    return NormalOrder(
        external_id=external_id,
        number=f"#{order.text('number', most=59) or external_id[:59]}",
        placed_at=order.time("date_created_gmt") or order.time("date_created"),
        currency=currency,
        totals=totals,
        financial_status=_financial_status(order, status, totals),
        fulfillment_status="fulfilled" if status == "completed" else "",
        buyer=_buyer(order, bill_to or ship_to or Address()),
        ship_to=ship_to,
        bill_to=bill_to,
        lines=lines,
        tags=(),
        note=order.text("customer_note", most=5000),
        is_test=False,
        cancelled_at=_cancelled_at(order) if status == "cancelled" else None,
        adds_up=_does_add_up(order, totals, len(lines), currency),
        problems=tuple(order.problems),
    )


def _external_id(order: Reader) -> str:
    for name in ("id", "number"):
        value = order.value.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool):
            text = made_storable(str(value)).strip()
            if text and text != "0":
                return text[:64]
    raise OrderUnreadable(
        "The event's body names no order: id and number are missing. Check that the shop's webhook "
        "has the topic “Order created” or “Order updated”.",
        errors=(FieldError("id", "is missing"),),
    )


def _lines(order: Reader, *, is_sent: bool) -> tuple[tuple[Line, ...], Decimal]:
    """The lines, and what they cost after coupons."""
    lines, goods = [], ZERO
    for item in order.objects("line_items", most=MOST_LINES):
        quantity = item.whole("quantity")
        after = item.amount("total")
        if after is None and item.value.get("total") in (None, ""):
            item.report("missing", "total", "is missing")
        after = after or ZERO
        before = item.amount("subtotal")
        before = after if before is None else before
        goods += after
        lines.append(
            Line(
                sku=item.text("sku"),
                title=item.text("name"),
                quantity=quantity,
                unit_price=(before / quantity).quantize(_STEP) if quantity else before,
                discount=max(before - after, ZERO),
                tax=item.amount("total_tax") or ZERO,
                requires_shipping=is_sent,
                # The REST API does not tell gift cards from other products.
                gift_card=False,
            )
        )
    return tuple(lines), order.bounded("line_items", goods)


def _totals(order: Reader, goods: Decimal) -> Totals:
    total = order.amount("total")
    if total is None and order.value.get("total") in (None, ""):
        order.report("missing", "total", "is missing")
    refunds = [_paid_back(refund) for refund in order.objects("refunds", most=_MOST_PARTS)]
    return Totals(
        subtotal=goods,
        discounts=order.amount("discount_total") or ZERO,
        shipping=order.amount("shipping_total") or ZERO,
        tax=order.amount("total_tax") or ZERO,
        total=total or ZERO,
        refunded=order.bounded("refunds", sum(refunds, start=ZERO)),
    )


def _paid_back(refund: Reader) -> Decimal:
    """WooCommerce writes what went back as a negative amount."""
    return abs(_signed(refund, "total"))


def _signed(part: Reader, name: str) -> Decimal:
    text = part.text(name, most=60)
    unsigned = Reader({name: text.removeprefix("-")}, part.path, part.problems).amount(name) or ZERO
    return -unsigned if text.startswith("-") else unsigned


def _does_add_up(order: Reader, totals: Totals, lines: int, currency: str) -> bool:
    """Goods, fees (one may be a discount), shipping and tax make the total.

    Each line was rounded by itself where prices include the tax, so half a cent a line may be off.
    """
    fees = (_signed(fee, "total") for fee in order.objects("fee_lines", most=_MOST_PARTS))
    made = totals.subtotal + sum(fees, start=ZERO) + totals.shipping + totals.tax
    difference = Money(made, currency).minor - Money(totals.total, currency).minor
    return abs(difference) <= 1 + lines // 2


def _financial_status(order: Reader, status: str, totals: Totals) -> str:
    """In the words of `contexts.FIELDS`. `processing` alone says nothing: an order that is paid at
    the door is that, too."""
    if status == "refunded":
        return "refunded"
    if totals.refunded > ZERO:
        return "partially_refunded"
    if order.value.get("date_paid_gmt") or order.value.get("date_paid"):
        return "paid"
    return "voided" if status in _ENDED_UNPAID else "pending"


def _cancelled_at(order: Reader) -> datetime | None:
    """WooCommerce keeps no time of it; the change that cancelled it is the newest one."""
    return (
        order.time("date_modified_gmt")
        or order.time("date_modified")
        or order.time("date_created_gmt")
        or order.time("date_created")
    )


def _buyer(order: Reader, address: Address) -> Buyer:
    billing = order.object("billing")
    return Buyer(
        name=address.name,
        email=billing.text("email"),
        phone=billing.text("phone", most=60) or address.phone,
        company=address.company,
    )


def _address(address: Reader) -> Address | None:
    """None where there is none, or one with nothing in it."""
    country = address.text("country", most=60).upper()
    read = Address(
        name=f"{address.text('first_name')} {address.text('last_name')}".strip()[:200],
        company=address.text("company"),
        address1=address.text("address_1"),
        address2=address.text("address_2"),
        postal_code=address.text("postcode", most=20),
        city=address.text("city"),
        province=address.text("state"),
        country=country if len(country) == 2 and country.isascii() and country.isalpha() else "",
        phone=address.text("phone", most=60),
    )
    return read if any((read.address1, read.city, read.postal_code, read.country)) else None
