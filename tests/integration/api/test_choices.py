"""What the node's drop-downs are filled from."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from controlplane.connections.models import Connection
from controlplane.connections.services import create_connection
from controlplane.core.actor import system
from controlplane.nodes import choices
from controlplane.nodes.registry import all_operations
from tenants.context import inside
from tenants.models import Tenant
from tests.conftest import ALL_SCOPES
from tests.factories.events import make_source

Machine = Callable[..., Client]


def connect(tenant: Tenant, name: str) -> Connection:
    with inside(tenant):
        return create_connection(
            name=name, kind="rest", values={"url": "https://shop.example"}, by=system("tests")
        )


def asked(client: Client, name: str, **query: Any) -> Any:
    return client.get(f"/api/v1/choices/{name}", query)


def test_a_list_shows_what_the_field_is_given_and_what_people_read(
    north: Tenant, machine: Machine
) -> None:
    shop = connect(north, "Shop")

    answer = asked(machine(north), "connections").json()

    (line,) = answer["results"]
    assert (line["value"], line["name"]) == (str(shop.pk), "Shop")
    assert "shop.example" not in str(answer)
    assert answer["next_page"] is None


def test_only_lines_that_hold_the_text_are_found(north: Tenant, machine: Machine) -> None:
    for name in ("Shop", "Warehouse", "Workshop"):
        connect(north, name)

    found = asked(machine(north), "connections", search="SHOP").json()["results"]

    assert [line["name"] for line in found] == ["Shop", "Workshop"]


def test_a_long_list_comes_page_by_page(
    north: Tenant, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choices, "PAGE", 2)
    for name in ("A", "B", "C"):
        connect(north, name)
    client = machine(north)

    first = asked(client, "connections").json()
    second = asked(client, "connections", page=first["next_page"]).json()

    assert [line["name"] for line in first["results"]] == ["A", "B"]
    assert [line["name"] for line in second["results"]] == ["C"]
    assert (first["next_page"], second["next_page"]) == (2, None)


def test_a_key_sees_only_its_own_workspace(north: Tenant, south: Tenant, machine: Machine) -> None:
    connect(north, "Shop of North")

    assert asked(machine(south), "connections").json()["results"] == []


@pytest.mark.parametrize("name", sorted(choices.offered()))
def test_a_key_needs_a_scope_of_the_list(name: str, north: Tenant, machine: Machine) -> None:
    offered = choices.list_named(name)
    others = [scope for scope in ALL_SCOPES if scope not in offered.scopes]

    refused = asked(machine(north, scopes=others), name)

    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    for scope in offered.scopes:
        assert scope in ALL_SCOPES
        assert asked(machine(north, scopes=[scope]), name).status_code == 200


def test_a_key_for_some_operations_chooses_only_for_these(north: Tenant, machine: Machine) -> None:
    client = machine(north, operations=["event.list"])

    assert asked(client, "sources").status_code == 200
    refused = asked(client, "connections")
    assert (refused.status_code, refused.json()["code"]) == (403, "operation_not_permitted")


@pytest.mark.parametrize(
    ("name", "query", "status", "code"),
    [
        ("nothing", {}, 404, "choices_unknown"),
        ("sources", {"page": "0"}, 422, "input_invalid"),
        ("sources", {"page": "two"}, 422, "input_invalid"),
        ("sources", {"page": "9" * 30}, 422, "input_invalid"),
        ("sources", {"search": "x" * 201}, 422, "input_invalid"),
        ("sources", {"search": "\0"}, 422, "input_invalid"),
    ],
)
def test_what_cannot_be_answered_says_why(
    name: str, query: dict[str, str], status: int, code: str, north: Tenant, machine: Machine
) -> None:
    answer = asked(machine(north), name, **query)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_people_are_named_by_the_address_that_a_workflow_keeps(
    north: Tenant, machine: Machine, make_member: Callable[..., Any]
) -> None:
    make_member(north, name="grace")

    found = asked(machine(north), "members", search="grace").json()["results"]

    assert [line["value"] for line in found] == ["grace@north.example"]


def test_a_source_is_named_by_its_short_name(north: Tenant, machine: Machine) -> None:
    with inside(north):
        make_source("wholesale")

    found = asked(machine(north), "sources", search="wholesale").json()["results"]

    assert [line["value"] for line in found] == ["wholesale"]


def test_every_field_that_chooses_names_a_list_that_its_key_may_read() -> None:
    """Else the drop-down of a key that may do the operation would stay empty."""
    fields = [
        (operation, name) for operation in all_operations() for name in choices.lists_of(operation)
    ]

    assert len(fields) > 8
    for operation, name in fields:
        assert operation.scope in choices.list_named(name).scopes, (operation.key, name)
