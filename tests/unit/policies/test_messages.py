import pytest

from controlplane.policies.grammar import RuleInvalid
from controlplane.policies.messages import check_message, fill_message


def test_values_are_put_in():
    facts = {"basket": {"number": "B1", "total": {"minor": 5}}, "params": {"limit": 3}}
    message = "{basket.number} is {basket.total.minor}, above {params.limit}."
    assert fill_message(message, facts) == "B1 is 5, above 3."


@pytest.mark.parametrize("place", ["basket.nope", "nope", "basket.total", "params.nope.deeper"])
def test_what_is_missing_leaves_a_mark(place):
    assert fill_message(f"x {{{place}}}", {"basket": {"total": {"minor": 1}}}) == "x ?"


def test_long_values_are_cut():
    assert len(fill_message("{a}", {"a": "x" * 9999})) == 400


def test_values_are_not_read_as_places():
    assert fill_message("{a}", {"a": "{b}", "b": "secret"}) == "{b}"


@pytest.mark.parametrize("message", ["{basket.nope}", "{basket.total}", "{basket.items}", "{}"])
def test_a_message_may_name_only_single_values(basket, message):
    with pytest.raises(RuleInvalid) as caught:
        check_message(message, basket)
    assert caught.value.errors[0].field == "message"


def test_parameters_may_be_named(basket):
    check_message("above {params.limit} for {basket.number}", basket)
