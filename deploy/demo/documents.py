"""What the tenants of the demo know: documents that are read, and approved by the partner."""

import time
from pathlib import Path

from controlplane.core.actor import Actor
from controlplane.knowledge.models import Collection, Document, DocumentVersion
from controlplane.knowledge.services.approval import approve_version
from controlplane.knowledge.services.collections import create_collection
from controlplane.knowledge.services.documents import add_document
from deploy.embedded.errors import StartFailed
from deploy.embedded.progress import Step

FOLDER = Path(__file__).parents[2] / "tests" / "data" / "demo" / "knowledge"
COLLECTION = "help"
PATIENCE = 90


def approve_all(tenant_slug: str, *, by: Actor, step: Step) -> int:
    """In the tenant that is entered. Returns how many documents answer tickets now."""
    collection = Collection.objects.filter(slug=COLLECTION).first()
    if collection is None:
        collection = create_collection(slug=COLLECTION, name="Customer help", by=by)
    for path in sorted((FOLDER / tenant_slug).iterdir()):
        title = path.stem.replace("-", " ").capitalize()
        if not Document.objects.filter(collection=collection, title=title).exists():
            with path.open("rb") as file:
                add_document(
                    collection=collection,
                    title=title,
                    filename=path.name,
                    chunks=iter(lambda: file.read(65536), b""),
                    by=by,
                )
    for version in _drafts(step):
        approve_version(version_id=version.pk, by=by)
    return DocumentVersion.objects.filter(status=DocumentVersion.Status.APPROVED).count()


def _drafts(step: Step) -> list[DocumentVersion]:
    """Once the worker has read them all."""
    deadline = time.monotonic() + PATIENCE
    versions = DocumentVersion.objects.select_related("document")
    while reading := versions.filter(status=DocumentVersion.Status.READING).count():
        if time.monotonic() > deadline:
            raise StartFailed(f"{reading} documents are still being read; see var/log/worker.log")
        step.update(f"{reading} are being read, by the worker")
        time.sleep(0.2)
    if failed := versions.filter(status=DocumentVersion.Status.FAILED).first():
        raise StartFailed(f"{failed.document}: {failed.failure}")
    return list(versions.filter(status=DocumentVersion.Status.DRAFT))
