"""Passages that answer a question: only of versions that are approved at this very moment."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from controlplane.core.text import made_storable
from controlplane.knowledge import embedding
from controlplane.knowledge.index import passage_index
from controlplane.knowledge.index.port import Hit, Query
from controlplane.knowledge.models import Chunk, Collection, DocumentVersion
from tenants.context import current_schema, current_tenant

LONGEST_QUESTION = 2000


@dataclass(frozen=True)
class Passage:
    """`version_text[start:end] == text`; `url` is the source's own, else the portal's page.

    `similarity` is the cosine (None without an embedding model), `keyword_score` BM25 (None where
    no word is shared); `score` orders the passages of one search only.
    """

    chunk_id: uuid.UUID
    document_id: uuid.UUID
    version_id: uuid.UUID
    title: str
    version: int
    collection: str
    language: str
    heading: str
    text: str
    start: int
    end: int
    url: str
    score: float
    keyword_rank: int | None
    dense_rank: int | None
    keyword_score: float | None
    similarity: float | None


def search(
    *,
    question: str,
    limit: int = 50,
    collections: Sequence[str] | None = None,
    language: str | None = None,
) -> list[Passage]:
    """The best first. `collections` are slugs, None all of them; so with `language`.

    Whatever the index says, PostgreSQL's rows decide: draft, retired and inactive are dropped.
    """
    asked = made_storable(question)[:LONGEST_QUESTION].strip()
    scope = _open_collections(collections)
    if not asked or scope is None:
        return []
    query = Query(
        text=asked,
        vector=embedding.embed_one(asked),
        language=language,
        collections=scope,
        limit=limit,
    )
    hits = passage_index().search(current_schema(), query)
    return _checked(hits, collections, language)[:limit]


def _open_collections(wanted: Sequence[str] | None) -> tuple[str, ...] | None:
    """The slugs to search in: none named where all may be, None where nothing may be."""
    rows = Collection.objects.values_list("slug", "is_active")
    chosen = [slug for slug, active in rows if active and (wanted is None or slug in wanted)]
    if not chosen:
        return None
    return () if len(chosen) == len(rows) else tuple(chosen)


def _checked(
    hits: list[Hit], collections: Sequence[str] | None, language: str | None
) -> list[Passage]:
    chunks = Chunk.objects.filter(
        pk__in=[hit.chunk_id for hit in hits],
        version__in=DocumentVersion.objects.searchable(),
    )
    if collections is not None:
        chunks = chunks.filter(version__document__collection__slug__in=collections)
    if language is not None:
        chunks = chunks.filter(version__document__collection__language=language)
    rows = {
        chunk.pk: chunk
        for chunk in chunks.select_related("version__document__collection").defer("version__text")
    }
    return [_passage(rows[hit.chunk_id], hit) for hit in hits if hit.chunk_id in rows]


def _passage(chunk: Chunk, hit: Hit) -> Passage:
    version = chunk.version
    document = version.document
    return Passage(
        chunk_id=chunk.pk,
        document_id=document.pk,
        version_id=version.pk,
        title=document.title,
        version=version.number,
        collection=document.collection.slug,
        language=document.collection.language,
        heading=chunk.heading,
        text=chunk.text,
        start=chunk.start,
        end=chunk.end,
        url=passage_link(chunk),
        score=hit.score,
        keyword_rank=hit.keyword_rank,
        dense_rank=hit.dense_rank,
        keyword_score=hit.keyword_score,
        similarity=hit.similarity,
    )


def passage_link(chunk: Chunk) -> str:
    """Where a person reads it: the source's own address, else its place in the tenant's portal."""
    version = chunk.version
    source_url = version.document.source_url
    if source_url.startswith(("https://", "http://")):
        return source_url
    page = f"{current_tenant().portal_url}/knowledge/documents/{version.document_id}/"
    span = f"version={version.number}&from={chunk.start}&to={chunk.end}"
    return f"{page}?{span}#passage-{chunk.pk}"
