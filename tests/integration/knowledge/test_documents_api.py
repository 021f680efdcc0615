"""Bringing documents in by the API; approving them is for people."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from controlplane.knowledge.models import Collection, Document, DocumentVersion
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.knowledge import draft, make_collection

COLLECTIONS = "/api/v1/knowledge/collections"
DOCUMENTS = "/api/v1/knowledge/documents"
SCOPES = ["knowledge:read", "knowledge:write"]


def file(content: bytes = b"# A\n\nText.", name: str = "a.md") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "application/octet-stream")


@pytest.fixture
def key(north: Tenant, machine: Callable[..., Client]) -> Client:
    with inside(north):
        make_collection("help")
    return machine(north, scopes=SCOPES)


def test_a_collection_is_made_and_listed(key: Client) -> None:
    made = key.post(COLLECTIONS, {"slug": "faq", "name": "FAQ"}, "application/json")

    assert made.status_code == 201
    assert made.json()["language"] == "en"
    listed = key.get(COLLECTIONS).json()
    assert [each["slug"] for each in listed["results"]] == ["faq", "help"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"slug": "help", "name": "Again"}, 409, "collection_exists"),
        ({"slug": "with space", "name": "X"}, 422, "collection_unusable"),
        ({"slug": "x", "name": "X", "language": "klingon"}, 422, "input_invalid"),
        ({"slug": "x"}, 422, "input_invalid"),
        ({"slug": "x", "name": "X", "colour": "green"}, 422, "input_invalid"),
    ],
)
def test_a_collection_that_cannot_be_made_says_why(
    key: Client, body: dict[str, str], status: int, code: str
) -> None:
    answer = key.post(COLLECTIONS, body, "application/json")

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_document_is_taken_in_and_waits(key: Client, north: Tenant) -> None:
    answer = key.post(
        DOCUMENTS,
        {
            "file": file(), "collection": "help", "title": "Help", "tags": "a, b",
            "source_url": "https://shop.example/help",
        },
    )  # fmt: skip

    assert answer.status_code == 202, answer.json()
    body = answer.json()
    assert (body["title"], body["collection"], body["tags"]) == ("Help", "help", ["a", "b"])
    assert [(v["number"], v["kind"], v["status"]) for v in body["versions"]] == [
        (1, "markdown", "reading")
    ]
    assert key.get(f"{DOCUMENTS}/{body['id']}").json() == body
    with inside(north):
        version = DocumentVersion.objects.get()
        assert version.created_by == "test key"


def test_the_same_document_again_is_answered_with_what_is_there(key: Client) -> None:
    first = key.post(DOCUMENTS, {"file": file(), "collection": "help"})
    second = key.post(DOCUMENTS, {"file": file(), "collection": "help", "title": "Other"})

    assert first.json() == second.json()
    assert first.json()["title"] == "a.md"


def test_a_new_version_is_added(key: Client) -> None:
    document = key.post(DOCUMENTS, {"file": file(), "collection": "help"}).json()

    answer = key.post(f"{DOCUMENTS}/{document['id']}/versions", {"file": file(b"New.")})

    assert answer.status_code == 202
    assert [version["number"] for version in answer.json()["versions"]] == [2, 1]


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({}, 422, "input_invalid"),
        ({"file": file(b""), "collection": "help"}, 422, "document_empty"),
        ({"file": file(name="a.exe"), "collection": "help"}, 415, "document_kind_unknown"),
        ({"file": file(), "collection": "none"}, 404, "collection_unknown"),
        ({"file": file(), "collection": "help", "kind": "novel"}, 415, "document_kind_unknown"),
        ({"file": file(b"x" * 101, "a.txt"), "collection": "help"}, 413, "file_too_large"),
    ],
)
def test_a_document_that_is_not_taken_says_why(
    key: Client, fields: dict[str, Any], status: int, code: str
) -> None:
    with override_settings(DOCUMENT_MAX_BYTES=100):
        if "file" in fields:
            fields["file"].seek(0)
        answer = key.post(DOCUMENTS, fields)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_documents_are_listed_by_collection_and_state(key: Client, north: Tenant) -> None:
    with inside(north):
        draft(title="Returns", collection=Collection.objects.get(slug="help"))
        draft("x", title="Elsewhere", collection=make_collection("other"))

    def listed(query: str) -> list[str]:
        return [each["title"] for each in key.get(f"{DOCUMENTS}?{query}").json()["results"]]

    assert listed("") == ["Elsewhere", "Returns"]
    assert listed("collection=help") == ["Returns"]
    assert listed("status=draft&collection=other") == ["Elsewhere"]
    assert listed("status=approved") == []


@pytest.mark.parametrize(
    ("scopes", "method", "path"),
    [
        (["knowledge:write"], "get", COLLECTIONS),
        (["knowledge:write"], "get", DOCUMENTS),
        (["knowledge:read"], "post", COLLECTIONS),
        (["knowledge:read"], "post", DOCUMENTS),
    ],
)
def test_each_call_needs_its_scope(
    north: Tenant, machine: Callable[..., Client], scopes: list[str], method: str, path: str
) -> None:
    answer = getattr(machine(north, scopes=scopes), method)(path)

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


# --- People ------------------------------------------------------------------------------------


@pytest.fixture
def waiting(north: Tenant) -> tuple[str, str]:
    """(document, version)"""
    with inside(north):
        version = draft()
        return str(version.document_id), str(version.pk)


def test_a_manager_approves_and_retires(
    north: Tenant, browser: Callable[..., Client], waiting: tuple[str, str]
) -> None:
    document, version = waiting
    manager = browser(north, role="manager")

    approved = manager.post(
        f"{DOCUMENTS}/{document}/approve", {"version_id": version}, "application/json"
    )
    retired = manager.post(f"{DOCUMENTS}/{document}/retire")

    assert approved.status_code == retired.status_code == 200, approved.json()
    assert approved.json()["versions"][0]["status"] == "approved"
    assert retired.json()["versions"][0]["status"] == "retired"


@pytest.mark.parametrize("role", ["viewer", "approver"])
def test_others_look_and_change_nothing(
    north: Tenant, browser: Callable[..., Client], waiting: tuple[str, str], role: str
) -> None:
    document, version = waiting
    member = browser(north, role=role)

    assert member.get(DOCUMENTS).json()["count"] == 1
    answers = [
        member.post(f"{DOCUMENTS}/{document}/approve", {"version_id": version}, "application/json"),
        member.post(f"{DOCUMENTS}/{document}/retire"),
        member.post(DOCUMENTS, {"file": file(), "collection": "help"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_a_key_approves_nothing_whatever_its_scopes(
    north: Tenant, machine: Callable[..., Client], waiting: tuple[str, str]
) -> None:
    document, version = waiting
    key = machine(north, scopes=[*SCOPES, "knowledge:approve"])

    answer = key.post(
        f"{DOCUMENTS}/{document}/approve", {"version_id": version}, "application/json"
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "not_an_approver")


def test_a_version_is_approved_under_its_own_document_only(
    north: Tenant, browser: Callable[..., Client], waiting: tuple[str, str]
) -> None:
    _document, version = waiting

    answer = browser(north, role="manager").post(
        f"{DOCUMENTS}/{uuid.uuid4()}/approve", {"version_id": version}, "application/json"
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "document_version_unknown")


# --- The node operation ------------------------------------------------------------------------


def test_the_node_searches_what_is_approved(
    north: Tenant,
    browser: Callable[..., Client],
    machine: Callable[..., Client],
    waiting: tuple[str, str],
) -> None:
    document, version = waiting
    key = machine(north, scopes=["knowledge:search"])

    def search() -> list[dict[str, Any]]:
        path = "/api/v1/operations/knowledge/search"
        answer = key.post(path, {"question": "refund", "limit": 1}, "application/json")
        assert answer.status_code == 200, answer.json()
        return answer.json()["passages"]

    assert search() == []
    browser(north, role="manager").post(
        f"{DOCUMENTS}/{document}/approve", {"version_id": version}, "application/json"
    )
    (passage,) = search()
    assert passage["document"] == document
    assert passage["heading"] == "Returns › Refunds"
    assert passage["text"].startswith("Refunds are paid")


def test_the_list_asks_as_often_for_many_documents_as_for_few(
    key: Client, north: Tenant, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    with inside(north):
        for number in range(6):
            draft(f"Text {number}.", filename=f"{number}.txt")
        assert Document.objects.count() == 6

    key.get(DOCUMENTS)  # what a process remembers of a tenant and of a key
    with django_assert_max_num_queries(10):
        assert key.get(DOCUMENTS).json()["count"] == 6
