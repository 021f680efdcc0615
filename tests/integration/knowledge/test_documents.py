"""From an upload to a draft, to what is searched, to what no longer is."""

import csv
import io
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from celery.exceptions import Retry
from django.conf import settings
from django.db import IntegrityError, transaction
from django.test import override_settings

from controlplane.audit.models import Entry
from controlplane.core import sandbox
from controlplane.core.actor import Actor, ActorKind, system
from controlplane.core.jobs import TENANT_HEADER
from controlplane.knowledge import embedding, tasks
from controlplane.knowledge.index import vectors
from controlplane.knowledge.index.weaviate_client import IndexUnreachable
from controlplane.knowledge.ingestion.kinds import KindUnknown
from controlplane.knowledge.models import Chunk, Collection, Document, DocumentVersion, Posting
from controlplane.knowledge.services import reading
from controlplane.knowledge.services.approval import (
    NotAnApprover,
    VersionNotReady,
    approve_version,
    retire_document,
)
from controlplane.knowledge.services.collections import (
    CollectionExists,
    CollectionUnknown,
    CollectionUnusable,
    create_collection,
    get_collection,
)
from controlplane.knowledge.services.documents import (
    DocumentEmpty,
    DocumentRetired,
    DocumentUnknown,
    VersionUnknown,
    add_document,
    add_version,
    get_document,
    get_version,
)
from controlplane.knowledge.services.indexing import index_version, reindex
from controlplane.knowledge.services.reading import read_version
from tenants import files
from tenants.models import Tenant
from tests.factories.knowledge import (
    GRACE,
    RETURNS,
    approved,
    draft,
    make_collection,
    new_draft,
)
from tests.factories.pdfs import pdf_bomb

pytestmark = pytest.mark.usefixtures("tenant")

Status = DocumentVersion.Status


def actions() -> list[str]:
    return list(Entry.objects.order_by("sequence").values_list("action", flat=True))


def postings_of(version: DocumentVersion) -> int:
    return Posting.objects.filter(chunk__version=version).count()


# --- Collections -------------------------------------------------------------------------------


def test_a_collection_is_made_once() -> None:
    made = make_collection("help")

    with pytest.raises(CollectionExists):
        make_collection("help")
    assert get_collection("help") == get_collection(made.pk) == made
    assert actions()[-1] == "collection.created"


@pytest.mark.parametrize(
    "fault", [{"slug": "with space"}, {"language": "english"}, {"slug": ""}, {"name": ""}]
)
def test_a_collection_has_a_short_name_and_a_language(fault: dict[str, str]) -> None:
    with pytest.raises(CollectionUnusable) as error:
        create_collection(**{"slug": "x", "name": "X", "language": "en", **fault}, by=GRACE)

    assert [each.field for each in error.value.errors] == list(fault)


def test_a_collection_that_is_not_there_says_so() -> None:
    with pytest.raises(CollectionUnknown, match="nowhere"):
        get_collection("nowhere")


# --- Reading -----------------------------------------------------------------------------------


def test_a_document_is_read_in_the_background(
    django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, Any]] = []
    monkeypatch.setattr(
        "celery.current_app.send_task", lambda name, kwargs, headers: sent.append((name, kwargs))
    )
    with django_capture_on_commit_callbacks(execute=True):
        version = add_document(
            collection=make_collection(), chunks=[b"# A\n\nText."], filename="a.md", by=GRACE
        )

    assert version.status == Status.READING
    assert sent == [("knowledge.ingest", {"version_id": str(version.pk)})]
    tasks.ingest(version_id=str(version.pk), added_later="ignored")
    version.refresh_from_db()
    assert version.status == Status.DRAFT


def test_a_draft_has_its_text_its_passages_and_its_file() -> None:
    version = draft()

    assert version.number == 1
    assert version.created_by == "Grace Hopper"
    assert files.read_file(version.sha256) == RETURNS.encode()
    assert [chunk.heading for chunk in version.chunks.all()] == ["Returns", "Returns › Refunds"]
    for chunk in version.chunks.all():
        assert version.text[chunk.start : chunk.end] == chunk.text
        assert chunk.length == len(chunk.text.split())
    assert actions()[-2:] == ["collection.created", "document.added"]
    assert postings_of(version) == 0, "only approved passages count in document frequencies"


@pytest.mark.parametrize(
    ("filename", "content", "kind"),
    [
        ("a.md", b"# A\n\nText.", "markdown"),
        ("a.html", b"<h1>A</h1><p>Text.", "html"),
        ("a.txt", b"Text.", "text"),
        ("a.csv", b"question,answer\nA?,Text.\n", "faq"),
    ],
)
def test_each_kind_is_read(filename: str, content: bytes, kind: str) -> None:
    version = draft(content, filename=filename)

    assert (version.status, version.kind) == (Status.DRAFT, kind)
    assert [chunk.text for chunk in version.chunks.all()] == ["Text."]


def test_a_broken_file_fails_with_a_reason_and_can_be_sent_again() -> None:
    version = draft(b"%PDF-1.7 nothing", filename="a.pdf")

    assert version.status == Status.FAILED
    assert version.failure_code == "pdf_broken"
    assert version.failure
    with pytest.raises(VersionNotReady, match="could not be read"):
        approve_version(version_id=version.pk, by=GRACE)
    again = draft(b"%PDF-1.7 nothing", filename="a.pdf")
    assert again.pk != version.pk


@pytest.mark.parametrize("reason", ["time", "memory", "crash", "output"])
def test_a_reader_that_had_to_be_stopped_fails_the_version(
    monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise sandbox.Failed(reason)

    monkeypatch.setattr(sandbox, "run", fail)

    version = draft()

    assert (version.status, version.failure_code) == (Status.FAILED, f"reading_{reason}")


def test_a_bomb_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MEMORY_MB", 160)

    version = draft(b"<p>" + b"<b>x</b>" * 400_000, filename="bomb.html")

    assert version.failure_code in {
        "reading_memory",
        "reading_crash",
        "reading_time",
        "html_broken",
    }


def test_a_pdf_bomb_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SECONDS", 2)
    bomb = pdf_bomb(3_000_000)
    assert len(bomb) < 500_000

    version = draft(bomb, filename="bomb.pdf")

    assert version.status == Status.FAILED
    assert version.failure_code in {"reading_time", "reading_memory", "reading_crash"}
    assert version.failure


def test_a_file_that_is_gone_fails_the_version() -> None:
    version = add_document(
        collection=make_collection(), chunks=[b"Text."], filename="a.txt", by=GRACE
    )
    files.delete(version.sha256)

    assert read_version(version.pk).failure_code == "file_gone"


def test_read_twice_nothing_changes() -> None:
    version = draft()
    before = list(version.chunks.values_list("pk"))

    assert read_version(version.pk).status == Status.DRAFT
    assert list(version.chunks.values_list("pk")) == before


def test_a_version_that_was_retired_while_it_was_read_stays_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    version = add_document(
        collection=make_collection(), chunks=[b"Text."], filename="a.txt", by=GRACE
    )
    run = sandbox.run

    def retire_meanwhile(*args: Any, **kwargs: Any) -> Any:
        retire_document(document_id=version.document_id, by=GRACE)
        return run(*args, **kwargs)

    monkeypatch.setattr(sandbox, "run", retire_meanwhile)

    assert read_version(version.pk).status == Status.RETIRED
    assert Chunk.objects.count() == 0


# --- Adding ------------------------------------------------------------------------------------


def test_the_same_content_in_the_same_collection_is_the_same_document() -> None:
    first = draft()

    assert draft(title="Another title").pk == first.pk
    other = draft(collection=make_collection("other"))
    assert other.document_id != first.document_id


def test_content_of_a_retired_document_may_come_again() -> None:
    first = approved()
    retire_document(document_id=first.document_id, by=GRACE)

    assert draft().document_id != first.document_id


def test_the_same_content_is_no_new_version() -> None:
    version = approved()

    assert new_draft(version, RETURNS).pk == version.pk
    assert new_draft(version, RETURNS + "More.").number == 2


def test_what_is_not_taken_says_why() -> None:
    collection = make_collection()

    def add(content: bytes, filename: str) -> None:
        add_document(collection=collection, chunks=[content], filename=filename, by=GRACE)

    with pytest.raises(KindUnknown):
        add(b"x", "a.exe")
    with pytest.raises(DocumentEmpty):
        add(b"", "a.md")
    with override_settings(DOCUMENT_MAX_BYTES=10), pytest.raises(files.FileTooLarge):
        add(b"x" * 11, "a.md")
    assert Document.objects.count() == 0


def test_names_from_outside_are_made_plain() -> None:
    version = draft(title=" A\x00 \n title " + "x" * 400, filename="../../etc/pass\x00wd.md")

    assert version.document.title.startswith("A\ufffd title xxx")
    assert len(version.document.title) == 300
    assert version.document.filename == "../../etc/pass\ufffdwd.md"
    assert files.path_of(version.sha256).is_relative_to(settings.FILES_ROOT)


def test_what_is_not_there_says_so() -> None:
    version = draft()

    with pytest.raises(DocumentUnknown):
        get_document(version.pk)
    with pytest.raises(VersionUnknown):
        get_version(version.document_id)
    with pytest.raises(VersionUnknown):
        approve_version(version_id=version.pk, document_id=version.pk, by=GRACE)
    with pytest.raises(DocumentUnknown):
        add_version(document_id=version.pk, chunks=[b"x"], filename="a.md", by=GRACE)


# --- Approving and retiring --------------------------------------------------------------------


def test_approving_says_who_and_when_and_puts_it_into_the_index() -> None:
    version = approved()

    assert version.status == Status.APPROVED
    assert version.approved_by == "Grace Hopper"
    assert version.approved_at is not None
    assert postings_of(version) > 10
    assert actions()[-1] == "document.approved"


def test_approved_again_nothing_changes() -> None:
    version = approved()
    before = actions()

    assert approve_version(version_id=version.pk, by=GRACE).approved_at == version.approved_at
    assert actions() == before


@pytest.mark.parametrize(
    "by",
    [
        system("demo"),
        Actor(ActorKind.MACHINE, "1", "Key", frozenset({"knowledge:approve"})),
        Actor(ActorKind.MEMBER, "1", "Viewer", frozenset({"knowledge:write"})),
    ],
    ids=lambda actor: str(actor.kind),
)
def test_only_a_person_with_the_scope_approves_and_retires(by: Actor) -> None:
    version = draft()

    with pytest.raises(NotAnApprover):
        approve_version(version_id=version.pk, by=by)
    with pytest.raises(NotAnApprover):
        retire_document(document_id=version.document_id, by=by)
    version.refresh_from_db()
    assert version.status == Status.DRAFT


def test_what_is_being_read_cannot_be_approved() -> None:
    version = add_document(
        collection=make_collection(), chunks=[b"Text."], filename="a.txt", by=GRACE
    )

    with pytest.raises(VersionNotReady, match="still being read"):
        approve_version(version_id=version.pk, by=GRACE)


def test_the_new_version_replaces_the_old_one_in_one_transaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = approved()
    new = new_draft(old, "# Returns\n\nWithin 60 days.")

    def fail(*_args: Any) -> None:
        raise RuntimeError("the index is broken")

    with monkeypatch.context() as patch:
        patch.setattr("controlplane.knowledge.index.postgres._put", fail)
        with pytest.raises(RuntimeError), transaction.atomic():
            approve_version(version_id=new.pk, by=GRACE)
    old.refresh_from_db()
    assert old.status == Status.APPROVED
    assert postings_of(old) > 0

    approve_version(version_id=new.pk, by=GRACE)
    old.refresh_from_db()
    assert old.status == Status.RETIRED
    assert postings_of(old) == 0
    assert postings_of(new) > 0
    with pytest.raises(VersionNotReady, match="was retired"):
        approve_version(version_id=old.pk, by=GRACE)


def test_the_database_holds_one_approved_version_of_a_document() -> None:
    version = approved()
    new = new_draft(version, "Other.")

    with (
        pytest.raises(IntegrityError, match="knowledge_one_approved_version"),
        transaction.atomic(),
    ):
        DocumentVersion.objects.filter(pk=new.pk).update(
            status=Status.APPROVED, approved_by="x", approved_at=version.approved_at
        )


def test_a_retired_document_takes_no_new_version() -> None:
    version = approved()
    retire_document(document_id=version.document_id, by=GRACE)
    again = retire_document(document_id=version.document_id, by=GRACE)

    assert again.retired_at is not None
    assert postings_of(version) == 0
    assert actions().count("document.retired") == 1
    with pytest.raises(DocumentRetired):
        new_draft(version, "Other.")


# --- The index ---------------------------------------------------------------------------------


def test_reindexing_brings_every_approved_version_back(
    django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, unapproved = approved(), draft("Draft.")
    Posting.objects.all().delete()
    sent: list[str] = []
    monkeypatch.setattr(
        "celery.current_app.send_task",
        lambda name, kwargs, headers: sent.append(kwargs["version_id"]),
    )

    with django_capture_on_commit_callbacks(execute=True):
        assert reindex(by=GRACE) == 1
    assert sent == [str(version.pk)]
    tasks.index_version(version_id=str(version.pk))

    assert postings_of(version) > 0
    index_version(unapproved.pk)
    assert postings_of(unapproved) == 0


def test_an_admin_has_a_collection_indexed_again(
    tenant: Tenant, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.contrib import admin
    from django.contrib.auth.models import User
    from django.contrib.messages.storage.cookie import CookieStorage
    from django.test import RequestFactory

    version = approved()
    approved("Other.", collection=make_collection("other"))
    sent: list[str] = []
    monkeypatch.setattr(
        "celery.current_app.send_task",
        lambda name, kwargs, headers: sent.append(kwargs["version_id"]),
    )
    request: Any = RequestFactory().post("/")
    request.user, request._messages = User(pk=1, username="ops"), CookieStorage(request)

    with django_capture_on_commit_callbacks(execute=True):
        chosen: Any = admin.site._registry[Collection]
        chosen.index_again(request, Collection.objects.filter(slug="help"))

    assert sent == [str(version.pk)]
    entry = Entry.objects.order_by("-sequence").first()
    assert entry is not None
    assert (entry.action, entry.actor_label) == ("collection.reindexed", "ops (platform)")


def test_an_index_that_does_not_answer_is_tried_again_inside_the_same_tenant(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Any] = []

    def fail(_version_id: uuid.UUID) -> None:
        raise IndexUnreachable("no route")

    monkeypatch.setattr(tasks.indexing, "index_version", fail)
    monkeypatch.setattr(
        "celery.canvas.Signature.apply_async", lambda signature, **_: tried.append(signature)
    )
    task: Any = tasks.index_version
    task.push_request(
        id="1", args=[], kwargs={"version_id": str(uuid.uuid4())}, called_directly=False,
        headers={TENANT_HEADER: tenant.schema_name}, retries=0, is_eager=False,
    )  # fmt: skip
    try:
        with pytest.raises(Retry):
            task.run(version_id=str(uuid.uuid4()))
    finally:
        task.pop_request()

    assert [signature.options["headers"][TENANT_HEADER] for signature in tried] == ["t_north"]


def test_vectors_that_were_not_made_when_it_was_read_are_made_when_it_is_indexed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(embedding, "available", lambda: False)
        version = approved()
    assert vectors.load(version.pk) == {}

    index_version(version.pk)

    assert len(vectors.load(version.pk)) == version.chunks.count()


def test_a_long_table_of_pairs_is_indexed_whole() -> None:
    table = io.StringIO()
    csv.writer(table).writerows((f"Question {n}?", f"Answer {n}.") for n in range(450))

    version = approved(table.getvalue(), filename="many.csv")

    assert version.chunks.count() == 450
    assert Chunk.objects.filter(indexed__isnull=False).count() == 450
    assert Collection.objects.count() == 1


def test_a_list_of_documents_asks_as_often_for_many_as_for_one(
    django_assert_num_queries: Callable[..., Any],
) -> None:
    for number in range(3):
        draft(f"Text {number}.", filename=f"{number}.txt")

    with django_assert_num_queries(2):
        found = Document.objects.recent().select_related("collection").prefetch_related("versions")
        assert [len(document.versions.all()) for document in found] == [1, 1, 1]
