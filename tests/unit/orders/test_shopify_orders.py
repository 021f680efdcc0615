import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.orders.contexts import facts_of
from controlplane.orders.normal import NO_CURRENCY
from controlplane.orders.payload import MOST_LINES, OrderUnreadable
from controlplane.orders.shops import normalize_order
from controlplane.policies.services import input_hash
from tests.factories.shopify_orders import DELETE, FILES, body_of, body_with_lines


def problems(order):
    return {(problem.code, problem.field) for problem in order.problems}


@pytest.mark.parametrize("name", FILES)
def test_every_sample_is_read_without_a_problem_and_adds_up(read, name):
    order = read(name)
    assert order.problems == ()
    assert order.adds_up
    assert order.placed_at.tzinfo is UTC


def test_a_plain_order(read):
    order = read("eur_small")
    assert (order.external_id, order.number) == ("5100010000011", "#1001")
    assert order.placed_at == datetime(2026, 3, 2, 8, 14, 5, tzinfo=UTC)
    assert str(order.total) == "68.1000 EUR"
    assert order.totals.subtotal == Decimal("63.20")
    assert order.totals.shipping == Decimal("4.90")
    assert order.totals.tax == Decimal("10.87")
    assert order.buyer.name == "Jana Petersen"
    assert order.buyer.company == "Petersen Yachtbedarf"
    assert order.ship_to.country == "DE"
    assert [(line.sku, line.quantity) for line in order.lines] == [
        ("ROPE-10-WH", 3),
        ("SHK-08-A4", 1),
    ]
    assert order.financial_status == "paid"
    assert order.fulfillment_status == ""
    assert order.cancelled_at is None


def test_discounts_are_spread_over_lines(read):
    order = read("usd_large")
    assert order.totals.discounts == Decimal(756)
    assert order.lines[0].discount == Decimal(756)
    assert order.lines[0].tax == Decimal("561.33")
    assert order.tags == ("wholesale", "net30")


def test_numbers_wrapped_and_with_a_text_as_id_are_the_same_order(read):
    plain, numeric = read("eur_small"), read("numeric_amounts")
    assert numeric.external_id == "5100010000133"
    assert (numeric.totals, numeric.lines) == (plain.totals, plain.lines)


@pytest.mark.parametrize(("name", "minor"), [("jpy", 15200), ("kwd", 31000), ("eur_small", 6810)])
def test_minor_units_are_the_currency_s_own(read, name, minor):
    assert read(name).total.minor == minor


def test_names_in_other_scripts_stay_as_they_are(read):
    assert read("jpy").ship_to.city == "東京"
    order = read("non_ascii")
    assert order.buyer.name == "Łucja Żółć-Müller"
    assert order.buyer.email == "łucja@przykład.pl"
    assert order.lines[0].title.endswith("⚓")
    assert order.note.endswith("🙏")


def test_a_download_needs_no_address(read):
    order = read("no_shipping_address")
    assert order.ship_to is None
    assert not order.requires_shipping
    assert order.bill_to.city == "Hamburg"


@pytest.mark.parametrize("nothing", [DELETE, None, {}, "", [], {"first_name": "", "zip": None}])
def test_an_empty_address_is_none(read, nothing):
    order = read(shipping_address=nothing)
    assert order.ship_to is None
    assert order.problems == ()


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ({"city": "Wien", "country_code": "at"}, "AT"),
        ({"city": "Wien", "country": "Austria", "country_code": None}, "AT"),
        ({"city": "Paris", "country": "fr"}, "FR"),
        ({"city": "Atlantis", "country": "Atlantis"}, ""),
    ],
)
def test_countries_are_told_from_code_or_name(read, address, country):
    assert read(shipping_address=address).ship_to.country == country


def test_refunds_are_what_was_paid_back(read):
    assert read("partially_refunded").totals.refunded == Decimal("39.90")
    assert read("refunded").totals.refunded == Decimal("84.70")


@pytest.mark.parametrize(
    ("refunds", "refunded"),
    [
        (None, 0),
        ([], 0),
        ([{"transactions": [{"kind": "refund", "status": "failure", "amount": "5.00"}]}], 0),
        ([{"transactions": [{"kind": "refund", "status": "pending", "amount": "5.00"}]}], 0),
        ([{"transactions": [{"kind": "sale", "status": "success", "amount": "5.00"}]}], 0),
        ([{"transactions": [{"kind": "REFUND", "status": "SUCCESS", "amount": 5.5}]}], "5.5"),
        ([{"refund_line_items": [{"subtotal": 7.5, "total_tax": 0.5}]}], 8),
        ([{"transactions": [{"kind": "refund", "amount": "1"}]}] * 3, 3),
    ],
)
def test_refunds_in_every_form(read, refunds, refunded):
    order = read(refunds=refunds)
    assert order.totals.refunded == Decimal(refunded)
    assert order.problems == ()


def test_a_refund_in_another_currency_needs_the_shop_s_own_amount(read):
    paid = {"kind": "refund", "status": "success", "amount": "9.00", "currency": "USD"}
    assert problems(read(refunds=[{"transactions": [paid]}])) == {
        ("currency_differs", "refunds.0.transactions.0.amount")
    }
    paid["amount_set"] = {"shop_money": {"amount": "8.00", "currency_code": "EUR"}}
    assert read(refunds=[{"transactions": [paid]}]).totals.refunded == Decimal(8)


@pytest.mark.parametrize("flag", [True, "true", "TRUE"])
def test_test_orders_are_seen(read, flag):
    assert read(test=flag).is_test


def test_amounts_are_taken_from_the_set_where_the_text_is_null(read):
    assert read(total_price=None).total.minor == 6810
    assert read(total_price=None, total_price_set=None).problems[0].field == "total_price"


def test_the_currency_is_taken_from_the_set_where_it_is_missing(read):
    assert read(currency=DELETE).currency == "EUR"
    order = read(currency=None, total_price_set=None)
    assert order.currency == NO_CURRENCY
    assert problems(order) == {("currency_missing", "currency")}


@pytest.mark.parametrize("currency", ["ZZZ", "€", "BTC", "EURO", "12"])
def test_a_currency_that_does_not_exist_is_a_problem(read, currency):
    assert ("currency_unknown", "currency") in problems(read(currency=currency))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("12,50", "not_a_number"),
        ("1_000", "not_a_number"),
        ("１２.50", "not_a_number"),
        ("NaN", "not_a_number"),
        ("Infinity", "not_a_number"),
        ("0x10", "not_a_number"),
        ("12.50 EUR", "not_a_number"),
        (True, "wrong_type"),
        ({"amount": "1"}, "wrong_type"),
        (["1"], "wrong_type"),
        ("-5.00", "amount_negative"),
        (-5, "amount_negative"),
        ("1e300", "amount_too_large"),
        (10**60, "not_a_number"),
        ("900000000000", "amount_too_large"),
    ],
)
def test_amounts_that_cannot_be_read_are_problems_and_nought(read, value, code):
    order = read(total_price=value, total_price_set=None)
    assert problems(order) == {(code, "total_price")}
    assert order.totals.total == 0


@pytest.mark.parametrize(
    ("value", "total"),
    [("68.1", "68.10"), (68.1, "68.10"), (" 68.10 ", "68.10"), ("6810e-2", "68.1")],
)
def test_amounts_in_every_readable_form(read, value, total):
    assert read(total_price=value).totals.total == Decimal(total)


@pytest.mark.parametrize("quantity", [-1, "x", 1.5, None, DELETE, [], 10**12, True])
def test_quantities_that_are_no_counts(read, quantity):
    line = {"title": "Rope", "price": "1.00", "quantity": quantity}
    if quantity is DELETE:
        del line["quantity"]
    order = read(line_items=[line])
    assert {field for _code, field in problems(order)} == {"line_items.0.quantity"}
    assert order.lines[0].quantity == 0


@pytest.mark.parametrize("lines", ["none", {"a": 1}, [1], [None], [[]], [["x"]]])
def test_lines_of_another_type_are_problems(read, lines):
    assert read(line_items=lines).problems


@pytest.mark.parametrize("lines", [None, [], DELETE])
def test_no_lines_are_no_problem_but_no_lines(read, lines):
    order = read(line_items=lines)
    assert order.lines == ()
    assert order.problems == ()


def test_lines_without_a_word_on_shipping_are_shipped(read):
    assert read(line_items=[{"quantity": 1, "price": "1"}]).requires_shipping


def test_200_lines():
    order = normalize_order(body_with_lines(200))
    assert len(order.lines) == 200
    assert order.lines[199].sku == "SKU-0200"
    assert order.adds_up
    assert order.problems == ()


def test_more_lines_than_anybody_orders_are_cut_and_a_problem():
    order = normalize_order(body_with_lines(MOST_LINES + 1))
    assert len(order.lines) == MOST_LINES
    assert problems(order) == {("too_many", "line_items")}


def test_many_faults_make_no_flood(read):
    assert len(read(line_items=[{"quantity": "x"}] * 400).problems) == 50


@pytest.mark.parametrize(
    ("changes", "adds_up"),
    [
        ({"total_price": "68.11"}, True),  # a cent of rounding
        ({"total_price": "69.10"}, False),
        ({"total_price": "6.81"}, False),
        ({"subtotal_price": None, "total_line_items_price": None}, True),
        ({"taxes_included": False}, False),
        ({"total_price": "70.10", "total_tip_received": "2.00"}, True),
        ({"total_price": "68.10", "total_tip_received": "2.00"}, True),
    ],
)
def test_amounts_must_make_the_total(read, changes, adds_up):
    assert read(**changes).adds_up is adds_up


def test_a_discount_on_shipping_adds_up(read):
    order = read(
        total_price="63.20",
        total_discounts="4.90",
        shipping_lines=[{"price": "4.90", "discounted_price": "0.00"}],
    )
    assert order.adds_up


@pytest.mark.parametrize(
    "body", ["", "{", "nonsense", "[" * 100_000, '"text"', "[]", "1", "null", "{}", '{"order": {}}']
)
def test_what_names_no_order_is_refused(body):
    with pytest.raises(OrderUnreadable) as caught:
        normalize_order(body)
    assert caught.value.errors[0].field in {"body", "id"}


@pytest.mark.parametrize("identity", [None, True, [], {}, "", " "])
def test_an_order_needs_an_identity(identity):
    body = json.dumps({"id": identity, "name": identity, "admin_graphql_api_id": identity})
    with pytest.raises(OrderUnreadable, match="names no order"):
        normalize_order(body)


@pytest.mark.parametrize(
    ("fields", "external_id", "number"),
    [
        ({"id": 450789469}, "450789469", "450789469"),
        ({"id": "450789469", "name": "#1"}, "450789469", "#1"),
        ({"admin_graphql_api_id": "gid://shopify/Order/450789469"}, "450789469", "450789469"),
        ({"name": "#1001"}, "#1001", "#1001"),
        ({"id": 7, "order_number": 1001}, "7", "#1001"),
    ],
)
def test_identity_comes_from_the_first_that_is_there(fields, external_id, number):
    order = normalize_order(json.dumps(fields))
    assert (order.external_id, order.number) == (external_id, number)


def test_what_postgresql_cannot_hold_is_replaced():
    order = normalize_order(r'{"id": 1, "note": "a\u0000b\ud800c", "tags": "x\u0000"}')
    assert order.note == "a\ufffdb\ufffdc"
    assert order.tags == ("x\ufffd",)


def test_unknown_fields_and_endless_numbers_do_no_harm():
    body = '{"id": 1, "new_in_2031": [{}], "total_price": ' + "9" * 5000 + ', "currency": "EUR"}'
    order = normalize_order(body)
    assert ("not_a_number", "total_price") in problems(order)


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["12.50", "-1", "1e9", "EUR", "2026-01-01T00:00:00Z", "0001-01-01T00:00+14:00"]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["amount", "price", "shop_money", "transactions", "title", "quantity"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
TEMPLATE = json.loads(body_of("partially_refunded"))


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(
    st.dictionaries(st.sampled_from(sorted(TEMPLATE)), ANYTHING, max_size=6),
    st.dictionaries(st.sampled_from(sorted(TEMPLATE["line_items"][0])), ANYTHING, max_size=4),
    st.dictionaries(st.sampled_from(sorted(TEMPLATE["refunds"][0])), ANYTHING, max_size=3),
)
def test_no_value_of_any_field_breaks_reading(top, in_line, in_refund):
    payload = {
        **TEMPLATE,
        "line_items": [{**TEMPLATE["line_items"][0], **in_line}],
        "refunds": [{**TEMPLATE["refunds"][0], **in_refund}],
        **top,
        "id": 1,
    }
    facts = facts_of(normalize_order(json.dumps(payload)))
    assert len(input_hash(facts)) == 64
