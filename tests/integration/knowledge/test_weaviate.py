"""What goes over the wire to Weaviate, and what happens when it does not answer."""

import threading
import uuid

import grpc
import pytest

from controlplane.knowledge.index import weaviate_client
from controlplane.knowledge.index.port import IndexedPassage, Query, WrongTenant
from controlplane.knowledge.index.weaviate import COLLECTION, VECTOR, WeaviateIndex
from controlplane.knowledge.index.weaviate_client import (
    TRIES,
    IndexRefused,
    IndexUnreachable,
    close_clients,
    connected_client,
)
from tests.fakes.weaviate import FakeWeaviate, running_fake_weaviate

NORTH = "t_north"


@pytest.fixture
def weaviate(settings, monkeypatch, db):
    monkeypatch.setattr(weaviate_client, "backoff", lambda attempt, **_: 0.01)
    monkeypatch.setattr("controlplane.knowledge.index.weaviate.backoff", lambda attempt, **_: 0.01)
    with running_fake_weaviate() as fake:
        settings.WEAVIATE_URL, settings.WEAVIATE_GRPC_URL = fake.url, fake.grpc_url
        yield fake
        close_clients()


@pytest.fixture
def index():
    return WeaviateIndex()


def passage(text="a mooring rope", **changes):
    given = {
        "chunk_id": uuid.uuid4(), "document_id": uuid.uuid4(), "version_id": uuid.uuid4(),
        "collection": "faq", "language": "en", "heading": "Ropes", "text": text,
        "vector": [1.0, 0.0],
    }  # fmt: skip
    return IndexedPassage(**(given | changes))


def test_the_tenant_is_on_every_call(weaviate: FakeWeaviate, index) -> None:
    kept = passage()
    index.put(NORTH, [kept, passage(vector=None)])
    index.search(NORTH, Query(text="rope", vector=[1.0, 0.0], language="en", collections=("faq",)))
    index.remove(NORTH, kept.version_id)

    names = [call.name for call in weaviate.calls if call.tenants]
    assert sorted(names) == ["BatchDelete", "BatchObjects", "Search", "Search"]
    assert all(set(call.tenants) == {NORTH} for call in weaviate.calls if call.tenants)
    assert len(weaviate.called("BatchObjects")[0].tenants) == 2


def test_there_is_one_collection_and_it_makes_no_tenants_by_itself(
    weaviate: FakeWeaviate, index
) -> None:
    index.put(NORTH, [passage()])
    index.put("t_south", [passage()])

    (schema,) = weaviate.schemas.values()
    assert schema["class"] == COLLECTION
    assert schema["multiTenancyConfig"] == {
        "enabled": True, "autoTenantCreation": False, "autoTenantActivation": False,
    }  # fmt: skip
    vector = schema["vectorConfig"][VECTOR]
    assert vector["vectorizer"] == {"none": {}}
    assert vector["vectorIndexType"] == "flat"
    assert vector["vectorIndexConfig"]["distance"] == "cosine"
    assert set(weaviate.tenants[COLLECTION]) == {NORTH, "t_south"}
    made = weaviate.called(f"POST /v1/schema/{COLLECTION}/tenants")
    assert [tenant["name"] for call in made for tenant in call.message] == [NORTH, "t_south"]


def test_the_collection_and_tenant_are_looked_for_once(weaviate: FakeWeaviate, index) -> None:
    index.put(NORTH, [passage()])
    asked = len(weaviate.calls)
    index.put(NORTH, [passage()])

    assert [call.name for call in weaviate.calls[asked:]] == ["BatchObjects"]


def test_without_a_tenant_nothing_is_sent(weaviate: FakeWeaviate, index) -> None:
    for refused in (
        lambda: index.put("", [passage()]),
        lambda: index.search("", Query(text="rope")),
        lambda: index.remove("", uuid.uuid4()),
        lambda: index.drop_tenant(""),
    ):
        with pytest.raises(WrongTenant):
            refused()
    assert weaviate.calls == []


def test_the_fake_refuses_what_the_real_one_refuses(weaviate: FakeWeaviate, index) -> None:
    from weaviate.exceptions import WeaviateQueryError

    index.put(NORTH, [passage()])
    collection = connected_client().collections.use(COLLECTION)

    with pytest.raises(WeaviateQueryError, match="without tenant"):
        collection.query.bm25(query="rope")
    with pytest.raises(WeaviateQueryError, match="tenant not found"):
        collection.with_tenant("t_typo").query.bm25(query="rope")


def test_nobody_else_is_asked_when_connecting(weaviate: FakeWeaviate, index, settings) -> None:
    settings.WEAVIATE_API_KEY = "secret"
    index.put(NORTH, [passage()])

    assert weaviate.authorizations == {"Bearer secret"}
    assert weaviate.calls[0].name == "GET /v1/meta"


def test_a_passing_absence_is_repeated(weaviate: FakeWeaviate, index) -> None:
    kept = passage()
    index.put(NORTH, [kept])
    weaviate.failures = [grpc.StatusCode.UNAVAILABLE] * (TRIES - 1)

    assert index.search(NORTH, Query(text="rope"))[0].chunk_id == kept.chunk_id
    assert len(weaviate.called("Search")) == TRIES


def test_repeats_are_bounded(weaviate: FakeWeaviate, index) -> None:
    index.put(NORTH, [passage()])
    weaviate.failures = [grpc.StatusCode.UNAVAILABLE] * 50

    with pytest.raises(IndexUnreachable, match="does not answer"):
        index.search(NORTH, Query(text="rope"))
    with pytest.raises(IndexUnreachable):
        index.put(NORTH, [passage()])
    # The client's own retries, which take a minute, would be calls too.
    assert len(weaviate.called("Search")) == TRIES


def test_a_server_that_hangs_is_given_up(weaviate: FakeWeaviate, index, monkeypatch) -> None:
    monkeypatch.setattr(weaviate_client, "QUERY_SECONDS", 1)
    index.put(NORTH, [passage()])
    weaviate.delay = 3

    with pytest.raises(IndexUnreachable):
        index.search(NORTH, Query(text="rope"))
    weaviate.delay = 0


def test_nobody_there_is_said(settings, index, db) -> None:
    settings.WEAVIATE_URL = "http://127.0.0.1:9"
    settings.WEAVIATE_GRPC_URL = "http://127.0.0.1:10"

    with pytest.raises(IndexUnreachable, match="WEAVIATE_URL"):
        index.search(NORTH, Query(text="rope"))


def test_a_server_that_comes_back_is_used_again(weaviate: FakeWeaviate, index) -> None:
    index.put(NORTH, [passage()])
    weaviate.failures = [grpc.StatusCode.UNAVAILABLE] * TRIES
    with pytest.raises(IndexUnreachable):
        index.search(NORTH, Query(text="rope"))

    assert len(index.search(NORTH, Query(text="rope"))) == 1


@pytest.mark.parametrize("how_many", [1, 2])
def test_a_passage_that_is_not_taken_is_said(weaviate: FakeWeaviate, index, how_many) -> None:
    given = [passage(), passage()]
    weaviate.rejected_objects = {str(each.chunk_id) for each in given[:how_many]}

    with pytest.raises(IndexRefused, match="as the test asked"):
        index.put(NORTH, given)


def test_a_sleeping_tenant_is_no_empty_one(weaviate: FakeWeaviate, index) -> None:
    index.put(NORTH, [passage()])
    weaviate.inactive.add(NORTH)

    with pytest.raises(IndexRefused, match="tenant not active"):
        index.search(NORTH, Query(text="rope"))


def test_threads_share_one_connection(weaviate: FakeWeaviate, index) -> None:
    index.put(NORTH, [passage()])
    clients, hits = set(), []

    def work():
        clients.add(id(connected_client()))
        hits.append(len(connected_client().collections.use(COLLECTION).with_tenant(NORTH)
                        .query.bm25(query="rope").objects))  # fmt: skip

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(clients) == 1
    assert hits == [1] * 8
    assert len(weaviate.called("GET /v1/meta")) == 1


def test_a_forked_process_connects_anew(weaviate: FakeWeaviate, monkeypatch) -> None:
    first = connected_client()
    monkeypatch.setattr(weaviate_client.os, "getpid", lambda: -1)
    second = connected_client()
    assert second is not first
    close_clients()
    monkeypatch.undo()
    assert connected_client() is first
