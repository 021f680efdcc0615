"""The rules that a tenant starts with: they can be published, and say what they mean."""

from decimal import Decimal
from typing import Any

import pytest

from controlplane.core.money import Money
from controlplane.invoices import contexts
from controlplane.invoices.contexts import FIELDS, PARAMETERS, facts_of, sample, terms_of
from controlplane.invoices.default_policy import RULES
from controlplane.invoices.matching.papers import Terms
from controlplane.invoices.matching.result import CODES, LineMatch, Match, Reason
from controlplane.invoices.models import Invoice
from controlplane.policies.contexts import get_context
from controlplane.policies.cost import HIGHEST_COST
from controlplane.policies.services import check_rule


def names_in(value: Any, path: str = "") -> set[str]:
    if not isinstance(value, dict):
        return {path}
    return {
        name
        for key, inner in value.items()
        for name in names_in(inner, f"{path}.{key}" if path else key)
    }


def test_every_fact_is_described_and_every_description_is_a_fact() -> None:
    assert names_in(sample()) == set(FIELDS)
    assert names_in(facts_of(Invoice(), None)) == set(FIELDS)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["code"])
def test_a_rule_can_be_published(rule: dict[str, str]) -> None:
    cost = check_rule(context="invoice", expression=rule["expression"], message=rule["message"])

    assert cost < HIGHEST_COST / 500


def test_every_check_of_the_match_has_a_rule_of_its_code() -> None:
    codes = [rule["code"] for rule in RULES]

    assert set(CODES) <= set(codes)
    assert len(codes) == len(set(codes))
    assert {rule["verdict"] for rule in RULES if rule["code"] != "quarantined"} == {"hold"}


def test_a_rule_reads_how_often_and_in_which_words() -> None:
    reasons = tuple(Reason("price_above", f"Line {n} costs more.") for n in range(5))
    line = LineMatch(
        line="1", position=1, item="", item_id="", unit="", invoiced=None, unit_price=None,
        net=None, reasons=reasons,
    )  # fmt: skip
    match = Match(mode="two_way", currency="EUR", order_numbers=(), lines=(line,))

    facts = facts_of(Invoice(), match)["match"]

    assert facts["price_above"] == {
        "count": 5,
        "text": "Line 0 costs more. Line 1 costs more. Line 2 costs more. And 2 more.",
    }
    assert facts["over_ordered"] == {"count": 0, "text": ""}
    assert facts["held_line_count"] == 1


def test_an_amount_beyond_what_can_be_compared_is_taken_for_the_largest() -> None:
    invoice = Invoice(currency="EUR", payable=Decimal(10**15))

    assert facts_of(invoice, None)["invoice"]["total"] == {
        "minor": 2**53 - 1,
        "currency": "EUR",
        "text": "1000000000000000.00 EUR",
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, Terms()),
        ({"matching": "two_way"}, Terms(mode="two_way")),
        ({"matching": "none at all"}, Terms()),
        ({"price_tolerance_percent": "2.5"}, Terms(price_percent=Decimal("2.5"))),
        ({"price_tolerance_percent": "2,5 %"}, Terms(price_percent=Decimal("2.5"))),
        ({"price_tolerance_percent": "-3"}, Terms()),
        ({"quantity_tolerance_percent": 5}, Terms(quantity_percent=Decimal(5))),
        (
            {"price_tolerance": {"minor": 550, "currency": "EUR"}},
            Terms(price_amount=Decimal("5.5"), price_currency="EUR"),
        ),
        (
            {"price_tolerance": {"minor": 550, "currency": "JPY"}},
            Terms(price_amount=Decimal(550), price_currency="JPY"),
        ),
        ({"price_tolerance": "five"}, Terms()),
        ({"price_tolerance": {"minor": "5", "currency": "EUR"}}, Terms()),
    ],
)
def test_parameters_become_terms(given: dict[str, Any], expected: Terms) -> None:
    assert terms_of(get_context("invoice").with_defaults(given)) == expected


def test_the_parameters_are_the_ones_that_are_promised() -> None:
    assert {name: parameter.default for name, parameter in PARAMETERS.items()} == {
        "matching": "three_way",
        "price_tolerance_percent": "0",
        "price_tolerance": None,
        "quantity_tolerance_percent": "0",
        "approve_above": None,
    }


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [("12.5", "EUR", "12.50 EUR"), ("1250", "JPY", "1250 JPY"), ("1", "KWD", "1.000 KWD")],
)
def test_money_has_the_decimals_of_its_currency(amount: str, currency: str, text: str) -> None:
    assert contexts.money_text(Money(Decimal(amount), currency)) == text


def test_broken_rules_that_are_not_named_are_counted_within_the_sentence() -> None:
    broken = [{"rule_id": f"BR-0{n}", "severity": "fatal", "message": "Wrong."} for n in range(4)]

    text = facts_of(Invoice(findings=broken, rule_set="EN 16931"), None)["rules"]["text"]

    assert text == "BR-00: Wrong; BR-01: Wrong; BR-02: Wrong; and 1 more"


@pytest.mark.parametrize(
    ("iban", "text"),
    [
        ("", ""),
        ("DE79 1001 1001 2620 0178 90", "DE79 … 7890"),
        ("de79100110012620017890", "DE79 … 7890"),
        ("123-456789", "… 6789"),
        ("4711", "4711"),
    ],
)
def test_an_account_is_told_so_that_it_can_be_recognised(iban: str, text: str) -> None:
    assert facts_of(Invoice(iban=iban), None)["invoice"]["iban_text"] == text
