"""Searching what a tenant approved, in its own schema, under its own role."""

from typing import Any

import pytest

from controlplane.knowledge import embedding, retrieval
from controlplane.knowledge.index import passage_index
from controlplane.knowledge.index.port import Hit, Query
from controlplane.knowledge.models import Chunk, Collection
from controlplane.knowledge.services.approval import approve_version, retire_document
from controlplane.knowledge.services.collections import set_collection_active
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.knowledge import GRACE, approved, draft, make_collection, new_draft

OPENING = "# Opening\n\nWe open at nine in the morning."


def titles(question: str, **scope: Any) -> list[str]:
    return [passage.title for passage in retrieval.search(question=question, **scope)]


def texts(question: str, **scope: Any) -> list[str]:
    return [passage.text for passage in retrieval.search(question=question, **scope)]


def test_the_passage_that_answers_comes_first(tenant: Tenant) -> None:
    approved()
    approved(OPENING, filename="opening.md", title="Opening hours")

    first = retrieval.search(question="When do I get my refund?")[0]

    assert first.heading == "Returns › Refunds"
    assert (first.title, first.version, first.collection) == ("Returns", 1, "help")
    assert first.keyword_rank == first.dense_rank == 1
    assert first.similarity is not None
    assert first.similarity > 0.4


def test_a_passage_names_the_span_that_it_is(tenant: Tenant) -> None:
    version = approved()

    for passage in retrieval.search(question="returned refunds parcel"):
        assert version.text[passage.start : passage.end] == passage.text


def test_a_passage_leads_to_its_source_or_to_its_page(tenant: Tenant) -> None:
    approved(source_url="https://shop.example/returns")
    approved(OPENING, title="Opening", source_url="javascript:alert(1)")

    assert retrieval.search(question="refunds")[0].url == "https://shop.example/returns"
    opening = retrieval.search(question="morning")[0]
    assert opening.url.startswith(f"{tenant.portal_url}/knowledge/documents/{opening.document_id}/")


def test_words_are_found_in_their_other_forms(tenant: Tenant) -> None:
    approved("Wir verschicken Pakete jeden Werktag.", collection=make_collection("hilfe", "de"))

    (hit,) = retrieval.search(question="Wann wird mein Paket verschickt?")

    assert hit.keyword_rank == 1
    assert hit.language == "de"


def test_without_the_embedding_extra_words_alone_are_searched(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "available", lambda: False)
    approved()

    first = retrieval.search(question="refunds")[0]

    assert first.heading == "Returns › Refunds"
    assert first.similarity is first.dense_rank is None
    assert retrieval.search(question="xylophone") == []


def test_meaning_finds_what_shares_no_word(tenant: Tenant) -> None:
    approved()
    approved(OPENING, title="Opening")

    first = retrieval.search(question="How long does my money take to come back?")[0]

    assert first.title == "Returns"
    assert first.keyword_score is None or first.dense_rank == 1


# --- Only what is approved ---------------------------------------------------------------------


def test_a_draft_is_not_found(tenant: Tenant) -> None:
    version = draft()

    assert texts("refunds") == []

    approve_version(version_id=version.pk, by=GRACE)
    assert texts("refunds") != []


def test_a_new_version_is_found_instead_of_the_old_one_once_it_is_approved(tenant: Tenant) -> None:
    old = approved("# Returns\n\nWithin 14 days.")
    new = new_draft(old, "# Returns\n\nWithin 30 days.")
    assert texts("returns days") == ["Within 14 days."]

    approve_version(version_id=new.pk, by=GRACE)

    assert texts("returns days") == ["Within 30 days."]
    old.refresh_from_db()
    assert old.status == old.Status.RETIRED
    assert old.chunks.count() == 1, "answers that cited it can still show it"


def test_a_retired_document_is_not_found(tenant: Tenant) -> None:
    version = approved()

    retire_document(document_id=version.document_id, by=GRACE)

    assert texts("refunds") == []


def test_an_inactive_collection_is_not_found_until_it_is_active_again(tenant: Tenant) -> None:
    approved(collection=make_collection("help"))
    approved(OPENING, title="Opening", collection=make_collection("shop"))
    shop = Collection.objects.get(slug="shop")

    set_collection_active(collection_id=shop.pk, is_active=False, by=GRACE)
    assert set(titles("morning refunds")) == {"Returns"}
    assert titles("morning", collections=["shop"]) == []

    set_collection_active(collection_id=shop.pk, is_active=True, by=GRACE)
    assert "Opening" in titles("morning refunds")


class LyingIndex:
    """One that answers with whatever there is, as one that lags behind would."""

    is_transactional = True

    def search(self, tenant: str, query: Query) -> list[Hit]:
        return [Hit(chunk.pk, 1.0) for chunk in Chunk.objects.all()]


def test_what_an_index_says_is_checked_against_the_rows(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    approved("Open.", title="open")
    old = approved("Old.", title="replaced")
    approve_version(version_id=new_draft(old, "New.").pk, by=GRACE)
    draft("Draft.", title="draft")
    retire_document(document_id=approved("Gone.", title="gone").document_id, by=GRACE)
    closed = make_collection("closed")
    approved("Closed.", title="closed", collection=closed)
    set_collection_active(collection_id=closed.pk, is_active=False, by=GRACE)
    monkeypatch.setattr(retrieval, "passage_index", LyingIndex)

    assert sorted(texts("anything")) == ["New.", "Open."]


# --- Scope -------------------------------------------------------------------------------------


def test_collections_and_language_narrow_the_search(tenant: Tenant) -> None:
    approved("Parcel in English.", title="en", collection=make_collection("en", "en"))
    approved("Parcel auf Deutsch.", title="de", collection=make_collection("de", "de"))

    assert set(titles("parcel")) == {"en", "de"}
    assert titles("parcel", language="de") == ["de"]
    assert titles("parcel", collections=["en"]) == ["en"]
    assert titles("parcel", collections=["en"], language="de") == []
    assert titles("parcel", collections=["nothing"]) == []


@pytest.mark.parametrize("question", ["", "  ", "\x00", "the and of", "?!", "🙂", "'); DROP TABLE"])
def test_questions_without_words_harm_nobody(tenant: Tenant, question: str) -> None:
    approved()

    assert isinstance(retrieval.search(question=question), list)


def test_as_many_as_are_asked_for(tenant: Tenant) -> None:
    approved("question,answer\n" + "".join(f"Parcel {n}?,Parcel no. {n}.\n" for n in range(120)),
             filename="many.csv")  # fmt: skip

    assert len(retrieval.search(question="parcel", limit=7)) == 7
    assert len(retrieval.search(question="parcel", limit=120)) == 120


# --- Two tenants -------------------------------------------------------------------------------


def test_two_tenants_with_the_same_words_find_each_its_own(north: Tenant, south: Tenant) -> None:
    with inside(north):
        approved("# Returns\n\nNorth takes goods back within 30 days.")
    with inside(south):
        assert retrieval.search(question="returns") == []
        approved("# Returns\n\nSouth takes goods back within 10 days.")
        assert texts("takes goods back days") == ["South takes goods back within 10 days."]
    with inside(north):
        assert texts("takes goods back days") == ["North takes goods back within 30 days."]
        assert passage_index().is_transactional


def test_the_scores_of_one_tenant_do_not_depend_on_another(north: Tenant, south: Tenant) -> None:
    def score() -> float | None:
        return retrieval.search(question="refunds")[0].keyword_score

    with inside(north):
        approved()
        alone = score()
    with inside(south):
        for number in range(3):
            approved(f"Refunds, refunds and refunds {number}.", title=str(number))
    with inside(north):
        assert score() == alone


def test_weaviate_is_chosen_by_its_address(settings: Any) -> None:
    from controlplane.knowledge.index.postgres import PostgresIndex

    assert isinstance(passage_index(), PostgresIndex)
    settings.WEAVIATE_URL = "http://127.0.0.1:9"
    assert not passage_index().is_transactional
