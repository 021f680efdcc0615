"""Connections as workflows see them: the operations, from the key to the ledger."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from controlplane.connections.models import Connection
from controlplane.connections.services import create_connection
from controlplane.events.models import LedgerEntry
from tenants.context import inside
from tenants.models import Tenant
from tests.fakes.outside import FakeOutside
from tests.fakes.sftp import running_sftp
from tests.fakes.smtp import running_smtp
from tests.integration.connections.conftest import BY

Call = Callable[..., Any]


@pytest.fixture
def call(north: Tenant, machine: Callable[..., Client]) -> Call:
    client = machine(north)

    def call(operation: str, *, key: str = "", **data: Any) -> Any:
        headers = {"idempotency-key": key} if key else {}
        path = f"/api/v1/operations/connection/{operation}"
        return client.post(path, data, "application/json", headers=headers)

    return call


@pytest.fixture
def shop(north: Tenant, outside_system: FakeOutside) -> Connection:
    values = {"url": outside_system.url, "key_name": "X-Api-Key", "api_key": "key-of-the-shop"}
    with inside(north):
        return create_connection(name="Shop", kind="rest_key", values=values, by=BY)


def test_a_request_by_name(call: Call, shop: Connection, outside_system: FakeOutside) -> None:
    given = {"connection": "shop", "method": "POST", "path": "/orders", "body": {"a": 1}}
    first, again = call("request", key="one", **given), call("request", key="one", **given)
    assert first.status_code == 200, first.json()
    assert first.json()["body"] == {"ok": True, "path": "/orders"}
    assert again.json() == first.json()
    assert [one.body for one in outside_system.calls] == [b'{"a": 1}']


def test_an_answer_that_may_be_asked_for_again_is_not_kept(
    call: Call, shop: Connection, north: Tenant, outside_system: FakeOutside
) -> None:
    for _turn in range(2):
        call("request", key="one", connection="Shop", path="/orders")
    assert len(outside_system.calls) == 2
    with inside(north):
        assert not LedgerEntry.objects.exists()


def test_a_text_is_sent_as_it_is(call: Call, shop: Connection, outside_system: FakeOutside) -> None:
    text = " <order/>\n"
    call("request", connection=str(shop.pk), method="POST", path="/", text=text,
         content_type="application/xml")  # fmt: skip
    assert outside_system.calls[0].body == text.encode()
    assert outside_system.calls[0].headers["content-type"] == "application/xml"


@pytest.mark.parametrize(
    ("given", "code", "status"),
    [
        ({"connection": "nothing"}, "connection_unknown", 404),
        ({"path": "/../a"}, "connection_call_invalid", 422),
        ({"method": "DELETE"}, "connection_call_not_allowed", 403),
        ({"headers": {"Host": "a"}}, "connection_call_invalid", 422),
        ({"timeout_seconds": 600}, "input_invalid", 422),
    ],
)
def test_what_is_wrong_is_a_problem(
    given: dict[str, Any], code: str, status: int, call: Call, shop: Connection
) -> None:
    answer = call("request", **{"connection": "Shop", "path": "/a", **given})
    assert answer.status_code == status
    assert answer.json()["errors"]
    assert code in (answer.json()["code"], "input_invalid")


def test_the_list_tells_health_and_no_secret(call: Call, shop: Connection) -> None:
    assert call("check", connection="Shop").json()["status"] == "ok"
    answer = call("list")
    (found,) = answer.json()["connections"]
    assert (found["name"], found["kind"], found["status"]) == ("Shop", "rest_key", "ok")
    assert "key-of-the-shop" not in answer.content.decode()
    assert call("list", kind="odoo").json()["connections"] == []


def test_files_and_mail(call: Call, north: Tenant, settings: Any, tmp_path: Path) -> None:
    settings.CONNECTION_PRIVATE_HOSTS = ["127.0.0.1"]
    with running_sftp(tmp_path) as server, running_smtp() as post:
        common = {"host": "127.0.0.1", "username": "ada", "password": "word-of-ada"}
        with inside(north):
            create_connection(name="Drop", kind="sftp", by=BY, values={
                **common, "port": str(server.port), "host_key": server.fingerprint,
            })  # fmt: skip
            create_connection(name="Mail", kind="smtp", by=BY, values={
                **common, "port": str(post.port), "security": "none", "sender": "a@north.example",
            })  # fmt: skip
        put = call("put_file", connection="Drop", name="a.csv", content=" a;b \n")
        coded = call("put_file", connection="Drop", name="b.bin", content="/w==", encoding="base64")
        listed = call("list_files", connection="Drop").json()["files"]
        sent = call("send_mail", connection="Mail", to="a@b.example, c@d.example", subject="Hello",
                    text="You")  # fmt: skip
        wrong = call("put_file", connection="Drop", name="a", content="§", encoding="base64")
    assert put.json() == {"path": "a.csv", "size": 6}
    assert (tmp_path / "a.csv").read_text() == " a;b \n"
    assert coded.json()["size"] == 1
    assert [one["name"] for one in listed] == ["a.csv", "b.bin"]
    assert sent.json()["message_id"].endswith("@north.example>")
    assert wrong.status_code == 422


def test_another_tenants_connection_is_none(
    call: Call, shop: Connection, south: Tenant, machine: Callable[..., Client]
) -> None:
    stranger = machine(south)
    path = "/api/v1/operations/connection/request"
    for name in ("Shop", str(shop.pk)):
        answer = stranger.post(path, {"connection": name, "path": "/"}, "application/json")
        assert answer.status_code == 404
    listed = stranger.post("/api/v1/operations/connection/list", {}, "application/json")
    assert listed.json()["connections"] == []
