"""Documents, collections and tried questions, as members see them and managers change them."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from controlplane.catalog.models import Installation, Release, Template
from controlplane.knowledge.answers.models import Answer
from controlplane.knowledge.models import Collection, Document, DocumentVersion
from controlplane.knowledge.services.documents import add_document
from controlplane.knowledge.services.reading import read_version
from tenants.context import inside
from tenants.models import Member, Tenant
from tests.factories import knowledge

Browser = Callable[..., Client]
# Who it is and where, then collections, tabs, the number of documents, and the documents.
QUERIES_OF_LIST = 13


@pytest.fixture
def version(north: Tenant) -> DocumentVersion:
    with inside(north):
        return knowledge.draft(title="Returns <b>")


def _page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert not re.search(r"<style|<script>|\sstyle=|\son\w+=|javascript:|hx-on", page)
    assert not re.search(r"\{[%{#]|[%#}]\}", page)
    assert page.count("<h1") == 1
    return page


def _at(version: DocumentVersion, part: str = "") -> str:
    return f"/knowledge/documents/{version.document_id}/{part}"


def test_the_list_shows_searches_and_filters(
    north: Tenant, browser: Browser, version: DocumentVersion
) -> None:
    with inside(north):
        knowledge.make_collection("manuals", "de")
        approved = knowledge.approved("Another text.", filename="other.txt", title="Other")
        knowledge.new_draft(approved, "Another text, changed.")
    client = browser(north, role="viewer")
    page = _page(client, "/knowledge/")
    assert "Returns &lt;b&gt;" in page
    assert re.search(r'Waits for approval<span class="tab-count">2</span>', page)
    assert re.search(r"Grace Hopper<div class=\"small soft\">Version 1, ", page)
    assert "Grace Hopper" in page
    assert "Add a document" not in page
    assert "Other" not in _page(client, "/knowledge/?q=returns")
    assert "Returns" in _page(client, "/knowledge/?status=draft&collection=help")
    assert "Nothing here" in _page(client, "/knowledge/?status=failed")
    assert "Nothing here" in _page(client, "/knowledge/?collection=manuals")
    odd = client.get("/knowledge/?q=%00&sort=-password&status=what&page=-3&collection=none")
    assert "Returns &lt;b&gt;" in odd.content.decode()


def test_the_number_of_queries_does_not_grow_with_the_list(
    north: Tenant, browser: Browser, version: DocumentVersion, django_assert_num_queries: Any
) -> None:
    client = browser(north)
    client.get("/knowledge/")
    with inside(north):
        for number in range(5):
            knowledge.approved(f"Text {number}.", filename=f"{number}.txt", title=f"T{number}")
    with django_assert_num_queries(QUERIES_OF_LIST):
        client.get("/knowledge/")


@pytest.mark.parametrize("way", ["file", "text"])
def test_a_manager_adds_a_document(north: Tenant, browser: Browser, way: str) -> None:
    with inside(north):
        collection = knowledge.make_collection()
    form: dict[str, Any] = {"collection": str(collection.pk), "title": "Gift cards"}
    content = b"# Gift cards\n\nThey are valid for three years."
    form[way] = SimpleUploadedFile("gift_cards.md", content) if way == "file" else content.decode()
    client = browser(north, role="manager")
    made = client.post("/knowledge/documents/new/", form)
    with inside(north):
        version = DocumentVersion.objects.get()
        document = Document.objects.get()
    assert made.headers["Location"] == f"/knowledge/documents/{document.pk}/"
    assert (document.title, version.kind, version.status) == ("Gift cards", "markdown", "reading")
    page = _page(client, made.headers["Location"])
    assert 'hx-trigger="every 1s"' in page
    state = f"{made.headers['Location']}versions/1/state/"
    assert "It is being read" in client.get(state).content.decode()
    assert 'hx-trigger="every 2s"' in _page(client, "/knowledge/")
    with inside(north):
        read_version(version.pk)
    assert client.get(state).headers["HX-Refresh"] == "true"
    assert "They are valid for three years." in _page(client, made.headers["Location"])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "Choose a file, or paste a text below."),
        ({"text": "# Hello"}, "give it a title"),
        ({"text": "x", "title": "t", "file": ("a.md", b"y")}, "not both"),
        (
            {"file": ("virus.exe", b"MZ", "application/octet-stream")},
            "this kind are not read",
        ),
        ({"file": ("empty.md", b"")}, "The submitted file is empty"),
        ({"file": ("large.md", b"x" * 101)}, "larger than 100\u00a0bytes"),
        ({"text": "x", "title": "t", "source_url": "javascript:alert(1)"}, "valid URL"),
    ],
)
def test_what_is_at_fault_is_told_and_what_was_typed_is_kept(
    north: Tenant, browser: Browser, given: dict[str, Any], told: str
) -> None:
    with inside(north):
        collection = knowledge.make_collection()
    form = {"collection": str(collection.pk), "source_url": "https://example.com/kept", **given}
    if "file" in form:
        form["file"] = SimpleUploadedFile(*form["file"])
    with override_settings(DOCUMENT_MAX_BYTES=100):
        answer = browser(north, role="manager").post("/knowledge/documents/new/", form)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert told in page
    if "source_url" not in given:
        assert "https://example.com/kept" in page
    with inside(north):
        assert not Document.objects.exists()


def test_without_a_collection_there_is_nothing_to_add_to(north: Tenant, browser: Browser) -> None:
    client = browser(north, role="manager")
    page = client.get("/knowledge/documents/new/", follow=True).content.decode()
    assert "make the first one" in page
    assert "There is no collection yet" in page


def test_approving_a_new_version_and_reading_the_old_one(
    north: Tenant, browser: Browser, version: DocumentVersion
) -> None:
    client = browser(north, role="manager")
    assert "Approve version 1" in _page(client, _at(version))
    client.post(_at(version, "versions/1/approve/"))
    changed = SimpleUploadedFile("returns.md", b"# Returns\n\nWithin 60 days.")
    added = client.post(_at(version, "versions/"), {"file": changed, "text": ""})
    assert added.headers["Location"] == _at(version, "?version=2")
    with inside(north):
        read_version(DocumentVersion.objects.get(number=2).pk)
    page = _page(client, _at(version))
    assert "Version 2 waits for approval. Until then version 1 is quoted." in page
    assert "Within 60 days." in page
    assert "Goods may be returned within 30 days" in _page(client, _at(version, "?version=1"))
    done = client.post(_at(version, "versions/2/approve/"), follow=True).content.decode()
    assert "Version 2 is approved" in done
    with inside(north):
        statuses = dict(DocumentVersion.objects.values_list("number", "status"))
    assert statuses == {1: "retired", 2: "approved"}


def test_a_version_at_fault_leaves_the_page_as_it_was(
    north: Tenant, browser: Browser, version: DocumentVersion
) -> None:
    answer = browser(north, role="manager").post(_at(version, "versions/"), {"text": ""})
    assert answer.status_code == 422
    assert "Choose a file, or paste a text below." in answer.content.decode()
    assert "Goods may be returned" in answer.content.decode()


def test_a_document_is_retired_only_when_one_is_sure(
    north: Tenant, browser: Browser, version: DocumentVersion
) -> None:
    client = browser(north, role="manager")
    client.post(_at(version, "retire/"))
    with inside(north):
        assert Document.objects.get().retired_at is None
    page = client.post(_at(version, "retire/"), {"sure": "yes"}, follow=True).content.decode()
    assert "no answer quotes it any more" in page
    assert "Retire the document" not in page


def test_passages_stand_in_the_text_and_a_citation_is_marked(
    north: Tenant, browser: Browser
) -> None:
    text = "# Fees\n\nIt costs <b>5</b> & more.\n\n## Abroad\n\n" + "Word after word. " * 300
    with inside(north):
        version = knowledge.draft(text, filename="fees.txt", title="Fees")
        chunks = list(version.chunks.order_by("position"))
        start = version.text.index("<b>5</b>")
    client = browser(north)
    page = _page(client, _at(version, f"?from={start}&to={start + 8}"))
    assert "<mark>&lt;b&gt;5&lt;/b&gt;</mark> &amp; more." in page
    assert page.count('class="passage passage-cited"') == 1
    for chunk in chunks:
        assert f'id="passage-{chunk.pk}"' in page
    assert _page(client, _at(version, "?from=-1&to=x&version=99&page=x"))


def test_a_citation_far_behind_opens_its_page(
    north: Tenant, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from controlplane.portal.views import knowledge as view

    monkeypatch.setattr(view, "PASSAGES_PER_PAGE", 1)
    with inside(north):
        version = knowledge.draft()
        last = version.chunks.order_by("position").last()
    assert last is not None
    page = _page(browser(north), _at(version, f"?from={last.start}&to={last.end}"))
    assert f'id="passage-{last.pk}"' in page
    assert "Page 2 of 2" in page


def test_why_a_file_could_not_be_read(north: Tenant, browser: Browser) -> None:
    with inside(north):
        version = knowledge.draft(b"%PDF-1.7 broken", filename="x.pdf", title="Broken")
    page = _page(browser(north), _at(version))
    assert "It could not be read." in page
    assert "There is no text to show" in page


def test_a_link_that_is_none_is_not_linked(
    north: Tenant, browser: Browser, version: DocumentVersion
) -> None:
    with inside(north):
        Document.objects.update(source_url="javascript:alert(1)")
    assert "Where it is read" not in _page(browser(north), _at(version))


def test_collections_are_made_renamed_and_switched(north: Tenant, browser: Browser) -> None:
    client = browser(north, role="manager")
    address = "/knowledge/collections/"
    made = client.post(address, {"name": "Return <rules>", "language": "de"}, follow=True)
    assert "Return &lt;rules&gt;" in made.content.decode()
    with inside(north):
        collection = Collection.objects.get()
    assert (collection.slug, collection.language) == ("return-rules", "de")
    again = client.post(address, {"name": "Return rules", "language": "de"})
    assert again.status_code == 422
    assert "There is a collection of this name already." in again.content.decode()
    nameless = client.post(address, {"name": "日本", "language": "xx"})
    assert nameless.status_code == 422
    assert "at least one Latin letter" in nameless.content.decode()
    own = f"{address}{collection.pk}/"
    assert client.post(own, {f"{collection.pk}-name": ""}).status_code == 422
    client.post(own, {f"{collection.pk}-name": "Rules"})
    client.post(own, {"active": "no"})
    with inside(north):
        collection.refresh_from_db()
    assert (collection.name, collection.is_active) == ("Rules", False)
    assert "Switch on" in _page(client, address)


def test_a_question_is_tried_without_a_ticket(north: Tenant, browser: Browser) -> None:
    with inside(north):
        knowledge.approved(title="Returns <b>")
    client = browser(north)
    assert client.post("/knowledge/try/", {"question": " "}).status_code == 422
    asked = client.post("/knowledge/try/", {"question": "When are <i>refunds</i> paid?"})
    with inside(north):
        answer = Answer.objects.get()
    assert asked.headers["Location"] == f"/knowledge/answers/{answer.pk}/"
    page = _page(client, asked.headers["Location"])
    assert "When are &lt;i&gt;refunds&lt;/i&gt; paid?" in page
    assert '<mark id="mark-1-1">Refunds are paid within five working days' in page
    assert "What was found" in page
    assert re.search(r"words \d", page)
    assert "Returns &lt;b&gt;" in page
    assert "When are &lt;i&gt;refunds" in _page(client, "/knowledge/try/")


def test_where_nothing_is_known_nothing_is_made_up(north: Tenant, browser: Browser) -> None:
    client = browser(north)
    asked = client.post("/knowledge/try/", {"question": "Do you sell boats?"}, follow=True)
    page = asked.content.decode()
    assert "No sentence of your documents answers it." in page
    assert "Nothing in the approved documents is about it." in page


def test_viewers_look_and_change_nothing(
    north: Tenant, browser: Browser, version: DocumentVersion
) -> None:
    client = browser(north, role=Member.Role.VIEWER)
    page = _page(client, _at(version))
    assert "Managers of your workspace may approve it." in page
    assert 'data-testid="approve"' not in page
    posts = {
        _at(version, "versions/1/approve/"): {},
        _at(version, "versions/"): {"text": "x"},
        _at(version, "retire/"): {"sure": "yes"},
        "/knowledge/documents/new/": {},
        "/knowledge/collections/": {"name": "Mine", "language": "en"},
        "/knowledge/try/": {"question": "Why?"},
    }
    for address, form in posts.items():
        assert client.post(address, form).status_code == 403, address
    approver = browser(north, name="al")
    assert approver.post(_at(version, "versions/1/approve/")).status_code == 403
    with inside(north):
        assert DocumentVersion.objects.get().status == "draft"
        assert not Answer.objects.exists()


def test_another_tenants_documents_are_not_found(
    north: Tenant, south: Tenant, browser: Browser, version: DocumentVersion
) -> None:
    with inside(north):
        collection = Collection.objects.get()
        knowledge.approved("About rope.", filename="rope.txt", title="Rope")
    client = browser(south, role="manager")
    gets = [_at(version), _at(version, "versions/1/state/"), f"/knowledge/answers/{uuid.uuid4()}/"]
    posts = [
        _at(version, "versions/1/approve/"),
        _at(version, "versions/"),
        _at(version, "retire/"),
        f"/knowledge/collections/{collection.pk}/",
    ]
    assert [client.get(address).status_code for address in gets] == [404] * 3
    assert [client.post(address).status_code for address in posts] == [404] * 4
    asked = client.post("/knowledge/try/", {"question": "What about rope?"}, follow=True)
    assert "Rope" not in asked.content.decode().replace("What about rope?", "")
    with inside(south):
        theirs = add_document(
            collection=knowledge.make_collection(), chunks=[b"x"], filename="x.txt",
            by=knowledge.GRACE,
        )  # fmt: skip
    form = {"collection": str(collection.pk), "title": "t", "text": "x"}
    stolen = client.post("/knowledge/documents/new/", form)
    assert stolen.status_code == 422
    assert browser(north).get(_at(theirs)).status_code == 404


def test_it_is_all_there_in_german(
    north: Tenant,
    browser: Browser,
    make_member: Callable[..., Member],
    version: DocumentVersion,
) -> None:
    member = make_member(north, role="manager")
    member.language = "de"
    member.save()
    client = browser(north, member=member)
    assert "Wartet auf Genehmigung" in _page(client, "/knowledge/")
    assert "Version 1 genehmigen" in _page(client, _at(version))
    assert "Sprache ihrer Dokumente" in _page(client, "/knowledge/collections/")
    assert "Ausprobieren" in _page(client, "/knowledge/try/")
    assert "Oder den Text einfügen" in _page(client, "/knowledge/documents/new/")


def test_a_question_is_judged_by_the_limits_of_the_one_that_answers_tickets(
    north: Tenant, browser: Browser
) -> None:
    client = browser(north)
    with inside(north):
        knowledge.approved()
    assert "Judged by the default limits, since" in _page(client, "/knowledge/try/")
    _answers_tickets(north, draft_above=1, reply_above=2)
    assert re.search(r"sent by itself from 2%, a draft from 1%", _page(client, "/knowledge/try/"))
    asked = client.post("/knowledge/try/", {"question": "When are refunds paid?"})
    with inside(north):
        answer = Answer.objects.get()
    assert answer.verdict == "accept"
    page = _page(client, asked.headers["Location"])
    assert re.search(r'limits of <a href="/installations/[^"]+">Answer tickets</a>', page)
    assert "from 2%: sent by itself" in page
    with inside(north):
        Installation.objects.update(parameters={"draft_above": 40, "reply_above": 70})
    assert "by limits that were changed since" in _page(client, asked.headers["Location"])


def _answers_tickets(tenant: Tenant, **parameters: int) -> None:
    template = Template.objects.create(slug="answer-tickets", title="Answer tickets", summary=".")
    release = Release.objects.create(
        template=template,
        version="1.0.0",
        manifest={
            "title": "Answer tickets", "version": "1.0.0", "summary": ".", "n8n_minimum": "2.0.0",
            "events": ["ticket.received"], "scopes": ["knowledge:answer"],
        },
        workflow={},
        workflow_hash="x",
    )  # fmt: skip
    with inside(tenant):
        Installation.objects.create(
            template_slug=template.slug, template_title=template.title, release_id=release.pk,
            release_version="1.0.0", parameters=parameters, status="active", workflow_id="w1",
            installed_by="Grace",
        )  # fmt: skip
