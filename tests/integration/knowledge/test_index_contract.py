"""What every index of passages does: PostgreSQL, and Weaviate at the wire, live where there is one.

The passages are rows too, since PostgreSQL's index refers to them.
"""

import math
import uuid

import pytest
from django.conf import settings as configured

from controlplane.knowledge.index import vectors, weaviate_client
from controlplane.knowledge.index.fusion import MEANING_WEIGHT
from controlplane.knowledge.index.port import IndexedPassage, Query, WrongTenant
from controlplane.knowledge.index.postgres import PostgresIndex
from controlplane.knowledge.index.weaviate import WeaviateIndex
from controlplane.knowledge.models import Chunk, Collection, Document, DocumentVersion
from tenants.context import inside
from tests.fakes.weaviate import running_fake_weaviate

DIMENSIONS = 384
# A live Weaviate is one more implementation, where somebody names one.
IMPLEMENTATIONS = ["postgres", "weaviate", *(["live"] if configured.WEAVIATE_URL else [])]


@pytest.fixture(params=IMPLEMENTATIONS)
def index(request, settings, north, south):
    """Empty for both tenants, before and after."""
    if request.param == "postgres":
        yield PostgresIndex()
        return
    if request.param == "live":
        live = WeaviateIndex()
        _clear(live, north, south)
        yield live
        _clear(live, north, south)
        weaviate_client.close_clients()
        return
    with running_fake_weaviate() as fake:
        settings.WEAVIATE_URL, settings.WEAVIATE_GRPC_URL = fake.url, fake.grpc_url
        yield WeaviateIndex()
        weaviate_client.close_clients()


def _clear(index, *tenants):
    for tenant in tenants:
        with inside(tenant):
            index.drop_tenant(tenant.schema_name)


def direction(degrees):
    """A vector of length 1 in the plane of the first two dimensions."""
    angle = math.radians(degrees)
    return [math.cos(angle), math.sin(angle)] + [0.0] * (DIMENSIONS - 2)


@pytest.fixture
def make(db):
    """`make("text", heading="…", at=30)`: a passage with its rows, in the entered tenant."""

    def passage(
        text, *, heading="", at=None, collection="faq", language="en", version=None, pk=None
    ):
        if version is None:
            shelf, _new = Collection.objects.get_or_create(
                slug=collection, defaults={"name": collection, "language": language}
            )
            document = Document.objects.create(collection=shelf, title=heading or "Title")
            version = DocumentVersion.objects.create(
                document=document, number=1, kind="text", sha256="0" * 64, size=1, text=text,
                created_by="test",
            )  # fmt: skip
        chunk = Chunk.objects.create(
            **({"id": pk} if pk else {}),
            version=version, position=version.chunks.count(), start=0, end=max(1, len(text)),
            heading=heading, text=text, length=len(text.split()),
        )  # fmt: skip
        return IndexedPassage(
            chunk_id=chunk.pk,
            document_id=version.document_id,
            version_id=version.pk,
            collection=collection,
            language=language,
            heading=heading,
            text=text,
            vector=direction(at) if at is not None else None,
        )

    return passage


def found(index, tenant, text="", *, at=None, **query):
    vector = direction(at) if at is not None else None
    hits = index.search(tenant.schema_name, Query(text=text, vector=vector, **query))
    return [hit.chunk_id for hit in hits]


def test_words_find(index, tenant, make) -> None:
    rope, pier = make("The mooring rope is ten metres long."), make("The pier closes at night.")
    index.put(tenant.schema_name, [rope, pier])

    (hit,) = index.search(tenant.schema_name, Query(text="How long is the mooring rope?", limit=1))

    assert hit.chunk_id == rope.chunk_id
    assert (hit.keyword_rank, hit.dense_rank) == (1, None)
    assert hit.keyword_score > 0
    assert found(index, tenant, "submarine") == []


def test_words_of_the_heading_count_too(index, tenant, make) -> None:
    text_only = make("Bring the anchor to the desk first.", heading="Desk")
    both = make("Bring the anchor to the desk first.", heading="Anchor")
    heading_only = make("Bring everything to the desk first, or wait outside.", heading="Anchor")
    index.put(tenant.schema_name, [text_only, both, heading_only])

    ranked = found(index, tenant, "anchor")

    assert ranked[0] == both.chunk_id
    assert set(ranked[1:]) == {text_only.chunk_id, heading_only.chunk_id}


def test_meaning_finds(index, tenant, make) -> None:
    near, far = make("alpha", at=10), make("beta", at=80)
    index.put(tenant.schema_name, [far, near])

    hits = index.search(tenant.schema_name, Query(text="", vector=direction(0)))

    assert [hit.chunk_id for hit in hits] == [near.chunk_id, far.chunk_id]
    assert [hit.dense_rank for hit in hits] == [1, 2]
    assert hits[0].similarity == pytest.approx(math.cos(math.radians(10)), abs=2e-3)
    assert hits[0].keyword_rank is None


def test_both_are_fused_by_rank(index, tenant, make) -> None:
    both = make("a rope here", at=20)
    words = make("rope and rope and rope", at=90)
    meaning = make("something else", at=0)
    index.put(tenant.schema_name, [both, words, meaning])

    hits = index.search(tenant.schema_name, Query(text="rope", vector=direction(0)))

    scores = {hit.chunk_id: hit.score for hit in hits}
    assert scores[both.chunk_id] == pytest.approx((1 + MEANING_WEIGHT) / 62)
    assert scores[words.chunk_id] == pytest.approx(1 / 61 + MEANING_WEIGHT / 63)
    assert scores[meaning.chunk_id] == pytest.approx(MEANING_WEIGHT / 61)
    assert [hit.chunk_id for hit in hits] == [both.chunk_id, words.chunk_id, meaning.chunk_id]


def test_without_vectors_words_alone_count(index, tenant, make) -> None:
    plain = make("a rope without a vector")
    index.put(tenant.schema_name, [plain])

    assert found(index, tenant, "rope", at=0) == [plain.chunk_id]
    assert found(index, tenant, "", at=0) == []


def test_collections_and_languages_narrow(index, tenant, make) -> None:
    faq = make("rope one", at=0, collection="faq")
    manual = make("rope two", at=1, collection="manual")
    german = make("rope drei", at=2, collection="hilfe", language="de")
    index.put(tenant.schema_name, [faq, manual, german])

    assert set(found(index, tenant, "rope", at=0)) == {p.chunk_id for p in (faq, manual, german)}
    assert found(index, tenant, "rope", at=0, collections=("manual",)) == [manual.chunk_id]
    assert set(found(index, tenant, "rope", at=0, collections=("faq", "hilfe"))) == {
        faq.chunk_id, german.chunk_id,
    }  # fmt: skip
    assert found(index, tenant, "rope", at=0, language="de") == [german.chunk_id]
    assert found(index, tenant, "rope", at=0, collections=("none",)) == []


def test_the_limit_holds(index, tenant, make) -> None:
    index.put(tenant.schema_name, [make(f"rope {number}", at=number) for number in range(12)])

    assert len(found(index, tenant, "rope", at=0, limit=5)) == 5


def test_a_version_is_removed_whole(index, tenant, make) -> None:
    first = make("rope one", at=0)
    second = make("rope two", at=1, version=DocumentVersion.objects.get(pk=first.version_id))
    other = make("rope three", at=2)
    index.put(tenant.schema_name, [first, second, other])

    index.remove(tenant.schema_name, first.version_id)
    index.remove(tenant.schema_name, first.version_id)

    assert found(index, tenant, "rope", at=0) == [other.chunk_id]


def test_put_again_replaces(index, tenant, make) -> None:
    before = make("the rope is red", at=0)
    index.put(tenant.schema_name, [before])
    changed = IndexedPassage(
        **{**before.__dict__, "text": "the buoy is blue", "vector": direction(90)}
    )
    index.put(tenant.schema_name, [changed])

    assert found(index, tenant, "rope") == []
    assert found(index, tenant, "buoy") == [before.chunk_id]
    (hit,) = index.search(tenant.schema_name, Query(text="", vector=direction(90)))
    assert hit.similarity == pytest.approx(1, abs=2e-3)


def test_more_than_one_batch(index, tenant, make) -> None:
    index.put(tenant.schema_name, [make(f"rope number{number}") for number in range(230)])

    assert len(found(index, tenant, "number229")) == 1
    assert len(found(index, tenant, "rope", limit=250)) == 230


def test_a_tenant_never_sees_anothers(index, north, south, make) -> None:
    shared = uuid.uuid4()
    with inside(north):
        own = make("the northern rope is secret", at=0, pk=shared)
        index.put(north.schema_name, [own])
    with inside(south):
        # The very same id, with another content.
        index.put(south.schema_name, [make("the southern buoy", at=90, pk=shared)])
        assert found(index, south, "northern secret rope") == []
        (hit,) = index.search(south.schema_name, Query(text="", vector=direction(0)))
        assert hit.similarity == pytest.approx(0, abs=2e-3)
        index.remove(south.schema_name, own.version_id)
        index.drop_tenant(south.schema_name)
        assert found(index, south, "buoy", at=0) == []
    with inside(north):
        assert found(index, north, "secret rope") == [shared]


def test_a_tenant_that_is_not_entered_is_refused(index, north, south, make) -> None:
    with inside(south):
        passage = make("rope")
        for refused in (
            lambda: index.put(north.schema_name, [passage]),
            lambda: index.search(north.schema_name, Query(text="rope")),
            lambda: index.remove(north.schema_name, uuid.uuid4()),
            lambda: index.drop_tenant(north.schema_name),
            lambda: index.search("", Query(text="rope")),
        ):
            with pytest.raises(WrongTenant):
                refused()


def test_nothing_is_there_before_the_first_put(index, tenant) -> None:
    assert found(index, tenant, "rope", at=0) == []
    index.remove(tenant.schema_name, uuid.uuid4())
    index.put(tenant.schema_name, [])
    index.drop_tenant(tenant.schema_name)
    assert found(index, tenant, "rope", at=0) == []


def test_a_dropped_tenant_can_begin_again(index, tenant, make) -> None:
    rope, pier = make("the rope"), make("the pier")
    index.put(tenant.schema_name, [rope])
    index.drop_tenant(tenant.schema_name)
    index.put(tenant.schema_name, [pier])

    assert found(index, tenant, "rope") == []
    assert found(index, tenant, "pier") == [pier.chunk_id]


ODD = [
    'it\'s a "quoted" rope; DROP TABLE knowledge_chunk; --',
    "100 % rope _ and \\backslash {curly} [square] (a & b | !c)",
    "Größe des Taus: 10 m – naïve façade, 返品 🚢 rope",
    "rope " * 10_000,
    "rope\n\ttabs\r\nand lines",
]


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_odd_text_is_kept_and_found(index, tenant, make, text) -> None:
    odd = make(text, heading=text[:100], at=5)
    index.put(tenant.schema_name, [odd])

    assert found(index, tenant, "rope") == [odd.chunk_id]
    assert found(index, tenant, text[:4000]) == [odd.chunk_id]


@pytest.mark.parametrize("text", ["", "   ", "?!", "'", "%", "\\", "& | !", "the of and", "🚢"])
def test_odd_questions_find_nothing_and_break_nothing(index, tenant, make, text) -> None:
    index.put(tenant.schema_name, [make("rope", at=5)])

    assert found(index, tenant, text) == []


def test_an_empty_passage_is_no_trouble(index, tenant, make) -> None:
    index.put(tenant.schema_name, [make("", at=5), make("rope", at=50)])

    assert len(found(index, tenant, "rope", at=5)) == 2


def test_the_tenants_have_vectors(tenant) -> None:
    assert vectors.exists(), "the embedded PostgreSQL brings pgvector"
