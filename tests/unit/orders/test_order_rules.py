import pytest

from controlplane.orders.contexts import CONTEXT, FIELDS, LIST_BOUNDS, PARAMETERS, facts_of
from controlplane.orders.default_policy import RULES
from controlplane.orders.shops import normalize_order
from controlplane.policies.contexts import get_context
from controlplane.policies.services import (
    HIGHEST_COST_TOGETHER,
    check_rule,
    input_hash,
    judge,
)
from tests.factories.shopify_orders import FILES, body_of, body_with_lines

LIMITS = {
    "hold_above": {"minor": 50_000, "currency": "EUR"},
    "max_quantity": 30,
    "home_countries": ["DE", "AT"],
}
WITHOUT_PARAMETERS = {
    "address_missing": ("hold", ["no_shipping_address"]),
    "cad": ("accept", []),
    "cancelled": ("reject", ["order_cancelled", "payment_voided"]),
    "eur_small": ("accept", []),
    "jpy": ("accept", []),
    "kwd": ("accept", []),
    "no_shipping_address": ("accept", []),
    "non_ascii": ("accept", []),
    "numeric_amounts": ("accept", []),
    "partially_refunded": ("hold", ["partially_refunded"]),
    "refunded": ("reject", ["order_refunded"]),
    "test_order": ("reject", ["test_order"]),
    "usd_large": ("accept", []),
    "zero_lines": ("hold", ["no_lines"]),
}
ABROAD = ["no_limit_for_currency", "foreign_country"]


@pytest.fixture
def verdict_on(default_version):
    def judged(body, parameters=None):
        context = get_context(CONTEXT)
        facts = facts_of(normalize_order(body))
        params = context.with_defaults(parameters or {})
        result = judge(context, [default_version], facts, params)
        return result.verdict.value, [reason["code"] for reason in result.reasons]

    return judged


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["code"])
def test_every_default_rule_can_be_published(rule):
    assert check_rule(context=CONTEXT, expression=rule["expression"], message=rule["message"]) > 0


def test_the_default_rules_together_are_cheap():
    costs = [
        check_rule(context=CONTEXT, expression=rule["expression"], message=rule["message"])
        for rule in RULES
    ]
    assert sum(costs) < HIGHEST_COST_TOGETHER / 5


def test_every_sample_has_its_verdict():
    assert sorted(WITHOUT_PARAMETERS) == FILES


@pytest.mark.parametrize("name", FILES)
def test_verdicts_without_parameters(verdict_on, name):
    assert verdict_on(body_of(name)) == WITHOUT_PARAMETERS[name]


@pytest.mark.parametrize(
    ("name", "verdict", "codes"),
    [
        ("eur_small", "accept", []),
        ("no_shipping_address", "accept", []),
        ("usd_large", "hold", ["no_limit_for_currency", "large_quantity", "foreign_country"]),
        ("jpy", "hold", ABROAD),
        ("cad", "hold", ABROAD),
        ("cancelled", "reject", ["order_cancelled", "payment_voided"]),
    ],
)
def test_verdicts_with_limits(verdict_on, name, verdict, codes):
    assert verdict_on(body_of(name), LIMITS) == (verdict, codes)


@pytest.mark.parametrize(("minor", "codes"), [(6809, ["over_limit"]), (6810, []), (6811, [])])
def test_the_limit_is_exact_to_the_cent(verdict_on, minor, codes):
    limit = {"hold_above": {"minor": minor, "currency": "EUR"}}
    assert verdict_on(body_of("eur_small"), limit)[1] == codes


def test_yen_are_not_taken_for_cents(verdict_on):
    limit = {"hold_above": {"minor": 15_200, "currency": "JPY"}}
    assert verdict_on(body_of("jpy"), limit) == ("accept", [])


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"total_price": "many"}, ["unreadable_fields"]),
        ({"total_price": "9999.00"}, ["does_not_add_up"]),
        ({"currency": "ZZZ"}, ["unreadable_fields"]),
        ({"shipping_address": "Hamburg"}, ["unreadable_fields", "no_shipping_address"]),
        ({"financial_status": "voided"}, ["payment_voided"]),
        ({"financial_status": "REFUNDED"}, ["order_refunded"]),
        ({"financial_status": "partially_refunded"}, ["partially_refunded"]),
        ({"cancelled_at": "yesterday"}, ["unreadable_fields"]),
    ],
)
def test_doubts_are_never_accepted(verdict_on, changes, codes):
    verdict, found = verdict_on(body_of("eur_small", **changes))
    assert verdict != "accept"
    assert found == codes


@pytest.mark.parametrize(
    "parameters",
    [
        {"hold_above": 500},
        {"hold_above": {"minor": "50000", "currency": "EUR"}},
        {"hold_above": {"amount": "500.00", "currency": "EUR"}},
        {"max_quantity": "many"},
        {"home_countries": "DE, AT"},
        {"hold_above": {"minor": 500.5, "currency": "EUR"}},
    ],
)
def test_parameters_of_another_form_hold(verdict_on, parameters):
    verdict, codes = verdict_on(body_of("eur_small"), parameters)
    assert verdict == "hold"
    assert set(codes) <= {"rule_failed", "facts_unusable"}


def test_200_lines_are_judged(verdict_on):
    assert verdict_on(body_with_lines(200)) == ("accept", [])
    assert verdict_on(body_with_lines(501))[0] == "hold"


def test_people_read_values_not_placeholders(default_version):
    context = get_context(CONTEXT)
    facts = facts_of(normalize_order(body_of("jpy")))
    judged = judge(context, [default_version], facts, context.with_defaults(LIMITS))
    assert [reason["message"] for reason in judged.reasons] == [
        "No limit is set for JPY; the total is 15200 JPY.",
        "It ships to JP, which is not one of the home countries.",
    ]


def paths(value, path=""):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from paths(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield path
        yield from paths(value[0], path)
    else:
        yield path


@pytest.mark.parametrize("name", [name for name in FILES if name != "zero_lines"])
def test_facts_are_exactly_what_is_declared(name):
    """Nothing absent, nothing extra, nothing null: what rules rely on."""
    facts = facts_of(normalize_order(body_of(name)))
    assert set(paths(facts)) == set(FIELDS)
    assert None not in set(leaves(facts))


def leaves(value):
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves(inner)
    else:
        yield value


def test_the_hash_is_that_of_the_order_not_of_its_spelling():
    """Numbers for texts and a wrapping change the bytes, and not what is judged."""
    plain = body_of("eur_small")
    spelt = body_of("numeric_amounts", id=5100010000011, name="#1001")
    assert input_hash(facts_of(normalize_order(plain))) == input_hash(
        facts_of(normalize_order(spelt))
    )


def test_bounds_and_parameters_are_declared():
    assert set(LIST_BOUNDS) <= set(FIELDS) | {f"params.{name}" for name in PARAMETERS}
    assert all(parameter.description for parameter in PARAMETERS.values())
