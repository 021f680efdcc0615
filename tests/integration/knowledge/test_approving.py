"""What is searched because somebody approved it, what no longer is, and the index that follows."""

import csv
import io
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from celery.exceptions import Retry
from django.db import IntegrityError, transaction

from controlplane.audit.models import Entry
from controlplane.core.actor import Actor, ActorKind, system
from controlplane.core.jobs import TENANT_HEADER
from controlplane.knowledge import embedding, tasks
from controlplane.knowledge.index import vectors
from controlplane.knowledge.index.weaviate_client import IndexUnreachable
from controlplane.knowledge.models import Chunk, Collection, Document, DocumentVersion, Posting
from controlplane.knowledge.services.approval import (
    NotAnApprover,
    VersionNotReady,
    approve_version,
    retire_document,
)
from controlplane.knowledge.services.documents import (
    DocumentRetired,
    add_document,
)
from controlplane.knowledge.services.indexing import index_version, reindex
from tenants.models import Tenant
from tests.factories.knowledge import (
    GRACE,
    approved,
    draft,
    make_collection,
    new_draft,
)

pytestmark = pytest.mark.usefixtures("tenant")

Status = DocumentVersion.Status


def actions() -> list[str]:
    return list(Entry.objects.order_by("sequence").values_list("action", flat=True))


def postings_of(version: DocumentVersion) -> int:
    return Posting.objects.filter(chunk__version=version).count()


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


def test_reindexing_brings_every_approved_version_back(
    django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    version, unapproved = approved(), draft("Draft.")
    Posting.objects.all().delete()
    sent: list[str] = []
    monkeypatch.setattr(
        "celery.current_app.send_task",
        lambda name, kwargs, headers, **_: sent.append(kwargs["version_id"]),
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
        lambda name, kwargs, headers, **_: sent.append(kwargs["version_id"]),
    )
    request: Any = RequestFactory().post("/")
    request.in_tenant_admin = True
    request.user, request._messages = User(pk=1, username="ops"), CookieStorage(request)

    with django_capture_on_commit_callbacks(execute=True):
        chosen: Any = admin.site._registry[Collection]
        chosen.index_again(request, Collection.objects.filter(slug="help"))

    assert sent == [str(version.pk)]
    entry = Entry.objects.order_by("-sequence").first()
    assert entry is not None
    assert (entry.action, entry.actor_label) == ("collection.reindexed", "ops (platform support)")


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
