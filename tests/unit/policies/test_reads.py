import pytest

from controlplane.policies.engine import Facts, RuleFailed, compiled
from controlplane.policies.reads import ALL, needed, only
from tests.unit.policies.test_rule_cost import WITHIN

MORE = [
    "has(params.limit) && params.limit != null && params.limit.minor > 1",
    "basket.items.exists(i, i.sku == 'A' && basket.tags.exists(t, t == 'new'))",
    "basket.items.filter(i, i.quantity > 0)[0].sku == 'A'",
    "basket.items.map(i, i.sku) == ['A', 'B']",
    "basket.items.exists(basket, basket.sku == 'B')",
    "basket == basket",
    "params.nothing > 1",
    "basket.items[1].quantity == 7",
    "basket.items.all(i, true)",
]


@pytest.mark.parametrize("expression", [*WITHIN, *MORE])
def test_a_rule_comes_out_the_same_on_what_it_reads_alone(basket_of, expression):
    items = [{"sku": "A", "quantity": 1}, {"sku": "B", "quantity": 7}]
    facts = {**basket_of(items=items), "params": {"limit": {"minor": 5}, "countries": ["DE"]}}
    assert outcome(expression, only(facts, needed((expression,)))) == outcome(expression, facts)


def outcome(expression, facts):
    try:
        return Facts(facts).satisfy(compiled(expression))
    except RuleFailed as error:
        return error.detail


def test_of_each_element_only_what_is_read_is_kept(basket_of):
    tree = needed(("basket.items.exists(i, i.quantity > 5)", "basket.total.minor > 1"))
    assert only(basket_of(), tree) == {
        "basket": {"items": [{"quantity": 1}], "total": {"minor": 100}}
    }


def test_what_cannot_be_read_keeps_everything():
    assert needed(("basket.total.minor >",)) is ALL
