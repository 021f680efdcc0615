"""Setting connections up by the API: the schema of each kind, and secrets that only go in."""

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from django.test import Client

from controlplane.catalog.models import Installation
from controlplane.connections.models import Connection
from controlplane.core.models import new_id
from tenants.context import inside
from tenants.models import Tenant

JSON = "application/json"
VALUES = {"url": "https://shop.example", "key_name": "X-Api-Key", "api_key": "key-of-the-shop"}
GIVEN = {"name": "Shop", "kind": "rest_key", "values": VALUES, "allowed_paths": ["/orders"]}


@pytest.fixture
def api(north: Tenant, machine: Callable[..., Client]) -> Client:
    return machine(north, scopes=["connections:read", "connections:manage"])


def test_a_connection_is_set_up_changed_and_removed(api: Client, north: Tenant) -> None:
    made = api.post("/api/v1/connections", GIVEN, JSON)
    assert made.status_code == 201, made.json()
    address = f"/api/v1/connections/{made.json()['id']}"
    change = {**GIVEN, "name": "Shop 2", "values": {"url": VALUES["url"], "key_name": "X-Key"}}
    del change["kind"]
    changed = api.put(address, change, JSON)
    assert changed.json()["name"] == "Shop 2"
    moved = api.put(address, {**change, "values": {"url": "https://evil.example"}}, JSON)
    assert (moved.status_code, moved.json()["code"]) == (422, "connection_secrets_needed")
    assert moved.json()["errors"][0]["field"] == "api_key"
    listed = api.get("/api/v1/connections")
    assert [one["name"] for one in listed.json()["results"]] == ["Shop 2"]
    for answer in (made, changed, listed, api.get(address)):
        assert "key-of-the-shop" not in answer.content.decode()
    with inside(north):
        assert Connection.objects.get().values["api_key"] == "key-of-the-shop"
    assert api.delete(address).status_code == 204
    assert api.get(address).status_code == 404


def test_the_schema_says_what_is_taken(api: Client) -> None:
    kinds = {one["kind"]: one for one in api.get("/api/v1/connections/kinds").json()["kinds"]}
    schema = kinds["rest_key"]["values"]
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(VALUES, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**VALUES, "more": "1"}, schema)
    assert schema["properties"]["api_key"]["writeOnly"] is True


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"kind": "telex"}, "connection_kind_unknown", "kind"),
        ({"values": {}}, "connection_fields_invalid", "url"),
        ({"allowed_paths": ["orders"]}, "connection_limits_invalid", "allowed_paths"),
        ({"name": ""}, "connection_limits_invalid", "name"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    given: dict[str, Any], code: str, field: str, api: Client, north: Tenant
) -> None:
    answer = api.post("/api/v1/connections", {**GIVEN, **given}, JSON)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert field in [error["field"] for error in answer.json()["errors"]]
    with inside(north):
        assert not Connection.objects.exists()


def test_who_may_only_read_changes_nothing(
    north: Tenant, machine: Callable[..., Client], browser: Callable[..., Client]
) -> None:
    reader = machine(north, scopes=["connections:read", "connections:use"])
    assert reader.post("/api/v1/connections", GIVEN, JSON).status_code == 403
    viewer = browser(north, role="viewer")
    assert viewer.get("/api/v1/connections").status_code == 200


def test_what_an_installation_calls_is_not_removed(api: Client, north: Tenant) -> None:
    made = api.post("/api/v1/connections", GIVEN, JSON).json()
    with inside(north):
        found = Installation.objects.create(
            template_slug="review", template_title="Review orders", release_id=new_id(),
            release_version="1.0.0", parameters={"shop": {"connection": made["id"]}},
            installed_by="Ada",
        )  # fmt: skip
    refused = api.delete(f"/api/v1/connections/{made['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "connection_in_use")
    assert "Review orders" in refused.json()["detail"]
    with inside(north):
        found.parameters = {"shops": ["SHOP"]}
        found.save()
    assert api.delete(f"/api/v1/connections/{made['id']}").status_code == 409
    with inside(north):
        Installation.objects.update(status=Installation.Status.REMOVED)
    assert api.delete(f"/api/v1/connections/{made['id']}").status_code == 204
