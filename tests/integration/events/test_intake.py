"""`POST /in/<tenant>/<source>`: each way to go wrong has its own answer, and nothing is kept."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from controlplane.events import shopify
from controlplane.events.models import Delivery, Event, OutboxMessage, Source
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.events import (
    make_source,
    make_subscription,
    make_workspace,
    order_body,
    webhook_headers,
)

Post = Callable[..., HttpResponse]


@pytest.fixture
def source(north: Tenant) -> Source:
    with inside(north):
        return make_source("shop")


@pytest.fixture
def post(source: Source) -> Post:
    """As a shop: signed, unless headers say otherwise."""

    def send(
        body: bytes,
        headers: dict[str, str] | None = None,
        path: str = "/in/north/shop",
        **extra: Any,
    ) -> HttpResponse:
        client = Client(headers={"host": "localhost"}, enforce_csrf_checks=True)
        given = webhook_headers(body) if headers is None else headers
        return client.post(path, body, "application/json", headers=given, **extra)

    return send


def kept(tenant: Tenant) -> int:
    with inside(tenant):
        return Event.objects.count()


def assert_refused(tenant: Tenant, answer: HttpResponse, status: int, code: str) -> None:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert answer["Content-Type"] == "application/problem+json"
    assert problem["status"] == status
    assert problem["type"] == f"urn:pergola:problem:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert kept(tenant) == 0


def test_a_signed_order_is_an_event(north: Tenant, post: Post) -> None:
    body = order_body(1001)

    answer = post(body, webhook_headers(body, webhook_id="w-1"))

    assert answer.status_code == 202
    assert answer.json()["duplicate"] is False
    with inside(north):
        event = Event.objects.get(pk=answer.json()["event_id"])
        assert (event.type, event.subject, event.external_id) == ("order.created", "#1001", "w-1")
        assert event.body.encode() == body
        assert not event.is_test
        assert shopify.SIGNATURE_HEADER not in event.headers


@pytest.mark.parametrize(("topic", "event_type"), shopify.TYPES_BY_TOPIC.items())
def test_topics_become_event_types(north: Tenant, post: Post, topic: str, event_type: str) -> None:
    body = order_body()

    post(body, webhook_headers(body, topic=topic))

    with inside(north):
        assert Event.objects.get().type == event_type


def test_an_unknown_tenant(north: Tenant, post: Post) -> None:
    assert_refused(north, post(order_body(), path="/in/nobody/shop"), 404, "tenant_unknown")


def test_an_unknown_source(north: Tenant, post: Post) -> None:
    assert_refused(north, post(order_body(), path="/in/north/till"), 404, "source_unknown")


def test_a_source_that_is_switched_off(north: Tenant, post: Post) -> None:
    with inside(north):
        Source.objects.update(is_active=False)

    assert_refused(north, post(order_body()), 404, "source_unknown")


@pytest.mark.parametrize(
    "signature", [None, "", "wrong", "YmxhaGJsYWgK", shopify.sign(order_body(), "other")]
)
def test_a_signature_that_does_not_fit(north: Tenant, post: Post, signature: str | None) -> None:
    headers = {shopify.TOPIC_HEADER: "orders/create"}
    if signature is not None:
        headers[shopify.SIGNATURE_HEADER] = signature

    assert_refused(north, post(order_body(), headers), 401, "signature_invalid")


def test_one_byte_that_was_changed(north: Tenant, post: Post) -> None:
    body = order_body()
    changed = body.replace(b"119.00", b"019.00", 1)

    assert len(changed) == len(body)
    assert_refused(north, post(changed, webhook_headers(body)), 401, "signature_invalid")


def test_a_source_without_a_secret_takes_nothing(north: Tenant, post: Post) -> None:
    with inside(north):
        Source.objects.update(secret="")
    body = order_body()

    assert_refused(north, post(body, webhook_headers(body, secret="")), 401, "signature_invalid")


@pytest.mark.parametrize("topic", ["", "products/create", "ORDERS/CREATE"])
def test_a_topic_that_is_not_taken(north: Tenant, post: Post, topic: str) -> None:
    body = order_body()

    assert_refused(north, post(body, webhook_headers(body, topic=topic)), 422, "topic_unknown")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b'{"id": 1} x', id="trailing"),
        pytest.param(b"[1]", id="a list"),
        pytest.param(b'"text"', id="a text"),
        pytest.param(b"null", id="null"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="very deep"),
        pytest.param(b'{"name": "a\x00b"}', id="a raw NUL"),
        pytest.param(b'{"name": "\xff\xfe"}', id="not UTF-8"),
        pytest.param(b'{"name": "\xed\xa0\x80"}', id="a surrogate in UTF-8"),
        pytest.param('{"name": "#1"}'.encode("utf-16"), id="UTF-16"),
        pytest.param('{"name": "#1"}'.encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param(b"\xef\xbb\xbf{}", id="a byte order mark"),
        pytest.param(rb'{"name": "\ud800"}', id="half of a surrogate pair"),
        pytest.param(b'{"total": NaN}', id="NaN"),
        pytest.param(b'{"total": 1e999}', id="a number beyond all"),
        pytest.param(b'{"id": ' + b"9" * 5000 + b"}", id="a number of 5000 digits"),
    ],
)
def test_a_body_that_is_no_json_object(north: Tenant, post: Post, body: bytes) -> None:
    assert_refused(north, post(body), 400, "body_malformed")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(rb'{"id": 1, "name": "a\u0000b"}', id="an escaped NUL"),
        pytest.param(rb'{"id": 1, "name": "\ud83d\ude00"}', id="an escaped emoji"),
    ],
)
def test_odd_texts_within_json_are_kept_as_they_were_signed(
    north: Tenant, post: Post, body: bytes
) -> None:
    assert post(body).status_code == 202

    with inside(north):
        assert Event.objects.get().body.encode() == body


def test_too_large_a_body(north: Tenant, post: Post, settings: Any) -> None:
    settings.INTAKE_MAX_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    assert_refused(north, post(order_body()), 413, "body_too_large")


def test_too_large_a_body_that_was_declared_smaller(
    north: Tenant, post: Post, settings: Any
) -> None:
    """The declared length bounds what is read, so such a body is cut off and fits no signature."""
    settings.INTAKE_MAX_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100

    answer = post(order_body(), CONTENT_LENGTH="50")

    assert_refused(north, answer, 401, "signature_invalid")


def test_a_length_that_is_declared_too_large_is_refused_unread(north: Tenant, post: Post) -> None:
    answer = post(b"{}", CONTENT_LENGTH=str(10**9))

    assert_refused(north, answer, 413, "body_too_large")


@pytest.mark.parametrize("length", ["-5", "0", ""])
def test_a_length_that_is_no_length(north: Tenant, post: Post, length: str) -> None:
    assert post(b"{}", CONTENT_LENGTH=length).status_code in {400, 401}
    assert kept(north) == 0


@pytest.mark.parametrize("method", ["get", "put", "delete", "head"])
def test_another_method(north: Tenant, source: Source, method: str) -> None:
    client = Client(headers={"host": "localhost"})

    answer = getattr(client, method)("/in/north/shop")

    assert answer.status_code == 405
    assert "POST" in answer["Allow"]


def test_five_times_the_same_webhook_is_one_event(north: Tenant, post: Post) -> None:
    body = order_body()
    headers = webhook_headers(body, webhook_id="w-1")

    answers = [post(body, headers) for _try in range(5)]

    assert [answer.status_code for answer in answers] == [202, 200, 200, 200, 200]
    assert [answer.json()["duplicate"] for answer in answers] == [False, True, True, True, True]
    assert len({answer.json()["event_id"] for answer in answers}) == 1
    with inside(north):
        assert Event.objects.get().duplicates == 4


def test_a_repeated_webhook_makes_no_error_in_the_database(north: Tenant, post: Post) -> None:
    """A failed INSERT stands in PostgreSQL's log with its values: the whole order."""
    body = order_body()
    post(body)
    with CaptureQueriesContext(connection) as asked:
        assert post(body).json()["duplicate"] is True
    written = [q["sql"] for q in asked if q["sql"].startswith("INSERT INTO events_event")]
    assert all(" ON CONFLICT DO NOTHING;" in sql for sql in written)
    assert not [q for q in asked if q["sql"].startswith('INSERT INTO "events_event"')]


def test_the_same_body_under_another_number_is_the_same_event(north: Tenant, post: Post) -> None:
    body = order_body()
    post(body, webhook_headers(body, webhook_id="w-1"))

    assert post(body, webhook_headers(body, webhook_id="w-2")).json()["duplicate"] is True
    assert kept(north) == 1


def test_the_same_body_about_another_topic_is_another_event(north: Tenant, post: Post) -> None:
    body = order_body()
    post(body)

    assert post(body, webhook_headers(body, topic="orders/cancelled")).status_code == 202


def test_the_same_order_from_two_shops_is_two_events(north: Tenant, post: Post) -> None:
    with inside(north):
        make_source("outlet")
    body = order_body()

    assert post(body).status_code == post(body, path="/in/north/outlet").status_code == 202


def test_eight_at_once_are_one_event_with_one_delivery(yard: Tenant) -> None:
    with inside(yard):
        make_workspace()
        make_source("shop")
        make_subscription()
    body = order_body()
    headers = webhook_headers(body, webhook_id="w-1")
    ready = threading.Barrier(8)
    statuses: list[int] = []

    def send() -> None:
        client = Client(headers={"host": "localhost"})
        ready.wait(timeout=10)
        answer = client.post("/in/yard/shop", body, "application/json", headers=headers)
        statuses.append(answer.status_code)
        connections.close_all()

    threads = [threading.Thread(target=send) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert sorted(statuses) == [200] * 7 + [202]
    with inside(yard):
        assert Event.objects.get().duplicates == 7
        assert Delivery.objects.count() == 1
    assert OutboxMessage.objects.count() == 1
    assert connection.schema_name == "public"
