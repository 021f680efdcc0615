"""Collections and documents, read and approved as a manager would have it.

A text is read in this process: the sandbox has tests of its own, and starting it for every document
would take longer than most tests do. Bytes are a file of whoever sent it, and read as such.
"""

from typing import Any
from unittest.mock import patch

from controlplane.core import sandbox
from controlplane.core.actor import Actor, ActorKind
from controlplane.knowledge.ingestion import entry
from controlplane.knowledge.models import Collection, DocumentVersion
from controlplane.knowledge.services.approval import approve_version
from controlplane.knowledge.services.collections import create_collection
from controlplane.knowledge.services.documents import add_document, add_version
from controlplane.knowledge.services.reading import READER, read_version

GRACE = Actor(
    ActorKind.MEMBER, "7", "Grace Hopper", frozenset({"knowledge:write", "knowledge:approve"})
)

RETURNS = """# Returns

Goods may be returned within 30 days of delivery. The parcel label is in the box.

## Refunds

Refunds are paid within five working days after the parcel has arrived in our warehouse.
"""


def make_collection(slug: str = "help", language: str = "en") -> Collection:
    return create_collection(slug=slug, name=slug.title(), language=language, by=GRACE)


def draft(
    text: str | bytes = RETURNS,
    *,
    collection: Collection | None = None,
    filename: str = "returns.md",
    title: str = "Returns",
    **extra: str,
) -> DocumentVersion:
    """A document as it was uploaded and read; the task that reads it is run here and now."""
    version = add_document(
        collection=collection or Collection.objects.first() or make_collection(),
        chunks=[text.encode() if isinstance(text, str) else text],
        filename=filename,
        title=title,
        by=GRACE,
        **extra,
    )
    return read_here(version) if isinstance(text, str) else read_version(version.pk)


def approved(text: str | bytes = RETURNS, **kwargs: object) -> DocumentVersion:
    return approve_version(version_id=draft(text, **kwargs).pk, by=GRACE)  # type: ignore[arg-type]


def new_draft(version: DocumentVersion, text: str) -> DocumentVersion:
    """The document's next version, read."""
    added = add_version(
        document_id=version.document_id,
        chunks=[text.encode()],
        filename=version.document.filename,
        by=GRACE,
    )
    return read_here(added)


def read_here(version: DocumentVersion) -> DocumentVersion:
    """Without the sandbox, unless a test has put another in its place."""
    if sandbox.run is not _run:
        return read_version(version.pk)
    with patch.object(sandbox, "run", _read):
        return read_version(version.pk)


_run = sandbox.run


def _read(function: str, argument: Any, **_limits: int) -> Any:
    assert function == READER
    return entry.read(argument)
