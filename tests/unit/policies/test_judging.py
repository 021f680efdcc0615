import pytest

from controlplane.policies.engine import FactsUnusable
from controlplane.policies.services import input_hash, judge
from controlplane.policies.verdicts import Verdict

BIG = ("big", "hold", "basket.total.minor > 50")
TEST = ("test", "reject", "basket.number == 'B1'")
QUIET = ("quiet", "reject", "basket.number == 'never'")


def codes(judgement):
    return [reason["code"] for reason in judgement.reasons]


def test_no_matching_rule_accepts(basket, basket_of, version):
    judged = judge(basket, [version(QUIET)], basket_of(), {})
    assert judged.verdict is Verdict.ACCEPT
    assert judged.reasons == []


def test_the_strictest_wins_and_every_reason_is_listed(basket, basket_of, version):
    versions = [version(BIG, QUIET), version(TEST, slug="partner")]
    judged = judge(basket, versions, basket_of(), {})
    assert judged.verdict is Verdict.REJECT
    assert judged.reasons == [
        {"code": "big", "message": "big", "verdict": "hold", "policy": "checks"},
        {"code": "test", "message": "test", "verdict": "reject", "policy": "partner"},
    ]


def test_a_rule_that_fails_holds_and_says_which(basket, basket_of, version):
    judged = judge(
        basket, [version(("limit", "reject", "params.limit.minor > 1"))], basket_of(), {}
    )
    assert judged.verdict is Verdict.HOLD
    assert judged.reasons[0]["code"] == "rule_failed"
    assert "“limit” could not be checked" in judged.reasons[0]["message"]
    assert judged.reasons[0]["policy"] == "checks"


def test_a_rule_that_fails_does_not_hide_a_stricter_one(basket, basket_of, version):
    broken = ("broken", "hold", "params.limit > 1")
    judged = judge(basket, [version(broken, TEST)], basket_of(), {"limit": "much"})
    assert judged.verdict is Verdict.REJECT
    assert codes(judged) == ["rule_failed", "test"]


def test_without_a_policy_everything_is_held(basket, basket_of):
    judged = judge(basket, [], basket_of(), {})
    assert judged.verdict is Verdict.HOLD
    assert codes(judged) == ["no_policy"]


def test_a_list_beyond_its_bound_is_cut_and_held(basket, basket_of, version):
    items = [{"sku": "A", "quantity": 1}] * 501
    judged = judge(
        basket,
        [version(("many", "reject", "size(basket.items) > 500"))],
        basket_of(items=items),
        {},
    )
    assert codes(judged) == ["list_too_long"]
    assert "basket.items has 501 entries; rules look at the first 500" in str(judged.reasons)


def test_a_parameter_with_a_fraction_holds(basket, basket_of, version):
    judged = judge(basket, [version(QUIET)], basket_of(), {"limit": 12.5})
    assert codes(judged) == ["facts_unusable"]
    assert "params.limit is a number with a fraction" in judged.reasons[0]["message"]


def test_the_hash_does_not_depend_on_the_order_of_keys():
    assert input_hash({"a": 1, "b": {"c": "ü", "d": []}}) == input_hash(
        {"b": {"d": [], "c": "ü"}, "a": 1}
    )
    assert input_hash({"a": 1}) != input_hash({"a": 2})


def test_the_hash_is_rfc_8785():
    import hashlib

    assert input_hash({"b": 1, "a": "€"}) == hashlib.sha256('{"a":"€","b":1}'.encode()).hexdigest()


def test_what_cannot_be_hashed_exactly_is_refused():
    with pytest.raises(FactsUnusable):
        input_hash({"a": 0.1})
