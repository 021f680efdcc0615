"""CloudEvents 1.0, in and out: structured and binary, and what is none."""

import base64
import json
from typing import Any

import pytest
from django.test import Client

from controlplane.events import cloudevents, services
from controlplane.events.models import Event
from controlplane.events.verification import keyed_hash
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.events import ADA, SECRET, make_event, make_source

STRUCTURED = {
    "specversion": "1.0",
    "id": "A-1",
    "source": "/shop/1",
    "type": "order.created",
    "subject": "#7",
    "time": "2026-03-01T09:30:00Z",
    "datacontenttype": "application/json",
}
BEARER = {"Authorization": f"Bearer {SECRET}"}


@pytest.fixture(autouse=True)
def _sources(north: Tenant) -> None:
    with inside(north):
        for kind in ("bearer", "hmac"):
            services.create_source(slug=kind, name=kind, kind=kind, secret=SECRET, by=ADA)


def post(
    body: bytes, headers: dict[str, str] = BEARER, content_type: str = cloudevents.MEDIA_TYPE,
    door: str = "bearer",
) -> Any:  # fmt: skip
    client = Client(headers={"host": "localhost"})
    return client.post(f"/in/north/{door}", body, content_type, headers=headers)


def structured(**changes: Any) -> bytes:
    whole = {**STRUCTURED, "data": {"total": 1}, **changes}
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


def only_event(tenant: Tenant) -> Event:
    with inside(tenant):
        return Event.objects.get()


def test_structured(north: Tenant) -> None:
    body = structured().replace(b'{"total": 1}', b'{ "total": 1.10 }')

    answer = post(body, content_type="application/cloudevents+json; charset=utf-8")

    assert answer.status_code == 202
    event = only_event(north)
    assert (event.type, event.subject, event.external_id) == (
        "order.created", "#7", "/shop/1#A-1",
    )  # fmt: skip
    assert event.body == '{ "total": 1.10 }'
    assert event.headers["ce-time"] == STRUCTURED["time"]


def test_binary(north: Tenant) -> None:
    headers = BEARER | {
        f"ce-{name}": value
        for name, value in STRUCTURED.items()
        if name not in {"datacontenttype", "subject"}
    } | {"ce-subject": "Caf%C3%A9"}  # fmt: skip

    assert post(b'{"total": 1.10}', headers, "application/json").status_code == 202
    event = only_event(north)
    assert (event.subject, event.body, event.type) == ("Café", '{"total": 1.10}', "order.created")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"data": None}, {}),
        ({"data": [1, 2]}, {"data": [1, 2]}),
        ({"data": "text"}, {"data": "text"}),
        ({"data": None, "data_base64": base64.b64encode(b'{"a": 1}').decode()}, {"a": 1}),
        (
            {"data": None, "data_base64": base64.b64encode(b"\xff").decode()},
            {"data_base64": base64.b64encode(b"\xff").decode()},
        ),
    ],
)
def test_data_of_every_sort_is_an_object_here(
    north: Tenant, changes: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert post(structured(**changes)).status_code == 202
    assert json.loads(only_event(north).body) == expected


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"source": 7}, "source"),
        ({"type": None}, "type"),
        ({"specversion": "0.3"}, "specversion"),
        ({"data": None, "data_base64": "%"}, "data_base64"),
    ],
)
def test_what_is_no_cloudevent_names_the_field(
    north: Tenant, changes: dict[str, Any], field: str
) -> None:
    answer = post(structured(**changes))

    assert (answer.status_code, answer.json()["code"]) == (422, "cloudevent_invalid")
    assert answer.json()["errors"][0]["field"] == field


def test_a_batch_is_refused(north: Tenant) -> None:
    assert post(b"[]", content_type="application/cloudevents-batch+json").status_code == 415


def test_headers_are_not_believed_where_only_the_body_is_signed(north: Tenant) -> None:
    body = b'{"total": 1}'
    with inside(north):
        source = services.Source.objects.get(slug="hmac")
    headers = keyed_hash.signed(source, body) | {
        f"ce-{name}": value for name, value in STRUCTURED.items()
    }

    assert post(body, headers, "application/json", "hmac").json()["code"] == "cloudevent_invalid"
    whole = structured()
    answer = post(whole, keyed_hash.signed(source, whole), door="hmac")
    assert answer.status_code == 202


def test_the_same_id_of_another_source_is_another_event(north: Tenant) -> None:
    first, second = post(structured()), post(structured(source="/shop/2"))

    assert (first.status_code, second.status_code) == (202, 202)


def test_out_again(tenant: Tenant) -> None:
    event = make_event(make_source("till"))

    shown = cloudevents.presented(event)

    assert shown["specversion"] == "1.0"
    assert shown["id"] == str(event.pk)
    assert shown["type"] == "pergola.order.created"
    assert shown["source"].endswith("/in/north/till")
    assert shown["data"]["name"] == "#1001"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"data": {"a": 1.10}, "b": 2}', '{"a": 1.10}'),
        ('{ "x" : "}\\"{" ,\n"data" : [ 1 ] }', "[ 1 ]"),
        ('{"data": 1, "data": 2}', "2"),
        ("{}", ""),
    ],
)
def test_a_member_is_taken_to_the_letter(text: str, found: str) -> None:
    assert cloudevents.member_text(text, "data") == found
