import time

import pytest

from controlplane.policies.cost import HIGHEST_COST, RuleTooCostly, bound_of
from controlplane.policies.engine import Facts, check, compiled
from controlplane.policies.grammar import RuleInvalid

WITHIN = [
    "basket.items.exists(i, i.quantity > 5)",
    "basket.items.all(i, i.sku != '' && i.quantity > 0)",
    "basket.items.map(i, i.quantity > 1, i.quantity).size() > 3",
    "basket.tags.filter(t, t != 'new').size() > 3",
    "basket.items.map(i, i.quantity).exists(q, q > 9)",
    "basket.items.exists_one(i, i.sku == 'A')",
    "'vip' in basket.tags",
    "basket.tags.exists(t, t in ['a', 'b'])",
    "size(basket.items) > 10 || size(basket.tags) == 0",
    "basket.number.matches('^B[0-9]+$')",
    "basket.number.startsWith('B') && basket.number.contains('1')",
    "size(params.countries) > 0 && 'DE' in params.countries",
    "[basket.items, basket.items].all(two, two.all(i, i.quantity > 0))",
    "(basket.items + basket.items).all(i, i.quantity > 0)",
    "basket.items[0].quantity > 1",
    "true ? basket.total.minor > 1 : basket.total.minor > 2",
]
BEYOND = [
    "basket.items.all(a, basket.items.all(b, basket.items.all(c, a.sku != c.sku)))",
    "basket.items.all(a, basket.items.all(b, a.sku != b.sku))",
    "basket.items.map(a, basket.items.map(b, b.sku)).size() > 0",
    "basket.items.filter(i, i.quantity > 1).size() > 3",
    "basket.items.all(a, basket.items.filter(b, b.sku == a.sku).size() == 1)",
    "basket.items.exists(i, i.sku.matches('^[A-Z]{3}$'))",
    "basket.items.map(i, basket.items).all(l, l.all(i, i.quantity > 0))",
]


DOUBLED = [
    "['aaaa']" + ".map(x, x + x)" * 30 + " == ['']",
    "['aaaa']" + ".map(x, string(x + x))" * 30 + " == ['']",
    "[basket.number]" + ".map(x, true ? x + x : x)" * 30 + " == ['']",
    "[params.countries]" + ".map(x, x + x)" * 30 + " == ['']",
    "[params.anything]" + ".map(x, x + x)" * 30 + " == ['']",
    "['aaaa']" + ".map(x, [x].map(y, y + y)[0])" * 30 + " == ['']",
]


@pytest.mark.parametrize("expression", DOUBLED)
def test_a_text_that_doubles_itself_is_refused(basket, expression):
    """Thirty times over, four letters are four gigabytes, and the process ends."""
    with pytest.raises(RuleInvalid):
        bound_of(expression, basket.shape)


def test_a_few_parts_may_be_put_together(basket):
    rule = "basket.number + ' ' + basket.total.currency == 'B1 EUR' || 1 + 2 + 3 == 6"
    assert check(rule, basket) <= HIGHEST_COST


@pytest.mark.parametrize("expression", WITHIN)
def test_rules_of_one_pass_may_be_published(basket, expression):
    assert check(expression, basket) <= HIGHEST_COST


@pytest.mark.parametrize("expression", BEYOND)
def test_rules_that_multiply_lists_may_not(basket, expression):
    with pytest.raises(RuleTooCostly, match="list inside another list"):
        check(expression, basket)


def test_a_longer_list_costs_more(basket):
    from dataclasses import replace

    longer = replace(basket, list_bounds={**basket.list_bounds, "basket.items": 5000})
    rule = "basket.items.exists(i, i.quantity > 5)"
    assert bound_of(rule, longer.shape) > 5 * bound_of(rule, basket.shape)


def test_a_name_inside_a_list_costs_its_whole_value(basket):
    """The engine copies `basket` each time, with all its items."""
    outside = bound_of("basket.number != '' && basket.tags.all(t, t != '')", basket.shape)
    inside = bound_of("basket.tags.all(t, basket.number != '')", basket.shape)
    assert inside > 10 * outside


def test_names_of_elements_end_with_their_list(basket):
    with pytest.raises(RuleInvalid, match="“i” is not known"):
        bound_of("basket.items.all(i, i.quantity > 0) && i.quantity > 1", basket.shape)


@pytest.mark.parametrize("expression", [rule for rule in WITHIN if "items" in rule])
def test_the_bound_holds_on_the_largest_input(basket, basket_of, expression):
    """Generous by far, as a unit is a microsecond here: the bound must not be an underestimate."""
    items = [{"sku": f"SKU-{n}", "quantity": n % 9 + 1} for n in range(500)]
    facts = Facts({**basket_of(items=items, tags=["x"] * 100), "params": {"countries": []}})
    program, bound = compiled(expression), bound_of(expression, basket.shape)
    best = min(_seconds(facts, program) for _try in range(3))
    assert best * 1e6 < 5 * bound + 20_000


def _seconds(facts, program):
    started = time.perf_counter()
    facts.satisfy(program)
    return time.perf_counter() - started
