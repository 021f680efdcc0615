"""Every refusal of the JSON door has one shape (RFC 9457) and says what to do."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from tenants.context import inside
from tenants.models import ApiKey, Tenant
from tests.factories.approvals import make_approval
from tests.factories.events import NOWHERE, make_event, make_workspace

NOBODYS = uuid.UUID(int=0)

REVIEW = "/api/v1/operations/order/review"
RECORD = "/api/v1/operations/audit/record"
REQUEST = "/api/v1/operations/approval/request"
GOOD = {"action": "order.seen", "subject_type": "order", "subject_id": "1"}


@pytest.fixture
def caller(north: Tenant, machine: Callable[..., Client]) -> Client:
    return machine(north)


def problem(answer: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """The body, once its shape is right."""
    found = answer.json()
    assert (answer.status_code, found["code"]) == (status, code), found
    assert answer["Content-Type"] == "application/problem+json"
    assert set(found) - {"errors"} == {"type", "title", "status", "detail", "code"}
    assert found["type"] == f"urn:pergola:problem:{code}"
    assert found["status"] == status
    for text in (found["title"], found["detail"]):
        assert text
        assert "{" not in text
    for error in found.get("errors", []):
        assert set(error) == {"field", "message"}
    return found


def fields(found: dict[str, Any]) -> set[str]:
    return {error["field"] for error in found["errors"]}


def post(client: Client, path: str, body: Any) -> HttpResponse:
    return client.post(path, body, "application/json")


@pytest.mark.parametrize(
    "authorization",
    [
        None, "", "Bearer", "Bearer ", "Basic YTpi", "Bearer pgl_", "Bearer pgl_abc", "pgl_abc_def",
        "Bearer pgl_000000000000_" + "0" * 64, "Bearer " + "x" * 5000, "Bearer pgl_ä_ö",
    ],
)  # fmt: skip
def test_nobody_in_particular(north: Tenant, authorization: str | None) -> None:
    headers = {"host": "localhost"} | ({"authorization": authorization} if authorization else {})

    answer = Client(headers=headers).get("/api/v1/whoami")

    assert answer.status_code == 401
    problem(answer, 401, answer.json()["code"])


@pytest.mark.parametrize("change", ["secret", "expired", "revoked", "suspended"])
def test_a_key_that_is_not_good_any_more(north: Tenant, change: str) -> None:
    from datetime import timedelta

    from django.utils import timezone

    key, text = ApiKey.issue(tenant=north, name="k", scopes=[])
    client = Client(headers={"host": "localhost", "authorization": f"Bearer {text}"})
    assert client.get("/api/v1/whoami").status_code == 200
    if change == "secret":
        client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {text[:-1]}x"
    elif change == "suspended":
        Tenant.objects.filter(pk=north.pk).update(status=Tenant.Status.SUSPENDED)
    elif change == "expired":
        ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    else:
        key.revoke()

    problem(client.get("/api/v1/whoami"), 401, "key_refused")


def test_a_key_in_the_wrong_house(north: Tenant, south: Tenant, machine: Any) -> None:
    client = machine(south)
    client.defaults["HTTP_HOST"] = north.host

    problem(client.get("/api/v1/whoami"), 401, "key_refused")


def test_a_host_that_is_no_tenants(caller: Client) -> None:
    caller.defaults["HTTP_HOST"] = "nobody.localhost"

    problem(caller.get("/api/v1/whoami"), 404, "tenant_unknown")


@pytest.mark.parametrize(
    ("method", "path", "needed"),
    [
        ("POST", REVIEW, "orders:review"),
        ("POST", "/api/v1/operations/order/record_outcome", "orders:record"),
        ("POST", REQUEST, "approvals:request"),
        ("POST", "/api/v1/operations/approval/get", "approvals:read"),
        ("POST", RECORD, "audit:record"),
        ("PUT", "/api/v1/subscriptions", "events:subscribe"),
        ("GET", "/api/v1/subscriptions", "events:subscribe"),
        ("DELETE", f"/api/v1/subscriptions/{NOBODYS}", "events:subscribe"),
        ("POST", f"/api/v1/deliveries/{NOBODYS}/claim", "events:subscribe"),
    ],
)
def test_a_scope_that_the_key_lacks_is_named(
    north: Tenant, machine: Callable[..., Client], method: str, path: str, needed: str
) -> None:
    from tests.conftest import ALL_SCOPES

    client = machine(north, scopes=[scope for scope in ALL_SCOPES if scope != needed])

    answer = client.generic(method, path, "{}", "application/json")

    assert needed in problem(answer, 403, "scope_missing")["detail"]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"event_id"}),
        ({"event_id": "1001"}, {"event_id"}),
        ({"event_id": None}, {"event_id"}),
        ({"event_id": [str(uuid.uuid4())]}, {"event_id"}),
        ({"event_id": str(uuid.uuid4()), "evnt": 1}, {"evnt"}),
        ({"evnt": 1}, {"event_id", "evnt"}),
    ],
)
def test_fields_at_fault_are_named(caller: Client, body: dict[str, Any], wrong: set[str]) -> None:
    assert fields(problem(post(caller, REVIEW, body), 422, "input_invalid")) == wrong


@pytest.mark.parametrize("hours", [0, -1, 8761, "many", 1.5, True, 10**30])
def test_numbers_out_of_range(caller: Client, hours: Any) -> None:
    body = {"subject_id": str(uuid.uuid4()), "expires_in_hours": hours}
    answer = post(caller, REQUEST, body)

    if hours is True:  # JSON's true is Python's 1
        assert answer.status_code in {404, 422}
        return
    assert fields(problem(answer, 422, "input_invalid")) == {"expires_in_hours"}


def test_what_was_given_is_not_repeated(caller: Client) -> None:
    answer = post(caller, RECORD, GOOD | {"action": "secret-in-the-wrong-field"})

    assert "secret-in" not in answer.content.decode()


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"a": 1}x', b"\xff\xfe", b'{"a": "\x00"}', b'{"a":' * 5000]
)
def test_bodies_that_are_no_json(caller: Client, body: bytes) -> None:
    assert post(caller, RECORD, body).status_code in {400, 422}


@pytest.mark.parametrize("body", [b"[]", b"null", b'"text"', b"1", b"true"])
@pytest.mark.parametrize("path", [RECORD, "/api/v1/subscriptions"])
def test_bodies_that_are_no_objects(caller: Client, body: bytes, path: str) -> None:
    method = "PUT" if path.endswith("subscriptions") else "POST"

    assert caller.generic(method, path, body, "application/json").status_code in {400, 422}


@pytest.mark.parametrize(
    "text", [r"a\u0000b", r"\ud800", r"\udfff\ud800"], ids=["NUL", "half", "turned"]
)
class TestTextsThatCannotBeStored:
    """PostgreSQL's text holds neither NUL nor half of a surrogate pair."""

    def send(self, client: Client, method: str, path: str, body: dict[str, Any], text: str) -> Any:
        raw = json.dumps(body).replace("@", text)
        return client.generic(method, path, raw, "application/json")

    def test_in_an_operation(self, caller: Client, text: str) -> None:
        for change in (
            {"subject_id": "@"}, {"data": {"a": "@"}}, {"data": {"@": 1}}, {"data": {"a": [["@"]]}},
        ):  # fmt: skip
            answer = self.send(caller, "POST", RECORD, GOOD | change, text)
            assert answer.status_code in {400, 422}, change

    def test_in_a_subscription(self, caller: Client, north: Tenant, text: str) -> None:
        with inside(north):
            make_workspace()
        body = {"webhook_url": f"{NOWHERE}/webhook/x", "event_types": ["order.created"]}

        for change in ({"workflow_id": "@"}, {"event_types": ["@"]}, {"webhook_url": "@"}):
            answer = self.send(caller, "PUT", "/api/v1/subscriptions", body | change, text)
            assert answer.status_code in {400, 422}, change

    def test_in_a_claim(self, caller: Client, text: str) -> None:
        path = f"/api/v1/deliveries/{uuid.uuid4()}/claim"

        assert self.send(caller, "POST", path, {"token": "@"}, text).status_code in {400, 404, 422}

    def test_in_a_decision(self, browser: Callable[..., Client], north: Tenant, text: str) -> None:
        with inside(north):
            make_workspace()
            approval = make_approval()
        path = f"/api/v1/approvals/{approval.pk}/decision"
        body = {"decision": "approve", "comment": "@"}

        assert self.send(browser(north), "POST", path, body, text).status_code in {400, 422}


def test_an_order_with_a_nul_in_its_texts_is_judged(caller: Client, north: Tenant) -> None:
    with inside(north):
        event = make_event(note="a\0b", name="#10\x0001", email="\0")

    assert post(caller, REVIEW, {"event_id": str(event.pk)}).status_code == 200


def test_text_that_only_looks_like_an_escape_is_taken(caller: Client) -> None:
    assert post(caller, RECORD, GOOD | {"data": {"pattern": r"\u0000"}}).status_code == 200


def test_a_number_that_json_cannot_carry(caller: Client) -> None:
    found = problem(
        post(caller, RECORD, GOOD | {"data": {"n": 2**53 + 1}}), 422, "audit_data_not_canonical"
    )

    assert fields(found) == {"data"}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_a_number_that_is_none(caller: Client, number: str) -> None:
    raw = json.dumps(GOOD)[:-1] + f', "data": {{"n": {number}}}}}'

    assert post(caller, RECORD, raw).status_code in {400, 422}


def test_another_method(caller: Client) -> None:
    answer = caller.get(RECORD)

    problem(answer, 405, "method_not_allowed")
    assert "POST" in answer["Allow"]


def test_another_media_type(caller: Client) -> None:
    answer = caller.post(RECORD, "a=1", "application/x-www-form-urlencoded")

    problem(answer, 415, "unsupported_media_type")


def test_what_is_not_there(caller: Client) -> None:
    unknown = str(uuid.uuid4())
    found = problem(post(caller, REVIEW, {"event_id": unknown}), 404, "event_unknown")
    assert fields(found) == {"event_id"}
    problem(
        post(caller, "/api/v1/operations/approval/get", {"approval_id": unknown}),
        404,
        "approval_unknown",
    )


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nothing", "/api/v1/operations/order/eat", "/api/v2/", "/api/v1/%FF",
        "/api/v1/approvals/7", "/api/v1/approvals/%00",
    ],
)  # fmt: skip
def test_an_address_that_does_not_exist(caller: Client, path: str) -> None:
    for client in (caller, Client(headers={"host": "localhost"}, enforce_csrf_checks=True)):
        problem(client.post(path), 404, "not_found")


def test_members_and_machines_have_their_own_addresses(
    caller: Client, browser: Callable[..., Client], north: Tenant
) -> None:
    problem(caller.get("/api/v1/approvals"), 403, "not_allowed")
    problem(browser(north).get("/api/v1/whoami"), 401, "not_authenticated")


def test_a_fault_of_ours_tells_nothing(caller: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr("controlplane.audit.operations.services.record", fail)
    caller.raise_request_exception = False

    answer = post(caller, RECORD, GOOD)

    problem(answer, 500, "internal_error")
    assert "hunter2" not in answer.content.decode()


def test_an_address_with_a_nul(
    north: Tenant, caller: Client, browser: Callable[..., Client]
) -> None:
    answer = caller.get("/api/v1/subscriptions?webhook_url=%00")
    assert "U+0000" in problem(answer, 422, "input_invalid")["detail"]
    answer = browser(north).get("/api/v1/approvals?status=%00")
    problem(answer, 422, "input_invalid")


@pytest.mark.parametrize("charset", ["zlib", "bz2", "rot13", "utf-16", "idna", "nonsense"])
def test_a_charset_of_the_clients_choice_means_nothing(caller: Client, charset: str) -> None:
    """Django would read query and body by it, and fail where it is no charset of texts."""
    odd = f"application/json; charset={charset}"
    answer = caller.generic("GET", "/api/v1/subscriptions?webhook_url=%41", content_type=odd)
    assert answer.status_code == 200
    body = json.dumps(GOOD).encode()
    assert caller.generic("POST", RECORD, body, content_type=odd).status_code == 200


def test_a_body_that_is_too_large(caller: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    answer = post(caller, RECORD, {**GOOD, "data": {"text": "x" * 2000}})

    problem(answer, 413, "body_too_large")
