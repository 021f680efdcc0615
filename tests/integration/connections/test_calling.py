"""A workflow's call: what is sent, what comes back, what is tried again and what is told."""

import json
from typing import Any

import pytest

from controlplane.audit.models import Entry
from controlplane.connections import services
from controlplane.connections.allowed import CallInvalid, CallNotAllowed
from controlplane.connections.errors import (
    AnswerUnusable,
    CallRejected,
    ConnectionUnreachable,
    RedirectRefused,
    TimeIsUp,
)
from controlplane.connections.kinds.suites import CallMalformed
from controlplane.connections.models import Connection
from tests.fakes.outside import FakeOutside, bomb, told
from tests.integration.connections.conftest import BY, Make

KEY = {"key_name": "X-Api-Key", "api_key": "key-of-the-shop"}


def call(connection: Connection, path: str = "/echo", method: str = "GET", **given: Any) -> Any:
    return services.call(connection=connection, method=method, path=path, by=BY, **given)


def test_a_call_is_signed_and_answered(make: Make, outside_system: FakeOutside) -> None:
    shop = make("rest_key", values=KEY)
    found = call(
        shop, "/orders?page=2", "POST", query={"q": "a&b"}, content=b"{}", content_type="text/x"
    )
    sent = outside_system.calls[0]
    assert found.body == {"ok": True, "path": "/orders"}
    assert (sent.method, sent.path, sent.query) == (
        "POST",
        "/orders",
        [("page", "2"), ("q", "a&b")],
    )
    assert sent.headers["x-api-key"] == "key-of-the-shop"
    assert sent.headers["content-type"] == "text/x"


def test_a_key_may_stand_in_the_query_and_cannot_be_replaced(
    make: Make, outside_system: FakeOutside
) -> None:
    shop = make("rest_key", values={"place": "query", "key_name": "k", "api_key": "key-of-shop"})
    call(shop, query={"k": "mine"})
    assert outside_system.calls[0].query == [("k", "key-of-shop")]


@pytest.mark.parametrize(
    ("kind", "values", "header", "value"),
    [
        ("rest_basic", {"username": "ada", "password": "pass-word-1"}, "authorization",
         "Basic YWRhOnBhc3Mtd29yZC0x"),
        ("erpnext", {"api_key": "the-key-1", "api_secret": "the-secret-1"}, "authorization",
         "token the-key-1:the-secret-1"),
        ("rest_key", {"key_name": "Authorization", "prefix": "Bearer", "api_key": "a-bearer-key"},
         "authorization", "Bearer a-bearer-key"),
    ],
)  # fmt: skip
def test_each_kind_signs_in_its_way_and_nothing_of_it_comes_back(
    kind: str, values: dict[str, str], header: str, value: str, make: Make,
    outside_system: FakeOutside,
) -> None:  # fmt: skip
    found = call(make(kind, values=values), "/echo")
    assert outside_system.calls[0].headers[header] == value
    assert "[secret]" in found.body["headers"][header]
    assert not any(secret in json.dumps(found.body) for secret in (*values.values(), value)
                   if secret not in {"ada", "Authorization", "Bearer"})  # fmt: skip


def test_shopify_and_woocommerce_are_called_below_their_api(make: Make) -> None:
    values = {"shop": "North.myshopify.com", "access_token": "shpat_0123456789abcdef"}
    shop = make("shopify", values=values)
    assert shop.base_url == "https://north.myshopify.com/admin/api/2026-10"
    woo = make("woocommerce", name="Woo", values={
        "store_url": "https://shop.example.com", "consumer_key": "ck_1", "consumer_secret": "cs_1",
    })  # fmt: skip
    assert woo.base_url == "https://shop.example.com/wp-json/wc/v3"


def test_odoo_is_called_by_model_and_method(make: Make, outside_system: FakeOutside) -> None:
    odoo = make("odoo", values={
        "database": "north", "login": "ada", "api_key": "odoo-key-of-ada",
    }, allowed_paths=["/res.partner"])  # fmt: skip
    body = json.dumps({"args": [[]], "kwargs": {"limit": 1}}).encode()
    for _turn in range(2):
        found = call(odoo, "/res.partner/search_read", "POST", content=body)
    assert found.body[0] == {
        "model": "res.partner", "method": "search_read", "args": [[]], "kwargs": {"limit": 1},
    }  # fmt: skip
    assert len(outside_system.calls) == 3, "it logs in once for both"
    with pytest.raises(CallNotAllowed):
        call(odoo, "/res.users/search_read", "POST", content=body)
    with pytest.raises(CallRejected, match="You may not"):
        call(odoo, "/res.partner/unlink", "POST", content=body)


def test_odoos_newer_api_takes_parameters_by_name(make: Make, outside_system: FakeOutside) -> None:
    odoo = make("odoo_json2", values={
        "database": "north", "api_key": "odoo-key-of-ada",
    }, allowed_paths=["/res.partner"])  # fmt: skip
    body = json.dumps({"domain": [], "fields": ["name"]}).encode()
    found = call(odoo, "/res.partner/search_read", "POST", content=body)
    assert found.body == [
        {"model": "res.partner", "method": "search_read", "domain": [], "fields": ["name"]}
    ]
    assert outside_system.paths() == ["/json/2/res.partner/search_read"]
    with pytest.raises(CallNotAllowed):
        call(odoo, "/res.users/search_read", "POST", content=body)
    with pytest.raises(CallMalformed, match="by their names"):
        call(odoo, "/res.partner/search_read", "POST", content=b"[]")
    with pytest.raises(CallRejected, match="You may not") as refused:
        call(odoo, "/res.partner/unlink", "POST", content=b'{"ids": [3]}')
    assert "Traceback" not in refused.value.detail


@pytest.mark.parametrize(
    "path",
    [
        "/../admin", "/a/../../b", "/%2e%2e/admin", "/%252e%252e/admin", "/a/%2e%2e%2fb",
        "//evil.example/a", "/a//b", "/\\evil.example", "/a\\..\\b", "/a b", "/a\r\nX: 1", "/a#b",
        "orders", "", "http://ada:word@127.0.0.1/a", "file:///etc/passwd", "/\u2025/a", "/a\0b",
    ],
)  # fmt: skip
def test_no_path_leads_elsewhere(path: str, make: Make, outside_system: FakeOutside) -> None:
    with pytest.raises((CallInvalid, CallNotAllowed)):
        call(make(allowed_paths=["/orders"]), path)
    assert outside_system.calls == []


@pytest.mark.parametrize("trick", ["{}@evil.example", "{}.evil.example", "{}:1"])
def test_no_whole_address_leads_elsewhere(
    trick: str, make: Make, outside_system: FakeOutside
) -> None:
    with pytest.raises((CallInvalid, CallNotAllowed)):
        call(make(), trick.format(outside_system.url) + "/a")
    assert outside_system.calls == []


def test_what_is_not_allowed_is_not_sent(make: Make, outside_system: FakeOutside) -> None:
    shop = make(allowed_paths=["/shops/*/orders", "/products"], allowed_methods=["GET"])
    assert call(shop, "/shops/7/orders/9").status == 200
    assert call(shop, f"{outside_system.url}/products?page=2").status == 200
    for path in ("/", "/shops/7", "/shops/7/refunds", "/productsx", "/%70roductsx"):
        with pytest.raises(CallNotAllowed):
            call(shop, path)
    with pytest.raises(CallNotAllowed, match="POST"):
        call(shop, "/products", "POST")
    with pytest.raises(CallNotAllowed, match="none of its hosts"):
        call(shop, "https://elsewhere.example/products")
    assert len(outside_system.calls) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "1\r\nX-B: 2"), ("X-A", "1\n"), ("X-A\r\nX-B", "1"), ("X A", "1"), ("X-A", "1\0"),
        ("Host", "evil.example"), ("Authorization", "Bearer mine"), ("TE", "trailers"),
        ("Transfer-Encoding", "chunked"), ("Content-Length", "0"), ("Cookie", "a=b"),
        ("X-Forwarded-For", "::1"),
        ("X-A", "é"),
    ],
)  # fmt: skip
def test_no_header_is_smuggled(
    name: str, value: str, make: Make, outside_system: FakeOutside
) -> None:
    with pytest.raises(CallInvalid):
        call(make(), headers={name: value})
    assert outside_system.calls == []


def test_a_refusal_is_an_error_unless_errors_are_accepted(
    make: Make, outside_system: FakeOutside
) -> None:
    outside_system.answers["/orders"] = lambda call: told({"errors": "no such order"}, 404)
    shop = make()
    with pytest.raises(CallRejected, match="no such order"):
        call(shop, "/orders")
    assert call(shop, "/orders", accept_errors=True).status == 404
    shop.refresh_from_db()
    assert shop.status == "unknown", "the connection is not to blame"


def test_reading_is_tried_again_and_writing_only_with_a_key(
    make: Make, outside_system: FakeOutside
) -> None:
    tries = iter([503, 429, 200] * 2)
    outside_system.answers["/orders"] = lambda call: told({}, next(tries))
    shop = make()
    assert call(shop, "/orders").status == 200
    assert call(shop, "/orders", "POST", accept_errors=True).status == 503
    assert call(shop, "/orders", "POST", accept_errors=True, idempotency_key="one").status == 200
    assert [c.headers.get("idempotency-key") for c in outside_system.calls[4:]] == ["one", "one"]


def test_a_call_that_breaks_off_is_repeated_only_where_that_is_harmless(
    make: Make, outside_system: FakeOutside
) -> None:
    shop = make()
    with pytest.raises(ConnectionUnreachable, match="may have had its effect"):
        call(shop, "/broken", "POST")
    assert len(outside_system.calls) == 1
    with pytest.raises(ConnectionUnreachable):
        call(shop, "/broken")
    assert len(outside_system.calls) == 4
    shop.refresh_from_db()
    assert shop.status == "failing"
    call(shop, "/orders")
    shop.refresh_from_db()
    assert (shop.status, shop.last_error) == ("ok", "")


def test_a_redirect_stays_on_the_host_and_in_the_allow_list(
    make: Make, outside_system: FakeOutside
) -> None:
    targets = {
        "/a": "/orders/9", "/b": "http://127.0.0.1:1/orders", "/c": "/secrets", "/d": "/d",
        "/e": "http://169.254.169.254/latest/meta-data/", "/f": "//evil.example/orders",
        "/g": "/orders/../secrets", "/h": "http://[::1/orders", "/i": "https://a:99999999/",
        "/j": "", "/k": "//", "/l": "/orders?a b",
    }  # fmt: skip
    for path, target in targets.items():
        outside_system.answers[path] = lambda call, to=target: told({}, 302, Location=to)
    shop = make("rest_key", values=KEY, allowed_paths=["/orders", *targets])
    assert call(shop, "/a").body["path"] == "/orders/9"
    for path in [*targets][1:]:
        with pytest.raises((RedirectRefused, ConnectionUnreachable)):
            call(shop, path)
    with pytest.raises(RedirectRefused, match="may change something"):
        call(shop, "/a", "POST")
    assert not {"/secrets", "/latest/meta-data/"} & set(outside_system.paths())


def test_floods_bombs_and_drips_end(
    make: Make, outside_system: FakeOutside, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = bomb(200 * 1024 * 1024)
    assert len(small) < 300_000
    outside_system.answers["/bomb"] = lambda call: (
        200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, small
    )  # fmt: skip
    outside_system.answers["/brotli"] = lambda call: told({}, **{"Content-Encoding": "br"})
    outside_system.answers["/torn"] = lambda call: (
        200, {"Content-Type": "application/json", "Content-Encoding": "gzip"}, bomb(1000)[:-9]
    )  # fmt: skip
    shop = make()
    for path in ("/flood", "/bomb", "/brotli", "/torn"):
        with pytest.raises(AnswerUnusable):
            call(shop, path)
    for path in ("/drip", "/drip-body"):
        with pytest.raises(TimeIsUp):
            call(shop, path, seconds=1)


def test_a_web_page_is_no_answer(make: Make, outside_system: FakeOutside) -> None:
    page = b"<html><body>Log in</body></html>"
    outside_system.answers["/orders"] = lambda call: (200, {"Content-Type": "text/html"}, page)
    outside_system.answers["/csv"] = lambda call: (200, {"Content-Type": "text/csv"}, b"a;b\0")
    outside_system.answers["/none"] = lambda call: (204, {}, b"")
    shop = make()
    with pytest.raises(AnswerUnusable, match="web page"):
        call(shop, "/orders")
    assert call(shop, "/orders", answer="text").text == page.decode()
    assert call(shop, "/csv").text == "a;b\ufffd"
    assert call(shop, "/none").body is None
    with pytest.raises(AnswerUnusable, match="not JSON"):
        call(shop, "/csv", answer="json")


@pytest.mark.parametrize(
    "body",
    [b"[" * 5000 + b"]" * 5000, b'{"a": 1e999}', b'{"a": NaN}', b"{" , b"\xff\xfe"],
)  # fmt: skip
def test_what_is_no_json_that_can_be_kept_is_text(
    body: bytes, make: Make, outside_system: FakeOutside
) -> None:
    outside_system.answers["/a"] = lambda call: (200, {"Content-Type": "application/json"}, body)
    found = call(make(), "/a")
    assert found.body is None
    assert found.text


def test_json_that_no_database_takes_is_made_storable(
    make: Make, outside_system: FakeOutside
) -> None:
    body = rb'{"a\u0000": ["\ud800"]}'
    outside_system.answers["/a"] = lambda call: (200, {"Content-Type": "application/json"}, body)
    assert call(make(), "/a").body == {"a\ufffd": ["\ufffd"]}


def test_writing_is_in_the_trail_each_time_and_reading_once_a_day(make: Make) -> None:
    shop = make("rest_key", values=KEY)
    for _turn in range(3):
        call(shop, "/orders", query={"email": "ada@example.com"})
    call(shop, "/orders", "POST", content=b"Ada in Elm Street")
    entries = Entry.objects.filter(action="connection.used")
    assert [entry.data["method"] for entry in entries.order_by("sequence")] == ["GET", "POST"]
    told_all = json.dumps([entry.data for entry in Entry.objects.all()])
    assert "ada@example.com" not in told_all
    assert "Elm Street" not in told_all
    assert "key-of-the-shop" not in told_all
    shop.refresh_from_db()
    assert shop.last_used_at is not None


def test_what_is_switched_off_is_not_called(make: Make, outside_system: FakeOutside) -> None:
    with pytest.raises(services.ConnectionPaused):
        call(make(is_active=False))
    assert outside_system.calls == []


def test_a_tenant_with_slow_systems_leaves_room_for_others(
    make: Make, outside_system: FakeOutside, monkeypatch: pytest.MonkeyPatch
) -> None:
    from controlplane.connections.services import calling
    from controlplane.core.turns import Turns, entered_key

    turns = Turns(2)
    monkeypatch.setattr(calling, "_turns", turns)
    monkeypatch.setattr(calling, "PATIENCE", 0.01)
    with turns.turn(entered_key(), patience=1), pytest.raises(services.ConnectionBusy):
        call(make())
    assert outside_system.calls == []
