"""WooCommerce's orders, read so that the same rules judge them."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from controlplane.orders.contexts import facts_of
from controlplane.orders.normal import Address, NormalOrder
from controlplane.orders.payload import OrderUnreadable
from controlplane.orders.shops import normalize_order

ORDER: dict[str, Any] = json.loads(
    (Path(settings.BASE_DIR) / "tests/data/woocommerce/order.json").read_text(encoding="utf-8")
)


@pytest.fixture
def woo() -> Callable[..., NormalOrder]:
    return lambda **changes: normalize_order(json.dumps(ORDER | changes))


def test_an_order_is_read_whole(woo: Callable[..., NormalOrder]) -> None:
    order = woo()

    assert (order.external_id, order.number, order.currency) == ("727", "#727", "EUR")
    assert order.placed_at == datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    assert (order.financial_status, order.fulfillment_status) == ("paid", "")
    assert (order.buyer.name, order.buyer.email) == ("Kaja Nowak", "kaja@example.com")
    assert order.buyer.company == "Segelmacherei Nowak"
    assert order.ship_to == Address(
        name="Kaja Nowak", address1="Hafenstraße 1", address2="Hof", postal_code="20095",
        city="Hamburg", province="DE-HH", country="DE",
    )  # fmt: skip
    assert order.note == "Bitte klingeln"
    assert order.problems == ()


def test_amounts_are_the_orders_own_and_add_up(woo: Callable[..., NormalOrder]) -> None:
    totals = woo().totals

    assert (totals.subtotal, totals.discounts, totals.shipping) == (90, 10, 5)
    assert (totals.tax, totals.total, totals.refunded) == (Decimal("18.05"), Decimal("113.05"), 0)
    assert woo().adds_up
    assert not woo(total="113.15").adds_up


def test_lines_have_their_price_before_coupons(woo: Callable[..., NormalOrder]) -> None:
    lamp, _rope = woo().lines

    assert (lamp.sku, lamp.title, lamp.quantity) == ("LAMP-1", "Laterne", 2)
    assert (lamp.unit_price, lamp.discount, lamp.tax) == (40, 8, Decimal("13.68"))
    assert lamp.requires_shipping


def test_a_fee_counts_also_where_it_is_a_discount(woo: Callable[..., NormalOrder]) -> None:
    fees = [{"name": "Voucher", "total": "-5.00"}, {"name": "Gift wrap", "total": "2.00"}]

    order = woo(fee_lines=fees, total="110.05")

    assert order.adds_up
    assert order.problems == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"status": "pending", "date_paid": None, "date_paid_gmt": None}, "pending"),
        ({"status": "processing", "date_paid": None, "date_paid_gmt": None}, "pending"),
        ({"status": "failed", "date_paid": None, "date_paid_gmt": None}, "voided"),
        ({"status": "completed"}, "paid"),
        ({"status": "refunded"}, "refunded"),
        ({"refunds": [{"id": 1, "reason": "", "total": "-13.05"}]}, "partially_refunded"),
    ],
)
def test_what_is_known_of_the_money(
    woo: Callable[..., NormalOrder], changes: dict[str, Any], says: str
) -> None:
    assert woo(**changes).financial_status == says


def test_what_went_back_is_a_positive_amount(woo: Callable[..., NormalOrder]) -> None:
    order = woo(refunds=[{"id": 1, "total": "-13.05"}, {"id": 2, "total": "-1.00"}])

    assert order.totals.refunded == Decimal("14.05")
    assert order.problems == ()


def test_a_cancelled_order_was_cancelled_when_it_was_changed_last(
    woo: Callable[..., NormalOrder],
) -> None:
    assert woo(status="cancelled").cancelled_at == datetime(2026, 3, 1, 9, 31, 12, tzinfo=UTC)
    assert woo().cancelled_at is None


def test_what_is_downloaded_needs_no_shipping(woo: Callable[..., NormalOrder]) -> None:
    empty = dict.fromkeys(ORDER["shipping"], "")

    order = woo(shipping=empty, shipping_lines=[], shipping_total="0.00", total="108.05")

    assert order.ship_to is None
    assert not order.requires_shipping


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"total": ""}, "missing"),
        ({"total": "a lot"}, "not_a_number"),
        ({"currency": "ZZZ"}, "currency_unknown"),
        ({"line_items": "none"}, "wrong_type"),
        ({"date_created_gmt": "yesterday"}, "not_a_time"),
        ({"refunds": [{"total": "-1e30"}]}, "amount_too_large"),
    ],
)
def test_what_cannot_be_read_is_told_and_the_rest_is_read(
    woo: Callable[..., NormalOrder], changes: dict[str, Any], code: str
) -> None:
    order = woo(**changes)

    assert code in {problem.code for problem in order.problems}
    assert order.buyer.name == "Kaja Nowak"
    assert facts_of(order)["order"]["problem_count"] >= 1


def test_an_order_without_a_number_is_none() -> None:
    nameless = {name: value for name, value in ORDER.items() if name not in {"id", "number"}}

    with pytest.raises(OrderUnreadable):
        normalize_order(json.dumps(nameless))


def test_shopifys_orders_are_not_taken_for_these() -> None:
    shopify = {"id": 1, "name": "#1", "total_price": "5.00", "total": "5.00", "billing": {}}

    assert normalize_order(json.dumps(shopify)).number == "#1"
