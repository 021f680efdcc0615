"""Passages in the tenant's own schema: BM25 over lexemes, and pgvector beside it.

PostgreSQL's own ranking knows no inverse document frequency, and its parsed questions ask for
every word at once; so terms are kept as postings and ranked by BM25 in SQL. Only passages of
approved versions have postings: document frequencies count what can be found.
"""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db import connection, transaction

from controlplane.core.models import new_id
from controlplane.knowledge.index import vectors
from controlplane.knowledge.index.fusion import fuse
from controlplane.knowledge.index.languages import config_of
from controlplane.knowledge.index.port import Hit, IndexedPassage, Query, WrongTenant
from tenants.context import current_schema

K1 = 0.9
B = 0.4
_CANDIDATES = 100
# What pgvector takes for `hnsw.ef_search`.
_MOST_LOOKED_AT = 1000
_BATCH = 200

_PUT = """
    WITH given AS (
        SELECT * FROM unnest(
            %(rows)s::uuid[], %(chunks)s::uuid[], %(documents)s::uuid[], %(versions)s::uuid[],
            %(collections)s::text[], %(configs)s::text[], %(headings)s::text[], %(texts)s::text[]
        ) AS g (row_id, chunk_id, document_id, version_id, collection, config, heading, body)
    ), terms AS (
        SELECT g.chunk_id, g.config, t.lexeme, cardinality(t.positions) AS frequency
        FROM given g, unnest(to_tsvector(g.config::regconfig, g.heading || E'\\n' || g.body)) t
    ), lengths AS (
        SELECT chunk_id, sum(frequency) AS length FROM terms GROUP BY chunk_id
    ), posted AS (
        INSERT INTO knowledge_posting (chunk_id, term, config, frequency, length)
        SELECT t.chunk_id, t.lexeme, t.config, t.frequency, l.length
        FROM terms t JOIN lengths l USING (chunk_id)
    )
    INSERT INTO knowledge_indexedchunk
        (id, created_at, updated_at, chunk_id, document_id, version_id, collection, config, length)
    SELECT g.row_id, now(), now(), g.chunk_id, g.document_id, g.version_id, g.collection,
        g.config, coalesce(l.length, 0)
    FROM given g LEFT JOIN lengths l USING (chunk_id)
"""
_BM25 = """
    WITH corpus AS (
        SELECT config, count(*)::float8 AS passages, avg(length)::float8 AS mean_length
        FROM knowledge_indexedchunk
        WHERE %(config)s::text IS NULL OR config = %(config)s
        GROUP BY config
    ), asked AS (
        SELECT c.config, t.term, c.passages, greatest(c.mean_length, 1) AS mean_length
        FROM corpus c, unnest(tsvector_to_array(to_tsvector(c.config::regconfig, %(text)s)))
            AS t (term)
    ), found AS (
        SELECT p.chunk_id, p.frequency, p.length, a.passages, a.mean_length,
            (count(*) OVER (PARTITION BY p.config, p.term))::float8 AS containing
        FROM asked a JOIN knowledge_posting p ON p.config = a.config AND p.term = a.term
    )
    SELECT f.chunk_id, sum(
        ln(1 + (passages - containing + 0.5) / (containing + 0.5))
        * frequency * (%(k1)s + 1)
        / (frequency + %(k1)s * (1 - %(b)s + %(b)s * f.length / mean_length))
    ) AS score
    FROM found f
    WHERE %(collections)s::text[] IS NULL OR f.chunk_id IN (
        SELECT chunk_id FROM knowledge_indexedchunk WHERE collection = ANY(%(collections)s)
    )
    GROUP BY f.chunk_id ORDER BY score DESC, f.chunk_id LIMIT %(limit)s
"""
_NEAREST = """
    SELECT v.chunk_id, 1 - (v.vector <=> %(vector)s::halfvec) AS similarity
    FROM knowledge_vector v JOIN knowledge_indexedchunk i USING (chunk_id)
    WHERE (%(config)s::text IS NULL OR i.config = %(config)s)
        AND (%(collections)s::text[] IS NULL OR i.collection = ANY(%(collections)s))
    ORDER BY v.vector <=> %(vector)s::halfvec LIMIT %(limit)s
"""
_SIMILARITIES = """
    SELECT chunk_id, 1 - (vector <=> %(vector)s::halfvec) FROM knowledge_vector
    WHERE chunk_id = ANY(%(chunks)s)
"""


class PostgresIndex:
    """Takes part in the transaction that approves: a version is replaced in one moment."""

    is_transactional = True

    @transaction.atomic
    def put(self, tenant: str, passages: Sequence[IndexedPassage]) -> None:
        _assert_entered(tenant)
        with_vectors = {p.chunk_id: p.vector for p in passages if p.vector is not None}
        _forget([passage.chunk_id for passage in passages])
        for start in range(0, len(passages), _BATCH):
            _put(passages[start : start + _BATCH])
        if with_vectors and vectors.exists():
            vectors.keep(with_vectors)

    @transaction.atomic
    def remove(self, tenant: str, version_id: uuid.UUID) -> None:
        _assert_entered(tenant)
        with connection.cursor() as cursor:
            cursor.execute("SELECT id FROM knowledge_chunk WHERE version_id = %s", [version_id])
            chunk_ids = [row[0] for row in cursor.fetchall()]
        _forget(chunk_ids)
        if vectors.exists():
            vectors.delete(chunk_ids)

    def search(self, tenant: str, query: Query) -> list[Hit]:
        _assert_entered(tenant)
        hits = fuse(_by_words(query), _by_meaning(query), limit=query.limit)
        unknown = [hit.chunk_id for hit in hits if hit.similarity is None]
        similarities = _similarities(query, unknown)
        return [
            replace(hit, similarity=similarities.get(hit.chunk_id, hit.similarity)) for hit in hits
        ]

    def has_tenant(self, tenant: str) -> bool:
        return False

    @transaction.atomic
    def drop_tenant(self, tenant: str) -> None:
        _assert_entered(tenant)
        tables = ["knowledge_posting", "knowledge_indexedchunk"]
        with connection.cursor() as cursor:
            for table in [*tables, *([vectors.TABLE] if vectors.exists() else [])]:
                cursor.execute(f"DELETE FROM {table}")  # noqa: S608


def _assert_entered(tenant: str) -> None:
    if tenant != (entered := current_schema()):
        raise WrongTenant(f"asked about {tenant} while {entered} is entered")


def _put(passages: Sequence[IndexedPassage]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _PUT,
            {
                "rows": [new_id() for _passage in passages],
                "chunks": [passage.chunk_id for passage in passages],
                "documents": [passage.document_id for passage in passages],
                "versions": [passage.version_id for passage in passages],
                "collections": [passage.collection for passage in passages],
                "configs": [config_of(passage.language) for passage in passages],
                "headings": [passage.heading for passage in passages],
                "texts": [passage.text for passage in passages],
            },
        )


def _forget(chunk_ids: list[uuid.UUID]) -> None:
    with connection.cursor() as cursor:
        for table in ("knowledge_posting", "knowledge_indexedchunk"):
            cursor.execute(
                f"DELETE FROM {table} WHERE chunk_id = ANY(%s)",  # noqa: S608
                [chunk_ids],
            )


def _by_words(query: Query) -> list[tuple[uuid.UUID, float]]:
    with connection.cursor() as cursor:
        cursor.execute(_BM25, {**_scope(query), "text": query.text, "k1": K1, "b": B})
        return cursor.fetchall()


def _by_meaning(query: Query) -> list[tuple[uuid.UUID, float]]:
    if query.vector is None or not vectors.exists():
        return []
    given = {**_scope(query), "vector": vectors.as_text(query.vector)}
    with transaction.atomic(), connection.cursor() as cursor:
        # Where there is an HNSW index: as many as are asked for, also behind a filter.
        wanted = str(min(given["limit"], _MOST_LOOKED_AT))
        cursor.execute("SELECT set_config('hnsw.ef_search', %s, true)", [wanted])
        cursor.execute("SELECT set_config('hnsw.iterative_scan', 'strict_order', true)")
        cursor.execute(_NEAREST, given)
        return cursor.fetchall()


def _similarities(query: Query, chunk_ids: list[uuid.UUID]) -> dict[uuid.UUID, float]:
    """Of those too that only their words brought up."""
    if query.vector is None or not chunk_ids or not vectors.exists():
        return {}
    given: dict[str, Any] = {"vector": vectors.as_text(query.vector), "chunks": chunk_ids}
    with connection.cursor() as cursor:
        cursor.execute(_SIMILARITIES, given)
        return dict(cursor.fetchall())


def _scope(query: Query) -> dict[str, Any]:
    return {
        "config": config_of(query.language) if query.language else None,
        "collections": list(query.collections) or None,
        "limit": max(query.limit, _CANDIDATES),
    }
