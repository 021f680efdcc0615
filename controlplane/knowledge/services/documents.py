"""Documents and their versions: taken in here, read in the background."""

import uuid
from collections.abc import Iterable, Sequence

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.text import made_storable
from controlplane.knowledge.ingestion.kinds import kind_of
from controlplane.knowledge.models import Collection, Document, DocumentVersion
from tenants import files


class DocumentUnknown(DomainError):
    code = "document_unknown"
    status = 404
    title = "No such document"


class VersionUnknown(DomainError):
    code = "document_version_unknown"
    status = 404
    title = "No such version of a document"


class DocumentRetired(DomainError):
    code = "document_retired"
    status = 409
    title = "The document was retired"


class DocumentEmpty(DomainError):
    code = "document_empty"
    status = 422
    title = "The file is empty"


def add_document(
    *,
    collection: Collection,
    chunks: Iterable[bytes],
    filename: str,
    title: str = "",
    kind: str = "",
    content_type: str = "",
    source_url: str = "",
    tags: Sequence[str] = (),
    by: Actor,
) -> DocumentVersion:
    """Keep the file and have it read; what comes of it is a draft that somebody approves.

    The same content again, in the same collection, is answered with what is there already. `kind`
    is taken from name and content type where it is not given. Raises FileTooLarge, KindUnknown,
    DocumentEmpty.
    """
    kind = kind_of(filename, content_type, kind)
    stored = _stored(chunks)
    with transaction.atomic():
        # Held until the commit, so that the same upload twice at once is noticed.
        Collection.objects.select_for_update().get(pk=collection.pk)
        known = _with_content(collection, stored.sha256)
        if known is not None:
            return _as_it_is(known)
        filename = _plain(filename, 255)
        document = Document.objects.create(
            collection=collection,
            title=_plain(title, 300) or filename or "–",
            filename=filename,
            source_url=_plain(source_url, 2000),
            tags=[_plain(tag, 60) for tag in tags],
        )
        return _new_version(document, 1, kind, stored, by, action="document.added")


def add_version(
    *,
    document_id: uuid.UUID,
    chunks: Iterable[bytes],
    filename: str,
    kind: str = "",
    content_type: str = "",
    by: Actor,
) -> DocumentVersion:
    """A new text of a document; the approved one is searched until this one is approved.

    The newest version's own content again is answered with that version. Raises DocumentUnknown,
    DocumentRetired, FileTooLarge, KindUnknown, DocumentEmpty.
    """
    kind = kind_of(filename, content_type, kind)
    _assert_current(get_document(document_id))
    stored = _stored(chunks)
    with transaction.atomic():
        document = Document.objects.select_for_update().get(pk=document_id)
        _assert_current(document)
        newest = document.newest_version
        if newest and newest.sha256 == stored.sha256 and newest.status != newest.Status.FAILED:
            return _as_it_is(newest)
        document.filename = _plain(filename, 255) or document.filename
        document.save(update_fields=["filename", "updated_at"])
        number = (document.versions.aggregate(last=Max("number"))["last"] or 0) + 1
        return _new_version(document, number, kind, stored, by, action="document.changed")


def get_document(document_id: uuid.UUID) -> Document:
    """Raises DocumentUnknown."""
    try:
        return Document.objects.select_related("collection").get(pk=document_id)
    except Document.DoesNotExist:
        raise DocumentUnknown(
            f"This tenant has no document {document_id}.",
            errors=(FieldError("document_id", "names no document"),),
        ) from None


def get_version(version_id: uuid.UUID, document_id: uuid.UUID | None = None) -> DocumentVersion:
    """Of that document, where one is named. Raises VersionUnknown."""
    versions = DocumentVersion.objects.select_related("document__collection")
    if document_id is not None:
        versions = versions.filter(document_id=document_id)
    try:
        return versions.get(pk=version_id)
    except DocumentVersion.DoesNotExist:
        raise VersionUnknown(
            f"This tenant has no version {version_id} of a document.",
            errors=(FieldError("version_id", "names no version"),),
        ) from None


def _stored(chunks: Iterable[bytes]) -> files.StoredFile:
    stored = files.store(chunks, limit=settings.DOCUMENT_MAX_BYTES)
    if stored.size == 0:
        raise DocumentEmpty(
            "The file has no bytes. Send it again.", errors=(FieldError("file", "is empty"),)
        )
    return stored


def _with_content(collection: Collection, sha256: str) -> DocumentVersion | None:
    """The newest version of a document that is in use, where it has this very content."""
    candidates = DocumentVersion.objects.filter(
        sha256=sha256, document__collection=collection, document__retired_at__isnull=True
    ).exclude(status=DocumentVersion.Status.FAILED)
    for version in candidates.select_related("document__collection"):
        if version == version.document.newest_version:
            return version
    return None


def _as_it_is(version: DocumentVersion) -> DocumentVersion:
    """Sent again while it waits to be read, it is read soon: the broker may have lost the first."""
    if version.status == version.Status.READING:
        enqueue_on_commit("knowledge.ingest", version_id=str(version.pk))
    return version


def _new_version(
    document: Document,
    number: int,
    kind: str,
    stored: files.StoredFile,
    by: Actor,
    *,
    action: str,
) -> DocumentVersion:
    version = DocumentVersion.objects.create(
        document=document,
        number=number,
        kind=kind,
        sha256=stored.sha256,
        size=stored.size,
        created_by=by.label,
    )
    enqueue_on_commit("knowledge.ingest", version_id=str(version.pk))
    record(
        action=action,
        subject_type="document",
        subject_id=str(document.pk),
        data={
            "title": document.title,
            "collection": document.collection.slug,
            "version": number,
            "kind": kind,
            "sha256": stored.sha256,
        },
        by=by,
    )
    return version


def _assert_current(document: Document) -> None:
    if document.retired_at:
        raise DocumentRetired(
            f"“{document.title}” was retired on {document.retired_at:%Y-%m-%d %H:%M} UTC. Add the "
            "file as a new document."
        )


def _plain(text: str, longest: int) -> str:
    return " ".join(made_storable(text).split())[:longest]
