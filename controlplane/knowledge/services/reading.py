"""Reading an uploaded file: in a process with limits, then kept as a draft with its passages."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from controlplane.core import sandbox
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.logs import get_logger
from controlplane.core.text import made_storable
from controlplane.knowledge.index import vectors
from controlplane.knowledge.models import Chunk, Document, DocumentVersion
from controlplane.knowledge.services.documents import get_version
from controlplane.knowledge.services.indexing import embedded
from tenants import files

READER = "controlplane.knowledge.ingestion.entry:read"
SECONDS = 60
MEMORY_MB = 1024
WAITS_FROM, WAITS_UNTIL = timedelta(minutes=10), timedelta(days=1)
MOST_AT_ONCE = 100

log = get_logger(__name__)

_WHY = {
    "time": "Reading took too long, so it was stopped. Split the document, or save it anew.",
    "memory": "Reading took too much memory, so it was stopped. Split the document.",
    "crash": "The file is damaged so that its reader broke off. Save it anew and upload that.",
    "output": "The document holds too much text to be kept. Split it.",
}


def read_version(version_id: uuid.UUID, *, is_last_try: bool = True) -> DocumentVersion:
    """Turn the file into text and passages; the version becomes a draft, or failed with a reason.

    A version that was read already stays as it is, and so does one that a busy server did not get
    to the end of, before the last try. Raises VersionUnknown, Busy.
    """
    version = get_version(version_id)
    if version.status != version.Status.READING:
        return version
    found = _read(version, is_last_try)
    if "refused" in found:
        return _finish(version, refused=found["refused"])
    chunks = [
        Chunk(
            version=version,
            position=position,
            start=span["start"],
            end=span["end"],
            heading=span["heading"],
            text=found["text"][span["start"] : span["end"]],
            length=len(found["text"][span["start"] : span["end"]].split()),
        )
        for position, span in enumerate(found["chunks"], start=1)
    ]
    version.text, version.notes = found["text"], found["notes"]
    # Takes seconds to minutes, so not while rows are held.
    return _finish(version, chunks=chunks, by_chunk=embedded(chunks))


def ingest_waiting() -> int:
    """Enqueue again what waits to be read: its message was lost, or the server was too busy.

    For the tenant that is entered; what waits for more than a day has to be uploaded again.
    """
    now = timezone.now()
    waiting = DocumentVersion.objects.filter(
        status=DocumentVersion.Status.READING,
        updated_at__lt=now - WAITS_FROM,
        updated_at__gt=now - WAITS_UNTIL,
    )
    ids = list(waiting.order_by("updated_at").values_list("pk", flat=True)[:MOST_AT_ONCE])
    for pk in ids:
        enqueue_on_commit("knowledge.ingest", version_id=str(pk))
    return len(ids)


def _read(version: DocumentVersion, is_last_try: bool) -> dict[str, Any]:
    try:
        path = files.path_of(version.sha256)
        answer: dict[str, Any] = sandbox.run(
            READER,
            {"path": str(path), "kind": version.kind},
            seconds=SECONDS,
            memory_mb=MEMORY_MB,
        )
    except files.FileGone as error:
        return {"refused": {"code": error.code, "message": error.detail}}
    except sandbox.Failed as failure:
        if isinstance(failure, sandbox.Late) and not is_last_try:
            raise sandbox.Busy(
                "The document could not be read in time while the server had much to do. "
                "Try again in a minute."
            ) from failure
        log.warning("knowledge.unreadable", reason=failure.reason, detail=failure.detail)
        return {"refused": {"code": f"reading_{failure.reason}", "message": _WHY[failure.reason]}}
    return answer


@transaction.atomic
def _finish(
    version: DocumentVersion,
    *,
    refused: dict[str, str] | None = None,
    chunks: list[Chunk] | None = None,
    by_chunk: dict[uuid.UUID, list[float]] | None = None,
) -> DocumentVersion:
    Document.objects.select_for_update().get(pk=version.document_id)
    status = DocumentVersion.objects.values_list("status", flat=True).get(pk=version.pk)
    if status != version.Status.READING:
        # Read twice at once, or retired meanwhile.
        return get_version(version.pk)
    if refused is not None:
        version.status = version.Status.FAILED
        version.failure_code = refused["code"]
        version.failure = made_storable(refused["message"])[:500]
    else:
        Chunk.objects.bulk_create(chunks or [])
        if by_chunk and vectors.exists():
            vectors.keep(by_chunk)
        version.status = version.Status.DRAFT
    version.save()
    return version
