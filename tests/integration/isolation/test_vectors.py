"""Every method of every passage index × another tenant; and what becomes of a foreign hit."""

import inspect
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import transaction

from controlplane.knowledge import retrieval
from controlplane.knowledge.index import port
from controlplane.knowledge.index.port import Hit, IndexedPassage, PassageIndex, Query, WrongTenant
from controlplane.knowledge.index.postgres import PostgresIndex
from controlplane.knowledge.index.weaviate import WeaviateIndex
from controlplane.knowledge.index.weaviate_client import close_clients
from controlplane.knowledge.models import Chunk
from tenants.context import inside
from tests.fakes.weaviate import FakeWeaviate, running_fake_weaviate
from tests.integration.isolation import sources
from tests.integration.isolation.callers import Callers
from tests.integration.isolation.cells import Cells
from tests.integration.isolation.world import World

INDEXES = {"postgres": PostgresIndex, "weaviate": WeaviateIndex}
WORDS = "Marzipan is kept in the vault"
VECTOR = [1.0] + [0.0] * 383
QUERIES = {
    "words": Query(text=WORDS),
    "meaning": Query(text="", vector=VECTOR),
    "both": Query(text=WORDS, vector=VECTOR, limit=1000),
    "a collection": Query(text=WORDS, vector=VECTOR, collections=("pantry",)),
}


@pytest.fixture
def weaviate(settings: Any) -> Iterator[FakeWeaviate]:
    with running_fake_weaviate() as fake:
        settings.WEAVIATE_URL, settings.WEAVIATE_GRPC_URL = fake.url, fake.grpc_url
        yield fake
        close_clients()


@pytest.fixture(params=INDEXES)
def index(request: Any, weaviate: FakeWeaviate) -> PassageIndex:
    return INDEXES[request.param]()


def passage_in(world: World) -> IndexedPassage:
    with inside(world.tenant):
        chunk = Chunk.objects.filter(text__contains="vault").select_related("version").first()
    assert chunk is not None
    return IndexedPassage(
        chunk_id=chunk.pk, document_id=chunk.version.document_id, version_id=chunk.version_id,
        collection="pantry", language="en", heading="", text=chunk.text, vector=VECTOR,
    )  # fmt: skip


def given(name: str, passage: IndexedPassage) -> tuple[Any, ...]:
    """What each method of the port is given after the tenant's name."""
    arguments = {
        "put": ([passage],),
        "remove": (passage.version_id,),
        "search": (QUERIES["both"],),
        "drop_tenant": (),
        "has_tenant": (),
    }
    if name not in arguments:
        pytest.fail(f"tell the matrix what PassageIndex.{name} is given")
    return arguments[name]


METHODS = [name for name, _one in inspect.getmembers(PassageIndex, inspect.isfunction)
           if not name.startswith("_")]  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_no_method_answers_about_another_tenant(
    name: str, index: PassageIndex, world: World, callers: Callers
) -> None:
    cells, passage = Cells("vectors"), passage_in(world)
    with inside(callers.neighbour):
        for schema in (world.tenant.schema_name, "public", "", "t_gone"):
            wrong = ["it answers"]
            try:
                with transaction.atomic():
                    if getattr(index, name)(schema, *given(name, passage)) is False:
                        wrong = []  # to have nothing is to say nothing
            except WrongTenant:
                wrong = []
            cells.refused(f"{type(index).__name__}.{name} of {schema!r}", *wrong)
    cells.assert_no_leak()

    with inside(world.tenant):
        getattr(index, name)(world.tenant.schema_name, *given(name, passage))


@pytest.mark.parametrize("kind", QUERIES)
def test_a_search_finds_its_own_tenants_passages_only(
    kind: str, index: PassageIndex, world: World, callers: Callers
) -> None:
    cells, passage, schema = Cells("vectors"), passage_in(world), world.tenant.schema_name
    with inside(world.tenant):
        index.put(schema, [passage])
        own = index.search(schema, QUERIES[kind])
    for other in (callers.neighbour, callers.sandbox):
        with inside(other):
            found = index.search(other.schema_name, QUERIES[kind])
            wrong = (
                ["it finds the passage"] if passage.chunk_id in {h.chunk_id for h in found} else []
            )
            index.remove(other.schema_name, passage.version_id)
            index.drop_tenant(other.schema_name)
        cells.refused(f"{type(index).__name__}.search by {kind} in {other.slug}", *wrong)
    with inside(world.tenant):
        left = index.search(schema, QUERIES[kind])
    cells.refused(f"{type(index).__name__} emptied elsewhere", *([] if left == own else ["gone"]))
    cells.assert_no_leak()
    has_vectors = isinstance(index, WeaviateIndex) or kind != "meaning"
    if has_vectors:
        assert [hit.chunk_id for hit in own] == [passage.chunk_id]


def test_a_foreign_hit_becomes_no_passage(
    world: World, callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should an index mix tenants up: its hits are looked up in the tenant's own rows."""
    cells, passage = Cells("vectors"), passage_in(world)

    class Mixed(PostgresIndex):
        def search(self, tenant: str, query: Query) -> list[Hit]:
            return [Hit(passage.chunk_id, 1.0), Hit(uuid.uuid4(), 0.5)]

    monkeypatch.setattr(retrieval, "passage_index", Mixed)
    with inside(callers.neighbour):
        wrong = ["its text is told"] if retrieval.search(question=WORDS) else []
    cells.refused("retrieval.search", *wrong)
    cells.assert_no_leak()
    with inside(world.tenant):
        assert [found.chunk_id for found in retrieval.search(question=WORDS)] == [passage.chunk_id]


def test_every_index_is_tried() -> None:
    import importlib
    import pkgutil

    from controlplane.knowledge import index as package

    found = {
        value
        for module in pkgutil.iter_modules(package.__path__)
        for value in vars(importlib.import_module(f"{package.__name__}.{module.name}")).values()
        if inspect.isclass(value)
        and value is not port.PassageIndex
        and hasattr(value, "drop_tenant")
    }

    assert found == set(INDEXES.values()), "add the new index to INDEXES"


def test_only_indexes_ask_for_vectors() -> None:
    """A query for vectors or postings beside the port would be tried by nobody."""
    asking = {
        path
        for path, text in sources.strings()
        if "FROM knowledge_" in text or "knowledge_vector" in text or "knowledge_posting" in text
    }

    assert asking <= {
        "controlplane/knowledge/index/postgres.py", "controlplane/knowledge/index/vectors.py",
        "controlplane/knowledge/models.py",
    }  # fmt: skip
