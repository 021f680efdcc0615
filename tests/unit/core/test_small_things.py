"""Amounts, problem bodies, waits, texts and names of runs."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from controlplane.core import http, problems
from controlplane.core.actor import ActorKind, Execution, system
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.models import new_id
from controlplane.core.money import Money, is_currency, parse_amount
from controlplane.core.text import is_storable, made_storable


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("500.00", "EUR", 50000), ("12.345", "EUR", 1235), ("12.344", "EUR", 1234),
        ("-12.345", "EUR", -1235), ("500", "JPY", 500), ("1.2345", "KWD", 1235), ("0", "USD", 0),
    ],
)  # fmt: skip
def test_minor_units_follow_the_currency(amount: str, currency: str, minor: int) -> None:
    assert Money(Decimal(amount), currency).minor == minor


def test_people_read_amounts_in_their_language() -> None:
    money = Money(Decimal("1234.5"), "EUR")

    assert money.localized("de").replace("\xa0", " ") == "1.234,50 €"
    assert money.localized("en") == "€1,234.50"
    assert str(money) == "1234.5 EUR"


@pytest.mark.parametrize(
    ("given", "amount"),
    [("12.10", "12.10"), (" 5 ", "5"), (12.1, "12.1"), (0.1, "0.1"), (7, "7"), ("1e3", "1E+3")],
)
def test_amounts_are_read_exactly(given: Any, amount: str) -> None:
    assert str(parse_amount(given)) == amount


@pytest.mark.parametrize("given", ["", "twelve", "12,10", "NaN", "Infinity", float("nan"), None])
def test_what_is_no_amount_is_refused(given: Any) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        parse_amount(given)


def test_currencies_are_iso_4217() -> None:
    assert is_currency("EUR")
    assert not is_currency("eur")
    assert not is_currency("ABC")


def test_a_problem_names_its_fields_only_where_there_are_some() -> None:
    plain = problems.from_error(DomainError("It did not work."))
    named = problems.from_error(DomainError("x", errors=(FieldError("a.0.b", "is wrong"),)))

    assert plain == {
        "type": "urn:pergola:problem:not_possible", "title": "This cannot be done", "status": 400,
        "detail": "It did not work.", "code": "not_possible",
    }  # fmt: skip
    assert named["errors"] == [{"field": "a.0.b", "message": "is wrong"}]


def test_waits_grow_stay_bounded_and_never_vanish() -> None:
    for attempt in range(40):
        step = min(10.0, 0.5 * 2**attempt)
        waits = [http.backoff(attempt, base=0.5, cap=10) for _try in range(20)]
        assert all(step / 2 <= wait <= step for wait in waits)
    assert http.backoff(10**6) <= 60


def test_outgoing_calls_follow_nobody_and_wait_for_nobody_long() -> None:
    with http.client() as client:
        assert not client.follow_redirects
        assert not client.trust_env
        assert client.timeout.read <= 10
        assert client.timeout.connect <= 3


def test_a_run_has_one_key_for_each_node_and_item() -> None:
    keys = {
        Execution("w", "1", "A").idempotency_key,
        Execution("w", "1", "A", "0:1").idempotency_key,
        Execution("w", "1", "B").idempotency_key,
        Execution("w", "2", "A").idempotency_key,
        Execution("v", "1", "A").idempotency_key,
    }

    assert len(keys) == 5


def test_pergola_itself_is_an_actor() -> None:
    assert (system("relay").kind, system("relay").label) == (ActorKind.SYSTEM, "Pergola (relay)")
    assert system("relay").scopes == frozenset()


def test_ids_are_in_the_order_of_their_making() -> None:
    ids = [new_id() for _n in range(100)]

    assert ids == sorted(ids)
    assert all(isinstance(one, uuid.UUID) and one.version == 7 for one in ids)


def test_texts_that_cannot_be_stored() -> None:
    assert is_storable("Łódź 🙂 \n\t")
    assert not is_storable("a\0b")
    assert not is_storable("\ud800")
    assert made_storable("a\0b\udfff") == "a\ufffdb\ufffd"
