"""What no document describes: broken bodies, headers and addresses, at every operation."""

import json
import re
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from controlplane.core import problems
from tests.integration.api.test_openapi_fuzzed import OPERATIONS
from tests.integration.isolation.callers import Callers, client_on

JSON = "application/json"
DEEP = "[" * 20_000 + "]" * 20_000
BODIES: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", JSON),
    "null": (b"null", JSON),
    "a list": (b"[]", JSON),
    "half of it": (b'{"a": ', JSON),
    "no UTF-8": (b'{"a": "\xff\xfe"}', JSON),
    "UTF-16": ('{"a": "b"}'.encode("utf-16"), JSON),
    "a charset that is none": (b'{"a": "b"}', f"{JSON}; charset=zlib"),
    "NUL": (b'{"\\u0000": "\\u0000"}', JSON),
    "half a surrogate": (b'{"a": "\\ud800"}', JSON),
    "deep": (DEEP.encode(), JSON),
    "a deep field": (f'{{"event_id": {DEEP}}}'.encode(), JSON),
    "a huge number": (b'{"event_id": ' + b"9" * 5000 + b"}", JSON),
    "a huge exponent": (b'{"limit": 1e999999, "minutes": -1e999999}', JSON),
    "not a number": (b'{"limit": NaN, "minutes": Infinity}', JSON),
    "the same twice": (b'{"a": 1, "a": 2, "__proto__": {}}', JSON),
    "long": (json.dumps({"question": "a" * 1_000_000}).encode(), JSON),
    "a form": (b"event_id=1", "application/x-www-form-urlencoded"),
    "multipart without a boundary": (b"--x\r\n", "multipart/form-data"),
    "multipart, broken off": (b"--x\r\nContent-Dispo", "multipart/form-data; boundary=x"),
    "a type that is none": (b"{}", "\x00/\xff"),
    "XML": (b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
            "application/xml"),
}  # fmt: skip
QUERIES = {
    "long": "a=" + "b" * 1_000_000,
    "NUL": "status=%00&page=%00",
    "no UTF-8": "status=%FF%FE&page=%C3%28",
    "many": "&".join(f"a{number}=1" for number in range(900)),
    "huge pages": "page=99999999999999999999&page_size=-1",
    "quotes": "status=%27%20OR%201%3D1--&page=%27",
}
HEADERS: dict[str, dict[str, str]] = {
    "another host": {"host": "evil.example"},
    "a host with a path": {"host": "localhost/../north"},
    "a host of nobody": {"host": "nobody.localhost"},
    "two hosts": {"host": "localhost, north.localhost"},
    "no host": {"host": ""},
    "basic": {"authorization": "Basic YWRtaW46YWRtaW4="},
    "a long key": {"authorization": "Bearer " + "x" * 100_000},
    "letters": {"authorization": "Bearer pgl_live_ä_ö"},
    "two keys": {"authorization": "Bearer a, Bearer b"},
    "an execution": {
        "x-n8n-workflow-id": "\xff" * 300, "x-n8n-execution-id": "'", "x-n8n-node": "%FF%00",
        "x-n8n-item": "-1:9999999999999999999999",
    },
    "an idempotency key": {"idempotency-key": "\xff\xfe" * 500},
    "an environment": {"pergola-environment": "\xff"},
    "a forwarded address": {"x-forwarded-for": "'; DROP TABLE", "x-forwarded-host": "evil.example"},
    "another method": {"x-http-method-override": "DELETE"},
    "what it takes": {"accept": "text/html;q=nonsense, \xff"},
    "a language": {"accept-language": "../../etc/passwd"},
    "cookies": {"cookie": "pergola_session=\xff; pergola_csrf=" + "x" * 5000},
}  # fmt: skip


def address(operation: Any) -> str:
    """With the ID of a row that there is not."""
    return re.sub(r"{\w+}", "01a21ad4-9621-76e2-aea2-b0bd854692cc", operation.path)


def assert_answered(answer: HttpResponse) -> None:
    assert answer.status_code < 500, answer.content[:300]
    if answer.status_code < 400:
        return
    found = json.loads(answer.content)
    assert answer["Content-Type"] == problems.CONTENT_TYPE
    assert found["status"] == answer.status_code
    assert found["code"]
    assert found["detail"]


@pytest.fixture
def client(callers: Callers) -> Client:
    return callers.machine.client("localhost")


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_a_broken_body_gets_a_problem(operation: Any, client: Client) -> None:
    if operation.method.upper() in {"GET", "DELETE"}:
        chosen = {"no UTF-8": BODIES["no UTF-8"], "deep": BODIES["deep"]}
    else:
        chosen = BODIES
    for body, content_type in chosen.values():
        with transaction.atomic():
            assert_answered(
                client.generic(operation.method.upper(), address(operation), body, content_type)
            )
            transaction.set_rollback(True)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_a_broken_address_gets_a_problem(operation: Any, client: Client) -> None:
    for query in QUERIES.values():
        with transaction.atomic():
            path = f"{address(operation)}?{query}"
            assert_answered(client.generic(operation.method.upper(), path, b"{}", JSON))
            transaction.set_rollback(True)


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize(
    "path", ["/api/v1/whoami", "/api/v1/operations/order/review", "/api/v1/invoices"]
)
def test_a_broken_header_gets_an_answer(name: str, path: str, client: Client) -> None:
    for method in ("GET", "POST"):
        with transaction.atomic():
            answer = client.generic(method, path, b"{}", JSON, headers=HEADERS[name])
            transaction.set_rollback(True)
        if name in {"a host with a path", "another host", "two hosts", "no host"}:
            # Refused before there is a door, by Django itself.
            assert answer.status_code == 400
        else:
            assert_answered(answer)


def test_nobody_in_particular_asks_at_every_host() -> None:
    for host in ("LOCALHOST", "localhost.", "127.0.0.1", "127.0.0.1:1"):
        assert client_on(host).get("/api/v1/whoami").json()["code"] == "not_authenticated"
