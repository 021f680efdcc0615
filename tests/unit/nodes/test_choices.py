import pytest
from django.core.exceptions import ImproperlyConfigured

from controlplane.nodes import choices
from controlplane.nodes.choices import Choice, ChoiceList

FRUIT = [Choice("1", "Apple"), Choice("2", "Pear"), Choice("3", "Pineapple")]


@pytest.fixture
def fruit(monkeypatch: pytest.MonkeyPatch) -> ChoiceList:
    monkeypatch.setattr(choices, "_lists", {})
    made = ChoiceList(
        "fruit",
        "a fruit",
        "Name",
        frozenset({"fruit:read"}),
        lambda search: choices.matching(FRUIT, search),
        lambda one: one,
    )
    choices.offer(made)
    return made


def test_a_list_is_offered_once(fruit):
    assert choices.list_named("fruit") is fruit
    with pytest.raises(ImproperlyConfigured, match="twice"):
        choices.offer(fruit)


def test_a_list_that_nobody_offers_is_named_with_those_that_there_are(fruit):
    with pytest.raises(choices.ChoicesUnknown, match="fruit"):
        choices.list_named("vegetables")


def test_it_is_searched_and_turned_over(fruit, monkeypatch):
    monkeypatch.setattr(choices, "PAGE", 1)

    first = choices.page_of(fruit, search=" APPLE ", page=1)
    second = choices.page_of(fruit, search="apple", page=2)

    assert [one.name for one in first.choices] == ["Apple"]
    assert [one.name for one in second.choices] == ["Pineapple"]
    assert (first.next_page, second.next_page) == (2, None)
    assert choices.page_of(fruit, search="", page=9).choices == []
