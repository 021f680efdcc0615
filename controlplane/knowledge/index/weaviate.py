"""Passages in Weaviate: one multi-tenant collection, a tenant (and so a shard) for each of ours.

The tenant is named on every call by `with_tenant`, and is made at the first `put` only: with
automatic creation a slip in a name would be a new, empty tenant. Words and vectors are searched
apart and fused here, by the same code as PostgreSQL's, so that scores mean the same in both.

The vector index is flat (exact, on disk), since most tenants are small: HNSW would keep every
tenant's graph in memory, and a dynamic index needs a server that indexes asynchronously.
"""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from controlplane.core.http import backoff
from controlplane.core.schema import entered_schema, is_in_tenant
from controlplane.knowledge.index.fusion import fuse
from controlplane.knowledge.index.port import Hit, IndexedPassage, Query, WrongTenant
from controlplane.knowledge.index.postgres import K1, B
from controlplane.knowledge.index.weaviate_client import (
    TRIES,
    IndexRefused,
    IndexUnreachable,
    connected_client,
    translated,
)

if TYPE_CHECKING:
    from weaviate import WeaviateClient
    from weaviate.collections import Collection

COLLECTION = "PergolaPassage"
VECTOR = "passage"
_BATCH = 100
_CANDIDATES = 100
_SEARCHED = ["heading", "text"]
_ABSENT = ("tenant not found", "could not find class")

Answer = TypeVar("Answer")


class WeaviateIndex:
    """See `port.PassageIndex`. Raises IndexUnreachable, IndexRefused."""

    is_transactional = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._prepared: set[tuple[int, str]] = set()

    def put(self, tenant: str, passages: Sequence[IndexedPassage]) -> None:
        """Objects are kept under their chunk's id, so that a second `put` replaces the first."""
        from weaviate.classes.data import DataObject

        _assert_kept_apart(tenant)
        if not passages:
            return
        collection = self._prepared_collection(tenant)
        for start in range(0, len(passages), _BATCH):
            objects = [
                DataObject(
                    uuid=passage.chunk_id,
                    properties=_properties_of(passage),
                    vector={VECTOR: list(passage.vector)} if passage.vector is not None else None,
                )
                for passage in passages[start : start + _BATCH]
            ]
            with translated("take the passages"):
                kept = collection.data.insert_many(objects)
            if kept.has_errors:
                first = next(iter(kept.errors.values())).message
                raise IndexRefused(
                    f"Weaviate took all but {len(kept.errors)} of {len(objects)} passages: "
                    f"{first[:200]} Index the document again."
                )

    def remove(self, tenant: str, version_id: uuid.UUID) -> None:
        from weaviate.classes.query import Filter

        _assert_kept_apart(tenant)
        collection = _of_tenant(connected_client(), tenant)
        _unless_absent(
            "remove the passages",
            lambda: collection.data.delete_many(
                where=Filter.by_property("version_id").equal(str(version_id))
            ),
        )

    def search(self, tenant: str, query: Query) -> list[Hit]:
        _assert_kept_apart(tenant)
        has_words = any(letter.isalnum() for letter in query.text)
        if not has_words and query.vector is None:
            return []
        collection = _of_tenant(connected_client(), tenant)
        found = _unless_absent(
            "search",
            lambda: (
                _by_words(collection, query) if has_words else [],
                _by_vector(collection, query) if query.vector is not None else [],
            ),
        )
        return fuse(*found, limit=query.limit) if found else []

    def has_tenant(self, tenant: str) -> bool:
        _assert_kept_apart(tenant)
        client = connected_client()
        if not _repeated("look for the collection", lambda: client.collections.exists(COLLECTION)):
            return False
        tenants = client.collections.use(COLLECTION).tenants
        return _repeated("look for the tenant", lambda: tenants.get_by_name(tenant)) is not None

    def drop_tenant(self, tenant: str) -> None:
        """Its shard goes with it. Nothing happens where there is none."""
        _assert_kept_apart(tenant)
        client = connected_client()
        with self._lock:
            self._prepared.discard((id(client), tenant))
        if _repeated("look for the collection", lambda: client.collections.exists(COLLECTION)):
            collection = client.collections.use(COLLECTION)
            _repeated("drop the tenant", lambda: collection.tenants.remove([tenant]))

    def _prepared_collection(self, tenant: str) -> "Collection[Any, Any]":
        """The tenant's part of the collection; both are made where they are missing."""
        client = connected_client()
        with self._lock:
            if (id(client), tenant) not in self._prepared:
                _repeated("make the collection", lambda: _make_collection(client))
                tenants = client.collections.use(COLLECTION).tenants
                if _repeated("look for the tenant", lambda: tenants.get_by_name(tenant)) is None:
                    _repeated("make the tenant", lambda: tenants.create([tenant]))
                self._prepared.add((id(client), tenant))
        return _of_tenant(client, tenant)


def _assert_kept_apart(tenant: str) -> None:
    """Before anything is sent. Outside of every tenant, fleet work names one itself."""
    if not tenant or (is_in_tenant() and tenant != entered_schema()):
        raise WrongTenant(f"asked about “{tenant}” while “{entered_schema()}” is entered")


def _of_tenant(client: "WeaviateClient", tenant: str) -> "Collection[Any, Any]":
    return client.collections.use(COLLECTION).with_tenant(tenant)


def _properties_of(passage: IndexedPassage) -> dict[str, str]:
    return {
        "document_id": str(passage.document_id),
        "version_id": str(passage.version_id),
        "collection": passage.collection,
        "language": passage.language,
        "heading": passage.heading,
        "text": passage.text,
    }


def _by_words(collection: "Collection[Any, Any]", query: Query) -> list[tuple[uuid.UUID, float]]:
    from weaviate.classes.query import MetadataQuery

    found = collection.query.bm25(
        query=query.text,
        query_properties=_SEARCHED,
        filters=_filter_of(query),
        limit=max(query.limit, _CANDIDATES),
        return_metadata=MetadataQuery(score=True),
        return_properties=False,
    )
    return [(thing.uuid, thing.metadata.score or 0.0) for thing in found.objects]


def _by_vector(collection: "Collection[Any, Any]", query: Query) -> list[tuple[uuid.UUID, float]]:
    """Cosine similarity: Weaviate gives the cosine distance, 1 less the similarity."""
    from weaviate.classes.query import MetadataQuery

    found = collection.query.near_vector(
        near_vector=list(query.vector or ()),
        target_vector=VECTOR,
        filters=_filter_of(query),
        limit=max(query.limit, _CANDIDATES),
        return_metadata=MetadataQuery(distance=True),
        return_properties=False,
    )
    return [(thing.uuid, 1 - (thing.metadata.distance or 0.0)) for thing in found.objects]


def _filter_of(query: Query) -> Any:
    from weaviate.classes.query import Filter

    asked = []
    if query.language is not None:
        asked.append(Filter.by_property("language").equal(query.language))
    if query.collections:
        asked.append(Filter.by_property("collection").contains_any(list(query.collections)))
    return Filter.all_of(asked) if asked else None


def _unless_absent(doing: str, call: Callable[[], Answer]) -> Answer | None:
    """None where the tenant, or the whole collection, was never made: nothing was put yet."""
    try:
        with translated(doing):
            return call()
    except IndexRefused as refused:
        if any(said in str(refused.__cause__) for said in _ABSENT):
            return None
        raise


def _repeated(doing: str, call: Callable[[], Answer]) -> Answer:
    """For REST, which the interceptor does not see. What is done here may be done twice."""
    for attempt in range(TRIES - 1):
        try:
            with translated(doing):
                return call()
        except IndexUnreachable:
            time.sleep(backoff(attempt, base=0.2, cap=2))
    with translated(doing):
        return call()


def _make_collection(client: "WeaviateClient") -> None:
    from weaviate.classes.config import (
        Configure,
        DataType,
        Property,
        StopwordsPreset,
        Tokenization,
        VectorDistances,
    )
    from weaviate.exceptions import UnexpectedStatusCodeError

    if client.collections.exists(COLLECTION):
        return
    text, field = Tokenization.WORD, Tokenization.FIELD
    try:
        client.collections.create(
            COLLECTION,
            properties=[
                *(
                    Property(
                        name=name, data_type=DataType.TEXT, tokenization=field,
                        index_filterable=True, index_searchable=False,
                    )
                    for name in ("document_id", "version_id", "collection", "language")
                ),
                *(
                    Property(
                        name=name, data_type=DataType.TEXT, tokenization=text,
                        index_filterable=False, index_searchable=True,
                    )
                    for name in ("heading", "text")
                ),
            ],
            vector_config=Configure.Vectors.self_provided(
                name=VECTOR,
                vector_index_config=Configure.VectorIndex.flat(
                    distance_metric=VectorDistances.COSINE
                ),
            ),
            # Words of several languages: what is frequent weighs little by itself.
            inverted_index_config=Configure.inverted_index(
                bm25_b=B, bm25_k1=K1, stopwords_preset=StopwordsPreset.NONE
            ),
            multi_tenancy_config=Configure.multi_tenancy(
                enabled=True, auto_tenant_creation=False, auto_tenant_activation=False
            ),
        )  # fmt: skip
    except UnexpectedStatusCodeError:
        # Another worker may have made it meanwhile.
        if not client.collections.exists(COLLECTION):
            raise
