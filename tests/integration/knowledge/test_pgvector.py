"""Vectors in the tenant's schema: its role reads them, the owner builds their index."""

import uuid
from collections.abc import Iterator

import pytest
from django.db import ProgrammingError, connection, connections, transaction

from controlplane.knowledge import embedding, retrieval, tasks
from controlplane.knowledge.index import vectors
from controlplane.knowledge.index.port import IndexedPassage, Query, WrongTenant
from controlplane.knowledge.index.postgres import PostgresIndex
from controlplane.knowledge.models import Chunk, IndexedChunk, Posting
from tenants import grants
from tenants.context import NoTenant, inside, outside
from tenants.models import Tenant
from tests.factories.knowledge import approved, draft

INDEX = PostgresIndex()


def plan_of(statement: str, *parameters: object) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement}", parameters)
        return "\n".join(row[0] for row in cursor.fetchall())


def test_the_tenants_role_uses_the_extensions_operators(tenant: Tenant) -> None:
    version = approved()
    chunk = version.chunks.first()
    assert chunk is not None

    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone()[0] == grants.role_of(tenant)
        cursor.execute(
            "SELECT vector <=> vector, vector_dims(vector::vector) FROM knowledge_vector"
            " WHERE chunk_id = %s",
            [chunk.pk],
        )
        distance, dimensions = cursor.fetchone()

    assert distance == pytest.approx(0, abs=1e-3)
    assert dimensions == 384


@pytest.mark.parametrize("table", ["knowledge_vector", "knowledge_posting", "knowledge_chunk"])
def test_another_tenants_vectors_and_postings_are_out_of_reach(tenant: Tenant, table: str) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(f"SELECT count(*) FROM t_south.{table}")


def test_vectors_are_made_when_a_document_is_read_and_go_with_its_version(tenant: Tenant) -> None:
    version = draft()
    kept = vectors.load(version.pk)
    chunks = list(version.chunks.order_by("position"))

    assert set(kept) == {chunk.pk for chunk in chunks}
    made = embedding.embed_one(f"{chunks[0].heading}\n{chunks[0].text}")
    assert kept[chunks[0].pk] == pytest.approx(made, abs=1e-3)

    INDEX.remove(tenant.schema_name, version.pk)
    assert vectors.load(version.pk) == {}


def test_a_draft_with_a_vector_is_not_found_by_its_meaning(tenant: Tenant) -> None:
    draft()
    query = Query(text="", vector=embedding.embed_one("refunds"))

    assert vectors.count() > 0
    assert INDEX.search(tenant.schema_name, query) == []


def test_without_the_extension_there_is_no_table_and_words_are_searched(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "TABLE", "knowledge_vector_that_is_not_there")

    approved()
    first = retrieval.search(question="refunds")[0]

    assert first.keyword_rank == 1
    assert first.similarity is None
    tasks.tend_vectors()


# --- Which tenant ------------------------------------------------------------------------------


def test_a_tenant_that_is_not_entered_is_refused(north: Tenant, south: Tenant) -> None:
    query = Query(text="refunds")
    with inside(north):
        approved()
        for call in (
            lambda: INDEX.search(south.schema_name, query),
            lambda: INDEX.put(south.schema_name, []),
            lambda: INDEX.remove(south.schema_name, uuid.uuid4()),
            lambda: INDEX.drop_tenant(south.schema_name),
        ):
            with pytest.raises(WrongTenant, match="t_south while t_north"):
                call()
        assert Posting.objects.exists()
        with outside(), pytest.raises(NoTenant):
            INDEX.search(north.schema_name, query)


def test_dropping_empties_the_index_and_keeps_the_documents(tenant: Tenant) -> None:
    approved()

    INDEX.drop_tenant(tenant.schema_name)

    assert Posting.objects.count() == IndexedChunk.objects.count() == vectors.count() == 0
    assert Chunk.objects.count() == 2


# --- Putting -----------------------------------------------------------------------------------


def passage(chunk: Chunk, **changes: object) -> IndexedPassage:
    given = {
        "chunk_id": chunk.pk,
        "document_id": chunk.version.document_id,
        "version_id": chunk.version_id,
        "collection": "help",
        "language": "en",
        "heading": "",
        "text": chunk.text,
    }
    return IndexedPassage(**{**given, **changes})  # type: ignore[arg-type]


def test_put_again_replaces_what_was_there(tenant: Tenant) -> None:
    chunk = approved("Parcels.").chunks.get()

    INDEX.put(tenant.schema_name, [passage(chunk, text="Letters, letters.")])

    assert list(Posting.objects.values_list("term", "frequency", "length")) == [("letter", 2, 2)]


@pytest.mark.parametrize(
    ("language", "terms"),
    [
        ("en", {"parcel", "sent"}),
        ("de", {"parcel", "sent", "the", "wer"}),
        ("xx", {"parcels", "sent", "the", "were"}),
    ],
)
def test_words_are_stemmed_by_the_collections_language(
    tenant: Tenant, language: str, terms: set[str]
) -> None:
    chunk = approved("x").chunks.get()

    INDEX.put(tenant.schema_name, [passage(chunk, language=language, text="The parcels were sent")])

    assert set(Posting.objects.values_list("term", flat=True)) == terms


def test_a_word_beyond_what_postgresql_indexes_is_left_out(tenant: Tenant) -> None:
    chunk = approved("x").chunks.get()

    INDEX.put(tenant.schema_name, [passage(chunk, text="short " + "x" * 5000)])

    assert [posting.term for posting in Posting.objects.all()] == ["short"]


def test_a_passage_without_words_is_in_the_index_and_found_by_nothing(tenant: Tenant) -> None:
    version = approved("The and of.")

    assert IndexedChunk.objects.get().length == 0
    assert INDEX.search(tenant.schema_name, Query(text="the and of")) == []
    INDEX.remove(tenant.schema_name, version.pk)
    assert not IndexedChunk.objects.exists()


def test_rare_words_count_for_more_than_common_ones(tenant: Tenant) -> None:
    """What PostgreSQL's own ranking does not know."""
    for number in range(5):
        approved(f"Parcel parcel parcel number {number}.", title=str(number))
    approved("A parcel in Heligoland.", title="rare")

    assert retrieval.search(question="parcel to Heligoland")[0].title == "rare"


def test_bm25_is_what_the_formula_says(tenant: Tenant) -> None:
    """Robertson's, with Lucene's idf; computed here by hand for two passages."""
    from math import log

    approved("Cats purr.", title="short")
    approved("Cats sleep and dogs bark loudly.", title="long")

    found = {
        hit.chunk_id: hit.keyword_score
        for hit in INDEX.search(tenant.schema_name, Query(text="cats purr"))
    }
    scores = {
        chunk.version.document.title: found[chunk.pk]
        for chunk in Chunk.objects.select_related("version__document")
    }

    def part(length: int, containing: int) -> float:
        idf = log(1 + (2 - containing + 0.5) / (containing + 0.5))
        return idf * 1.9 / (1 + 0.9 * (0.6 + 0.4 * length / 3.5))

    assert scores["short"] == pytest.approx(part(2, 2) + part(2, 1))
    assert scores["long"] == pytest.approx(part(5, 2))


# --- The HNSW index ----------------------------------------------------------------------------


@pytest.fixture
def hnsw(yard: Tenant) -> Iterator[Tenant]:
    try:
        yield yard
    finally:
        with connections["owner"].cursor() as cursor:
            cursor.execute(f"DROP INDEX IF EXISTS {yard.schema_name}.{vectors.HNSW}")


def test_a_large_tenant_gets_an_index_of_its_vectors(
    hnsw: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with inside(hnsw):
        approved("question,answer\n" + "".join(f"Parcel {n}?,Number {n}.\n" for n in range(60)),
                 filename="many.csv")  # fmt: skip
        tasks.tend_vectors()
        assert not vectors.has_hnsw(), "an exact search finds everything, and costs no index"

        monkeypatch.setattr(vectors, "HNSW_FROM", 50)
        tasks.tend_vectors()
        assert vectors.has_hnsw()
        tasks.tend_vectors()

        vector = vectors.as_text(embedding.embed_one("Parcel 7?") or [])
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
            plan = plan_of(
                "SELECT chunk_id FROM knowledge_vector ORDER BY vector <=> %s::halfvec LIMIT 5",
                vector,
            )
        assert vectors.HNSW in plan
        found = retrieval.search(question="Parcel 7?", limit=60)
        assert found[0].text == "Number 7."
        assert len(found) == 60, "as many as are asked for, also through the index"
