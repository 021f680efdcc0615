"""Reading an uploaded file: in a process with limits, then kept as a draft with its passages."""

import uuid
from typing import Any

from django.db import transaction

from controlplane.core import sandbox
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

log = get_logger(__name__)

_WHY = {
    "time": "Reading took too long, so it was stopped. Split the document, or save it anew.",
    "memory": "Reading took too much memory, so it was stopped. Split the document.",
    "crash": "The file is damaged so that its reader broke off. Save it anew and upload that.",
    "output": "The document holds too much text to be kept. Split it.",
}


def read_version(version_id: uuid.UUID) -> DocumentVersion:
    """Turn the file into text and passages; the version becomes a draft, or failed with a reason.

    A version that was read already stays as it is. Raises VersionUnknown.
    """
    version = get_version(version_id)
    if version.status != version.Status.READING:
        return version
    found = _read(version)
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


def _read(version: DocumentVersion) -> dict[str, Any]:
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
