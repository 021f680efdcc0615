"""What of production's parameters a sandbox gets."""

from typing import Any

import pytest

from controlplane.catalog import redacted
from controlplane.catalog.manifest import Manifest
from controlplane.catalog.parameters import ParametersInvalid
from tests.factories.installations import MANIFEST

HERE = {
    "connection": [("c-own", "Shop"), ("c-other", "Till")],
    "approver_group": [("finance", "Finance")],
    "policy": [],
}


@pytest.fixture(autouse=True)
def rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redacted, "choices_of", HERE.__getitem__)
    monkeypatch.setattr(redacted, "choices_for", lambda spec: HERE[spec.type])


def given(type: str, value: Any, *, own: Any = None, named: str = "", **fields: Any) -> Any:
    spec = {"name": "value", "type": type, "label": "Value", **fields}
    return redacted.for_sandbox(
        Manifest.model_validate(MANIFEST | {"parameters": [spec]}),
        {"value": value},
        named={"value": named} if named else {},
        own={} if own is None else {"value": own},
    ).get("value")


@pytest.mark.parametrize(
    ("type", "value", "fields"),
    [
        ("money", {"amount": "500.00", "currency": "EUR"}, {}),
        ("integer", 7, {}),
        ("percent", "2.5", {}),
        ("countries", ["AT", "DE"], {}),
        ("choice", "sea", {"choices": {"sea": "By sea"}}),
        ("list", ["sea"], {"choices": {"sea": "By sea"}}),
        ("text", "/credit", {"default": "/credit"}),
    ],
)
def test_what_nobody_typed_goes_as_it_is(type: str, value: Any, fields: dict[str, Any]) -> None:
    assert given(type, value, **fields) == value


def test_a_text_is_the_sandboxs_own_else_the_templates_else_made_up() -> None:
    theirs = "Maria Petersen, Hafenstraße 7"
    assert given("text", theirs, own="Somebody", default="Nobody") == "Somebody"
    assert given("text", theirs, default="Nobody") == "Nobody"
    made_up = given("text", theirs)
    assert made_up
    assert not {"Maria", "Petersen,", "Hafenstraße", "7"} & set(made_up.split())


@pytest.mark.parametrize("typed", ["0301234567", "4711", "ACME-4711", "VIP-Mueller"])
def test_a_number_or_a_code_that_somebody_typed_is_made_up_too(typed: str) -> None:
    made_up = given("text", typed)
    assert made_up
    assert typed not in made_up


def test_nobody_of_productions_is_written_to_from_a_sandbox() -> None:
    assert given("text", "maria@north.example").endswith("@customer.example")
    assert all("north" not in one for one in given("list", ["a@north.example", "North Ltd."]))


def test_a_connection_is_the_one_of_the_same_name_else_its_own() -> None:
    assert given("connection", "c-production", named="shop", own="c-other") == "c-own"
    assert given("connection", "c-production", named="Bank", own="c-other") == "c-other"
    assert given("approver_group", "finance", named="Finance") == "finance"


def test_where_the_sandbox_has_none_it_is_told_or_left_out() -> None:
    with pytest.raises(ParametersInvalid, match="“Bank”, which the sandbox lacks") as told:
        given("connection", "c-production", named="Bank", own="c-gone")
    assert [error.field for error in told.value.errors] == ["value"]
    assert given("policy", "terms", required=False) is None
