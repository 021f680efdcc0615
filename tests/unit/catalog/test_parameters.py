"""A template's manifest, and the values that a tenant gives."""

from typing import Any

import pydantic
import pytest

from controlplane.catalog.manifest import Manifest, ParameterSpec
from controlplane.catalog.parameters import ParametersInvalid, filled, for_rules, unfit_default
from tests.factories.installations import MANIFEST


def manifest(*parameters: dict[str, Any]) -> Manifest:
    return Manifest.model_validate(MANIFEST | {"parameters": list(parameters)})


def spec(type: str, **fields: Any) -> dict[str, Any]:
    return {"name": "value", "type": type, "label": "Value"} | fields


def fill(parameter: dict[str, Any], value: Any) -> Any:
    return filled(manifest(parameter), {"value": value}).get("value")


@pytest.mark.parametrize(
    ("parameter", "given", "kept"),
    [
        (spec("text"), "Łódź", "Łódź"),
        (spec("integer", minimum=1, maximum=5), 1, 1),
        (spec("integer", minimum=1, maximum=5), 5, 5),
        (spec("integer"), 0, 0),
        (spec("percent"), "2.50", "2.5"),
        (spec("percent"), 0, "0"),
        (spec("percent", maximum=200), "150", "150"),
        (spec("boolean"), False, False),
        (spec("choice", choices={"a": "First", "b": "Second"}), "b", "b"),
        (spec("countries"), ["de", " AT ", "DE"], ["AT", "DE"]),
        (spec("countries", required=False), [], []),
        (
            spec("money"),
            {"amount": "500.00", "currency": "eur"},
            {"amount": "500.00", "currency": "EUR"},
        ),
        (
            spec("money"),
            {"amount": 0.1, "currency": "KWD"},
            {"amount": "0.1", "currency": "KWD"},
        ),
    ],
)
def test_good_values_are_kept(parameter: dict[str, Any], given: Any, kept: Any) -> None:
    assert fill(parameter, given) == kept


@pytest.mark.parametrize(
    ("parameter", "given", "kept"),
    [
        (spec("number"), 2.50, "2.5"),
        (spec("number"), "1000", "1000"),
        (spec("list"), ["a", " a ", "b"], ["a", "b"]),
        (spec("list", choices={"a": "First"}), ["a"], ["a"]),
        (spec("schedule"), " 0  8 * * 1-5 ", "0 8 * * 1-5"),
        (spec("schedule"), "*/15 8-18 1,15 * *", "*/15 8-18 1,15 * *"),
        (spec("approver_group"), "finance", "finance"),
    ],
)
def test_the_newer_kinds_are_kept(parameter: dict[str, Any], given: Any, kept: Any) -> None:
    assert fill(parameter, given) == kept


@pytest.mark.parametrize(
    ("parameter", "given", "told"),
    [
        (spec("number"), "much", "such as 2.5"),
        (spec("number"), True, "such as 2.5"),
        (spec("number"), "NaN", "such as 2.5"),
        (spec("number"), "0.0000001", "six decimals"),
        (spec("number", maximum=3), "3.1", "at most 3"),
        (spec("list"), "a", "must be a list"),
        (spec("list", choices={"a": "First"}), ["b"], "not among a"),
        (spec("schedule"), "0 8 * *", "five parts"),
        (spec("schedule"), "0 25 * * *", "within 0 to 23"),
        (spec("schedule"), "0 8 * * mon", "no part of a cron"),
        (spec("schedule"), "*/0 * * * *", "step is zero"),
        (spec("policy"), "no such; name", "must name one"),
        (spec("text"), 5, "must be text"),
        (spec("text"), "a\0b", "must be text"),
        (spec("text"), "x" * 501, "must be text"),
        (spec("text"), "", "is required"),
        (spec("text"), None, "is required"),
        (spec("integer"), "5", "whole number"),
        (spec("integer"), 5.0, "whole number"),
        (spec("integer"), True, "whole number"),
        (spec("integer", minimum=1), 0, "at least 1"),
        (spec("integer", maximum=5), 6, "at most 5"),
        (spec("percent"), "much", "such as 2.5"),
        (spec("percent"), "100.01", "from 0 to 100"),
        (spec("percent"), "-1", "from 0 to 100"),
        (spec("percent"), "NaN", "such as 2.5"),
        (spec("percent"), "0.001", "two decimals"),
        (spec("boolean"), "true", "true or false"),
        (spec("boolean"), 1, "true or false"),
        (spec("choice", choices={"a": "First"}), "b", "one of a"),
        (spec("choice", choices={"a": "First"}), ["a"], "one of a"),
        (spec("countries"), "DE", "list of countries"),
        (spec("countries"), ["DEU"], "two letters"),
        (spec("countries"), ["D1"], "two letters"),
        (spec("countries"), ["ÄÖ"], "two letters"),
        (spec("countries"), [None], "two letters"),
        (spec("money"), "500 EUR", "amount and a currency"),
        (spec("money"), {"amount": "5"}, "amount and a currency"),
        (spec("money"), {"amount": "5", "currency": "EUR", "x": 1}, "amount and a currency"),
        (spec("money"), {"amount": "5", "currency": "EURO"}, "no ISO 4217 code"),
        (spec("money"), {"amount": "-1", "currency": "EUR"}, "from 0"),
        (spec("money"), {"amount": "1e15", "currency": "EUR"}, "below 10^15"),
        (spec("money"), {"amount": "NaN", "currency": "EUR"}, "such as 500.00"),
        (spec("money"), {"amount": "5,00", "currency": "EUR"}, "such as 500.00"),
        (spec("money"), {"amount": None, "currency": "EUR"}, "such as 500.00"),
        (spec("money"), {"amount": True, "currency": "EUR"}, "such as 500.00"),
    ],
)
def test_bad_values_are_explained(parameter: dict[str, Any], given: Any, told: str) -> None:
    with pytest.raises(ParametersInvalid) as caught:
        fill(parameter, given)

    (fault,) = caught.value.errors
    assert fault.field == "value"
    assert told in fault.message


def test_every_fault_is_told_at_once() -> None:
    given = {"value": "x", "surprise": 1}

    with pytest.raises(ParametersInvalid) as caught:
        filled(manifest(spec("integer"), spec("text") | {"name": "other"}), given)

    assert {fault.field for fault in caught.value.errors} == {"value", "other", "surprise"}


def test_what_is_not_given_is_the_default_or_left_out() -> None:
    terms = manifest(spec("integer", default=7), spec("text", required=False) | {"name": "other"})

    assert filled(terms, {}) == {"value": 7}


def test_rules_read_money_in_minor_units() -> None:
    values = {"limit": {"amount": "500.00", "currency": "EUR"}, "n": 3, "in": ["DE"]}

    assert for_rules(values) == {
        "limit": {"minor": 50000, "currency": "EUR"}, "n": 3, "in": ["DE"],
    }  # fmt: skip
    assert for_rules({"a": {"amount": "5", "currency": "JPY"}})["a"]["minor"] == 5
    assert for_rules({"a": {"amount": "5", "currency": "KWD"}})["a"]["minor"] == 5000


@pytest.mark.parametrize(
    "change",
    [
        {"version": "1.0"}, {"version": "v1.0.0"}, {"n8n_minimum": "two"},
        {"surprise": 1}, {"title": None},
        {"parameters": [spec("decimal")]},
        {"parameters": [spec("text") | {"name": "Has Space"}]},
        {"parameters": [spec("text", secret=True)]},
    ],
)  # fmt: skip
def test_manifests_that_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        Manifest.model_validate(MANIFEST | change)


@pytest.mark.parametrize(
    "parameters",
    [
        [spec("text"), spec("integer")],
        [spec("choice")],
        [spec("text", choices={"a": "First"})],
        [spec("integer", minimum=5, maximum=1)],
    ],
    ids=["one name twice", "no choices", "choices of a text", "no range"],
)
def test_parameters_that_could_never_be_filled_are_refused(
    parameters: list[dict[str, Any]],
) -> None:
    with pytest.raises(pydantic.ValidationError):
        manifest(*parameters)


@pytest.mark.parametrize(
    ("parameter", "told"),
    [
        (
            spec("choice", choices={"a": "First"}, default="b"),
            "the default of value must be one of a",
        ),
        (spec("integer", minimum=5, default=1), "the default of value must be at least 5"),
        (spec("money", default={"amount": "1", "currency": "XX"}), "no ISO 4217 code"),
    ],
)
def test_defaults_that_do_not_fit_are_faults(parameter: dict[str, Any], told: str) -> None:
    assert told in unfit_default(ParameterSpec.model_validate(parameter))
    for fit in (spec("integer", default=3), spec("text")):
        assert unfit_default(ParameterSpec.model_validate(fit)) == ""


def test_every_kind_has_its_json_schema() -> None:
    from typing import get_args

    from jsonschema import Draft202012Validator

    from controlplane.catalog.manifest import Kind
    from controlplane.catalog.schema import parameters_schema

    for kind in get_args(Kind):
        more = {"choices": {"a": "First"}} if kind == "choice" else {}
        schema = parameters_schema(manifest(spec(kind, **more)))
        Draft202012Validator.check_schema(schema)
        (found,) = schema["properties"].values()
        assert found["x-type"] == kind
    money = parameters_schema(manifest(spec("money")))
    (name,) = money["properties"]
    validator = Draft202012Validator(money)
    assert validator.is_valid({name: {"amount": "5.00", "currency": "EUR"}})
    assert not validator.is_valid({name: {"amount": 5}})
    assert not validator.is_valid({})
