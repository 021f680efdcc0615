"""Rules that are written to do harm get a sentence, and no worker hangs on them."""

import pytest

from controlplane.core.errors import DomainError
from controlplane.policies.engine import check
from controlplane.policies.facts import FactsIncomplete, assert_complete
from controlplane.policies.judging import judge

BOMBS = {
    "deep parentheses": "(" * 900 + "true" + ")" * 900,
    "deep negation": "!" * 1900 + "true",
    "deep conditions": "true ? " * 200 + "true" + " : true" * 200,
    "a triple macro": (
        "basket.items.all(a, basket.items.all(b, basket.items.all(c, a.sku != b.sku || c.sku != "
        "b.sku)))"
    ),
    "a long rule": "basket.number == '" + "x" * 3000 + "'",
    "a list of lists": "[" * 300 + "]" * 300 + " == []",
    "a pattern that backtracks": "basket.number.matches('(a+)+{200}$')",
    "division by zero on the sample": "basket.total.minor / (basket.total.minor - 100) > 1",
    "a field that is not there": "basket.nothing == 1",
    "a number beyond 64 bits": "basket.total.minor > 99999999999999999999",
    "a null byte": "basket.number == '\0'",
}


@pytest.mark.parametrize("rule", BOMBS.values(), ids=BOMBS)
def test_it_is_refused_with_a_sentence_or_harmless(basket, rule):
    error = refusal(rule, basket)
    assert error is None or (error.status == 422 and error.detail)


def refusal(rule, context):
    try:
        check(rule, context)
    except DomainError as error:
        return error
    return None


def test_a_huge_text_is_cut_and_held(basket, basket_of, version):
    rules = version(("long", "reject", "basket.number.contains('needle')"))
    judged = judge(basket, [rules], basket_of(number="x" * 5_000_000 + "needle"), {})
    assert [reason["code"] for reason in judged.reasons] == ["text_too_long"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**30, {"a": 1}, None])
def test_facts_that_are_no_single_exact_value_hold_or_are_refused(
    basket, basket_of, version, value
):
    facts = basket_of(total={"minor": value, "currency": "EUR"})
    judged = judge(basket, [version(("big", "reject", "basket.total.minor > 1"))], facts, {})
    assert judged.verdict == "hold"
    if not isinstance(value, int):
        with pytest.raises(FactsIncomplete):
            assert_complete(basket, facts)
