"""Keeping the index in step with what is approved."""

import uuid
from collections.abc import Iterable

from django.db import transaction

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.locks import alone
from controlplane.core.logs import get_logger
from controlplane.knowledge import embedding
from controlplane.knowledge.index import index_for, passage_index, vectors
from controlplane.knowledge.index.port import IndexedPassage
from controlplane.knowledge.models import Chunk, Collection, DocumentVersion
from tenants.context import current_schema, inside
from tenants.models import Tenant

log = get_logger(__name__)


def replace_version(version: DocumentVersion, former: DocumentVersion | None) -> None:
    """Search `version` instead of `former`: with the commit, or soon after it.

    An index beside PostgreSQL follows in the background; what it still says of the former version
    is dropped by `retrieval`.
    """
    if passage_index().is_transactional:
        if former is not None:
            passage_index().remove(current_schema(), former.pk)
        passage_index().put(current_schema(), passages_of(version))
    else:
        _enqueue(version, former)
    enqueue_on_commit("knowledge.tend_vectors")


def withdraw_version(version: DocumentVersion) -> None:
    """Search it no more."""
    if passage_index().is_transactional:
        passage_index().remove(current_schema(), version.pk)
    else:
        _enqueue(version)


def index_version(version_id: uuid.UUID) -> None:
    """Bring the index to what the version's row says: in it where it is approved, else out of it.

    May be repeated, and does not depend on the order in which messages come.
    """
    version = (
        DocumentVersion.objects.approved()
        .select_related("document__collection")
        .filter(pk=version_id)
        .first()
    )
    if version is None:
        passage_index().remove(current_schema(), version_id)
    else:
        passage_index().put(current_schema(), passages_of(version))


@transaction.atomic
def reindex(*, collections: Iterable[Collection] | None = None, by: Actor) -> int:
    """Have every approved version indexed again, in all collections where none is named.

    For another index, or an embedding model that came later; answers how many versions those are.
    """
    chosen = Collection.objects.all() if collections is None else collections
    count = 0
    for collection in chosen:
        versions = list(DocumentVersion.objects.approved().filter(document__collection=collection))
        _enqueue(*versions)
        count += len(versions)
        record(
            action="collection.reindexed",
            subject_type="collection",
            subject_id=str(collection.pk),
            data={"slug": collection.slug, "versions": len(versions)},
            by=by,
        )
    return count


def move_index(tenant: Tenant, region_before: str, by: Actor) -> None:
    """After a change of region: into the index that is allowed now, and out of the former.

    May be repeated. Raises IndexUnreachable; then passages may still be in the former.
    """
    with inside(tenant):
        former, now = index_for(region_before), passage_index()
        if former is now:
            return
        reindex(by=by)
        former.drop_tenant(tenant.schema_name)


def index_restored(tenant: Tenant, by: Actor) -> None:
    """After a backup was restored: an index in PostgreSQL came along, any other begins anew."""
    with inside(tenant):
        if not passage_index().is_transactional:
            reindex(by=by)


def passages_of(version: DocumentVersion) -> list[IndexedPassage]:
    """As they are put into an index, with the vectors that were made when it was read."""
    document = version.document
    chunks = list(version.chunks.order_by("position"))
    by_chunk = _vectors_of(version, chunks)
    return [
        IndexedPassage(
            chunk_id=chunk.pk,
            document_id=document.pk,
            version_id=version.pk,
            collection=document.collection.slug,
            language=document.collection.language,
            heading=chunk.heading,
            text=chunk.text,
            vector=by_chunk.get(chunk.pk),
        )
        for chunk in chunks
    ]


def embedded(chunks: Iterable[Chunk]) -> dict[uuid.UUID, list[float]]:
    """A vector for each, of its heading and its text; none where no model is installed."""
    chunks = list(chunks)
    try:
        made = embedding.embed([f"{chunk.heading}\n{chunk.text}".strip() for chunk in chunks])
    except embedding.NoModel:
        return {}
    return dict(zip([chunk.pk for chunk in chunks], made, strict=True))


def tend_vectors() -> None:
    """Build the HNSW index where the tenant has grown beyond what is searched exactly."""
    if not vectors.exists() or vectors.has_hnsw() or vectors.count() < vectors.HNSW_FROM:
        return
    with alone("knowledge.hnsw", current_schema()):
        if not vectors.has_hnsw():
            log.info("knowledge.hnsw_building", vectors=vectors.count())
            vectors.build_hnsw(current_schema())


def _vectors_of(version: DocumentVersion, chunks: list[Chunk]) -> dict[uuid.UUID, list[float]]:
    kept = vectors.load(version.pk)
    missing = [chunk for chunk in chunks if chunk.pk not in kept]
    return {**kept, **embedded(missing)}


def _enqueue(*versions: DocumentVersion | None) -> None:
    for version in versions:
        if version is not None:
            enqueue_on_commit("knowledge.index_version", version_id=str(version.pk))
