"""From an upload to a draft: collections, what is taken, and how it is read."""

from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from controlplane.audit.models import Entry
from controlplane.core import sandbox
from controlplane.knowledge import tasks
from controlplane.knowledge.ingestion.kinds import KindUnknown
from controlplane.knowledge.models import Chunk, Document, DocumentVersion, Posting
from controlplane.knowledge.services import reading
from controlplane.knowledge.services.approval import (
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
    DocumentUnknown,
    VersionUnknown,
    add_document,
    add_version,
    get_document,
    get_version,
)
from controlplane.knowledge.services.reading import read_version
from tenants import files
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


def test_a_document_is_read_in_the_background(
    django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, Any]] = []
    monkeypatch.setattr(
        "celery.current_app.send_task",
        lambda name, kwargs, headers, **_: sent.append((name, kwargs)),
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
    monkeypatch.setattr(reading, "MEMORY_MB", 110)

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


def test_the_same_content_in_the_same_collection_is_the_same_document() -> None:
    first = draft()

    assert draft(title="Another title").pk == first.pk
    other = draft(collection=make_collection("other"))
    assert other.document_id != first.document_id


def test_content_of_a_retired_document_may_come_again() -> None:
    first = approved()
    retire_document(document_id=first.document_id, by=GRACE)

    assert draft().document_id != first.document_id


def test_one_that_waits_to_be_read_is_read_where_it_is_sent_again(
    django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first message was lost: Redis was away, or a worker was killed."""
    collection, sent = make_collection(), []
    monkeypatch.setattr(
        "celery.current_app.send_task", lambda _name, kwargs, **_: sent.append(kwargs)
    )

    def add() -> DocumentVersion:
        return add_document(collection=collection, chunks=[b"Text."], filename="a.md", by=GRACE)

    version = add()
    with django_capture_on_commit_callbacks(execute=True):
        add()
        add_version(document_id=version.document_id, chunks=[b"Text."], filename="a.md", by=GRACE)
    read_version(version.pk)
    with django_capture_on_commit_callbacks(execute=True):
        add()

    assert sent == [{"version_id": str(version.pk)}] * 2


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
