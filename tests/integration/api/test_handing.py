"""Operations that are handed a document: as the body itself, or in a form."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from controlplane.invoices.models import Invoice
from controlplane.knowledge.models import Document
from tenants.context import inside
from tenants.files import read_file
from tenants.models import Tenant
from tests.factories.invoices import ubl_invoice
from tests.factories.knowledge import make_collection

SUBMIT = "/api/v1/operations/invoice/submit"
ADD = "/api/v1/operations/knowledge/add_document"


@pytest.fixture
def client(north: Tenant, machine: Callable[..., Client]) -> Client:
    return machine(north)


def hand(client: Client, path: str, content: bytes, *, given: Any = None, **headers: str) -> Any:
    """As the n8n node does."""
    headers = {"Filename": quote("Rechnung März.xml"), **headers}
    if given is not None:
        headers["Pergola-Input"] = quote(json.dumps(given))
    return client.post(path, content, "application/xml", headers=headers)


def test_the_body_is_the_document(client: Client, north: Tenant) -> None:
    content = ubl_invoice(number="R-77")

    answer = hand(client, SUBMIT, content)

    assert answer.status_code == 200, answer.json()
    with inside(north):
        invoice = Invoice.objects.get(pk=answer.json()["invoice_id"])
        assert read_file(invoice.sha256) == content
    assert (invoice.filename, invoice.content_type) == ("Rechnung März.xml", "application/xml")


def test_a_document_comes_in_a_form_too(client: Client, north: Tenant) -> None:
    with inside(north):
        make_collection("pantry")
    file = SimpleUploadedFile("stock.txt", b"Flour is in the cellar.", "text/plain")

    answer = client.post(ADD, {"input": json.dumps({"collection": "pantry"}), "file": file})

    assert answer.status_code == 200, answer.json()
    with inside(north):
        assert Document.objects.get(pk=answer.json()["document_id"]).filename == "stock.txt"


def test_the_fields_come_in_a_header(client: Client, north: Tenant) -> None:
    with inside(north):
        make_collection("pantry")

    answer = hand(
        client, ADD, b"Flour.", given={"collection": "pantry", "title": "Größe", "kind": "text"}
    )

    assert answer.status_code == 200, answer.json()
    assert answer.json()["title"] == "Größe"


def test_a_json_document_is_a_document(client: Client, north: Tenant) -> None:
    with inside(north):
        make_collection("pantry")
    given = {"collection": "pantry", "kind": "text"}

    answer = client.post(
        ADD,
        b'{"not": "the input"}',
        "application/json",
        headers={"Pergola-Input": quote(json.dumps(given)), "Filename": "a.json"},
    )

    assert answer.status_code == 200, answer.json()


def test_a_retried_step_hands_it_over_once(client: Client) -> None:
    content = ubl_invoice(number="R-78")

    first = hand(client, SUBMIT, content, **{"Idempotency-Key": "run-7"})
    again = hand(client, SUBMIT, content, **{"Idempotency-Key": "run-7"})
    other = hand(client, SUBMIT, ubl_invoice(number="R-79"), **{"Idempotency-Key": "run-7"})

    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        (None, 422, "input_invalid"),
        ({"collection": "pantry", "colour": "red"}, 422, "input_invalid"),
        (["collection"], 400, "body_malformed"),
        ({"collection": "pan\0try"}, 400, "body_malformed"),
        ({"collection": "nowhere"}, 404, "collection_unknown"),
    ],
)
def test_an_input_that_cannot_be_used_says_which_field(
    given: Any, status: int, code: str, client: Client
) -> None:
    answer = hand(client, ADD, b"Flour.", given=given)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_form_without_a_file_says_so(client: Client) -> None:
    answer = client.post(SUBMIT, {"input": "{}"})

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "file")


def test_an_empty_document_is_refused(client: Client) -> None:
    assert hand(client, SUBMIT, b"").json()["code"] == "document_empty"


def test_a_document_that_is_too_large_is_refused_unread(client: Client, settings: Any) -> None:
    settings.DOCUMENT_MAX_BYTES = 1000

    slightly = hand(client, SUBMIT, b"x" * 1001)
    by_far = hand(client, SUBMIT, b"x" * 200_000)

    assert [(one.status_code, one.json()["code"]) for one in (slightly, by_far)] == [
        (413, "file_too_large")
    ] * 2
