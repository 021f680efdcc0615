"""From Shopify's order to ours.

Format: the Order resource of Shopify's REST Admin API, as the `orders/*` webhooks send it. Amounts
are texts in the shop's currency (`total_price`), and once more in `…_set.shop_money`; a body may
be the order itself or `{"order": {…}}`.
"""

import re
from decimal import Decimal
from functools import cache
from typing import Any

from babel import Locale

from controlplane.core.errors import FieldError
from controlplane.core.text import made_storable
from controlplane.orders.normal import ZERO, Address, Buyer, Line, NormalOrder
from controlplane.orders.payload import MOST_LINES, MOST_TAGS, OrderUnreadable, currency_of
from controlplane.orders.reading import Reader, total_of
from controlplane.orders.shopify_amounts import (
    do_add_up,
    money_of,
    parts_of,
    tax_of,
    totals_of,
)


def read_order(payload: dict[str, Any]) -> NormalOrder:
    """Whatever can be read of the order; the rest is in its `problems`.

    Raises OrderUnreadable where it cannot even be told which order it is.
    """
    order = Reader(payload)
    external_id = _external_id(order)
    currency = _currency(order)
    lines = tuple(_line(line) for line in order.objects("line_items", most=MOST_LINES))
    totals = totals_of(order, lines, currency)
    adds_up = do_add_up(order, lines, totals, currency)
    ship_to, bill_to = (
        _address(order.object(f"{kind}_address")) for kind in ("shipping", "billing")
    )
    return NormalOrder(
        external_id=external_id,
        number=order.text("name", most=60) or _plain_number(order) or external_id[:60],
        placed_at=order.time("processed_at") or order.time("created_at"),
        currency=currency,
        totals=totals,
        financial_status=order.text("financial_status", most=40).lower(),
        fulfillment_status=order.text("fulfillment_status", most=40).lower(),
        buyer=_buyer(order, bill_to or ship_to or Address()),
        ship_to=ship_to,
        bill_to=bill_to,
        lines=lines,
        tags=_tags(order),
        note=order.text("note", most=5000),
        is_test=order.flag("test"),
        cancelled_at=order.time("cancelled_at"),
        adds_up=adds_up,
        problems=tuple(order.problems),
    )


def _external_id(order: Reader) -> str:
    """The number alone, also from `gid://shopify/Order/450789469`."""
    for name in ("id", "admin_graphql_api_id", "name"):
        value = order.value.get(name)
        if isinstance(value, str | int | Decimal) and not isinstance(value, bool):
            text = made_storable(str(value)).strip()
            if known := text.rpartition("/")[2] if text.startswith("gid:") else text:
                return known[:64]
    raise OrderUnreadable(
        "The event's body names no order: id, admin_graphql_api_id and name are all missing. "
        "Check that the shop's webhook is an orders/… topic.",
        errors=(FieldError("id", "is missing"),),
    )


def _plain_number(order: Reader) -> str:
    number = order.text("order_number", most=40)
    return f"#{number}" if number else ""


def _currency(order: Reader) -> str:
    shop_money = order.object("total_price_set").object("shop_money")
    code = order.text("currency", most=10) or shop_money.text("currency_code", most=10)
    return currency_of(order, code)


def _line(line: Reader) -> Line:
    price = money_of(line, "price")
    if price is None and line.value.get("price") in (None, ""):
        line.report("missing", "price", "is missing")
    allocated = total_of(
        money_of(part, "amount") for part in parts_of(line, "discount_allocations")
    )
    discount = allocated or money_of(line, "total_discount") or ZERO
    return Line(
        sku=line.text("sku"),
        title=line.text("title") or line.text("name"),
        quantity=line.whole("quantity"),
        unit_price=price or ZERO,
        discount=line.bounded("discount_allocations", discount),
        tax=tax_of(line),
        # What nobody said must be shipped is taken as something to ship, so that it is not lost.
        requires_shipping=line.flag("requires_shipping", default=True),
        gift_card=line.flag("gift_card"),
    )


def _buyer(order: Reader, address: Address) -> Buyer:
    customer = order.object("customer")
    full_name = f"{customer.text('first_name')} {customer.text('last_name')}".strip()
    return Buyer(
        name=(full_name or address.name)[:200],
        email=order.text("email") or order.text("contact_email") or customer.text("email"),
        phone=(order.text("phone") or customer.text("phone") or address.phone)[:60],
        company=address.company or customer.object("default_address").text("company"),
    )


def _address(address: Reader) -> Address | None:
    """None where there is none, or one with nothing in it."""
    full_name = f"{address.text('first_name')} {address.text('last_name')}".strip()
    read = Address(
        name=address.text("name") or full_name,
        company=address.text("company"),
        address1=address.text("address1"),
        address2=address.text("address2"),
        postal_code=address.text("zip", most=20),
        city=address.text("city"),
        province=address.text("province") or address.text("province_code"),
        country=_country(address),
        phone=address.text("phone", most=60),
    )
    return read if any((read.address1, read.city, read.postal_code, read.country)) else None


def _country(address: Reader) -> str:
    for name in ("country_code", "country", "country_name"):
        text = address.text(name)
        if re.fullmatch(r"[A-Za-z]{2}", text, re.ASCII):
            return text.upper()
        if code := _codes_by_country().get(text.casefold()):
            return code
    return ""


@cache
def _codes_by_country() -> dict[str, str]:
    """By CLDR's English names, for addresses that name a country without its code."""
    territories = Locale("en").territories
    return {str(name).casefold(): code for code, name in territories.items() if code.isalpha()}


def _tags(order: Reader) -> tuple[str, ...]:
    value = order.value.get("tags")
    if isinstance(value, list):
        found = [tag for tag in value if isinstance(tag, str)]
    else:
        found = order.text("tags", most=10_000).split(",")
    return tuple(made_storable(tag).strip()[:60] for tag in found if tag.strip())[:MOST_TAGS]
