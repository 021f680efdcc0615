"""A number that comes again with another body is a conflict, and nothing of it is lost."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from controlplane.events import letters, signing, woocommerce_webhooks
from controlplane.events.exceptions.handling import edit_and_retry, retry
from controlplane.events.intake import EventIdReused
from controlplane.events.models import Event, ExceptionCase
from controlplane.events.services import emit
from controlplane.events.verification import woocommerce
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.events import (
    ADA,
    SECRET,
    make_source,
    make_subscription,
    make_workspace,
    order_body,
    signed_headers,
    webhook_headers,
)
from tests.integration.events.test_ingest import mail


def woo_headers(body: bytes) -> dict[str, str]:
    return {
        woocommerce.SIGNATURE_HEADER: woocommerce.sign(body, SECRET),
        woocommerce_webhooks.TOPIC_HEADER: "order.updated",
        woocommerce_webhooks.ID_HEADER: "w-1",
    }


def file_headers(body: bytes) -> dict[str, str]:
    return signed_headers(body, own_id="f-1") | {
        letters.FILENAME_HEADER: "stock.csv", "Content-Type": "text/csv",
    }  # fmt: skip


SENT: dict[str, tuple[bytes, bytes, Callable[[bytes], dict[str, str]]]] = {
    "shopify": (
        order_body(1001), order_body(1002), lambda body: webhook_headers(body, webhook_id="w-1"),
    ),
    "woocommerce": (b'{"number": 1}', b'{"number": 2}', woo_headers),
    "mail": (mail("Hello"), mail("Something else"), signed_headers),
    "files": (b"sku;quantity\nLAMP-1;2\n", b"\xff\x00\xfe", file_headers),
}  # fmt: skip
SHOPS = ("shopify", "woocommerce")


@pytest.fixture(params=sorted(SENT))
def kind(request: pytest.FixtureRequest, north: Tenant) -> str:
    with inside(north):
        make_workspace()
        make_source("shop", kind=request.param)
        make_subscription(event_types=["order.created", "order.updated"])
    return str(request.param)


def post(body: bytes, headers: dict[str, str]) -> Any:
    client = Client(headers={"host": "localhost"})
    return client.post("/in/north/shop", body, "application/octet-stream", headers=headers)


def test_another_body_under_a_known_number_is_kept_as_an_exception(
    north: Tenant, kind: str
) -> None:
    one, other, headers = SENT[kind]
    first = post(one, headers(one)).json()["event_id"]

    answer = post(other, headers(other))

    with inside(north):
        case = ExceptionCase.objects.get()
        assert str(Event.objects.get().pk) == first
        assert Event.objects.get().duplicates == 0
    assert (case.type, case.area) == ("duplicate", "automation")
    if kind in SHOPS:
        # A shop mends nothing, and switches a webhook off that is refused a few times.
        assert answer.status_code == 202
        assert answer.json() == {
            "event_id": first, "duplicate": False, "exception_id": str(case.pk),
        }  # fmt: skip
    else:
        assert (answer.status_code, answer.json()["code"]) == (409, "event_id_reused")
        assert "kept as an exception" in answer.json()["detail"]


def test_tried_again_it_is_an_event_of_its_own_with_every_byte(north: Tenant, kind: str) -> None:
    one, other, headers = SENT[kind]
    post(one, headers(one))
    post(other, headers(other))

    with inside(north):
        case = retry(case=ExceptionCase.objects.get(), by=ADA)
        assert case.event is not None
        text, first = case.event.body, Event.objects.exclude(pk=case.event.pk).get()
        assert case.event.type == first.type
    if kind in SHOPS:
        assert text.encode() == other
    elif kind == "mail":
        assert json.loads(text)["text"].strip() == "Something else"
    else:
        content = json.loads(text)
        assert (content["filename"], content["content_type"]) == ("stock.csv", "text/csv")
        assert base64.b64decode(content["data_base64"]) == other


def test_the_same_body_again_is_the_same_event(north: Tenant, kind: str) -> None:
    one, other, headers = SENT[kind]
    post(one, headers(one))
    post(other, headers(other))
    with inside(north):
        retry(case=ExceptionCase.objects.get(), by=ADA)

    answers = [post(body, headers(body)) for body in (one, other)]

    assert [answer.status_code for answer in answers] == [200, 200]
    with inside(north):
        assert Event.objects.count() == 2
        assert ExceptionCase.objects.get().status == "resolved"


def test_a_file_that_is_no_text_may_be_put_right_as_text(north: Tenant) -> None:
    with inside(north):
        make_source("shop", kind="files")
    one, other, headers = SENT["files"]
    post(one, headers(one))
    post(other, headers(other))

    with inside(north):
        case = edit_and_retry(case=ExceptionCase.objects.get(), body="sku;quantity\n", by=ADA)
        assert case.event is not None
        assert json.loads(case.event.body)["text"] == "sku;quantity\n"


def test_a_workflow_is_told_that_it_says_else_under_the_same_number(tenant: Tenant) -> None:
    told: dict[str, Any] = {"type": "message.received", "subject": "A", "external_id": "7"}
    first = emit(**told, body={"a": 1}, by=ADA)

    assert emit(**told, body={"a": 1}, by=ADA).event == first.event
    with pytest.raises(EventIdReused, match="under the ID “7”"):
        emit(**told, body={"a": 2}, by=ADA)


def test_a_signature_is_not_kept(north: Tenant, kind: str) -> None:
    one, other, headers = SENT[kind]
    post(one, headers(one))
    post(other, headers(other))

    with inside(north):
        kept = {name.lower() for name in ExceptionCase.objects.get().headers}
    assert signing.SIGNATURE_HEADER.lower() not in kept
    assert not [name for name in kept if "signature" in name or "hmac" in name]
