"""Whose documents are cited: approved ones of the tenant, as of this moment, and no others."""

import json

from controlplane.knowledge import retrieval
from controlplane.knowledge.answers import services
from controlplane.knowledge.index.weaviate_client import close_clients
from controlplane.knowledge.models import Answer
from controlplane.knowledge.services import indexing
from controlplane.knowledge.services.approval import approve_version, retire_document
from tenants.context import inside
from tests.factories import knowledge as factory
from tests.factories.answers import (
    FAQ,
    RETURN_QUESTION,
    ask,
    assert_quotes_are_exact,
    codes,
    said,
)
from tests.fakes.openai import FakeOpenAI
from tests.fakes.weaviate import running_fake_weaviate


def test_a_draft_is_never_cited(tenant) -> None:
    draft = factory.draft(FAQ, filename="faq.csv")
    assert codes(ask()) == ["no_source"]

    approve_version(version_id=draft.pk, by=factory.GRACE)
    assert ask().citations[0]["document"] == str(draft.document_id)


def test_a_newer_draft_is_not_cited_before_its_approval(faq) -> None:
    newer = factory.new_draft(faq, FAQ.replace("30 days", "60 days"))
    assert "30 days" in ask().text

    approve_version(version_id=newer.pk, by=factory.GRACE)
    answer = ask()
    assert "60 days" in answer.text
    assert {citation["version"] for citation in answer.citations} == {2}


def test_a_retired_document_is_never_cited(faq) -> None:
    retire_document(document_id=faq.document_id, by=factory.GRACE)

    assert codes(ask()) == ["no_source"]


def test_what_is_retired_meanwhile_is_not_cited(faq, monkeypatch) -> None:
    """Between the search and the answer: while a model takes its time, for example."""
    found = retrieval.search

    def search(**kwargs):
        passages = found(**kwargs)
        retire_document(document_id=faq.document_id, by=factory.GRACE)
        return passages

    monkeypatch.setattr(services.retrieval, "search", search)
    answer = ask()

    assert (answer.verdict, codes(answer)) == ("reject", ["no_source"])
    assert (answer.text, answer.citations) == ("", [])
    assert {each["reason"] for each in answer.dropped} == {"source_withdrawn"}


def test_no_tenant_is_answered_from_anothers_documents(north, south, openai: FakeOpenAI) -> None:
    openai.will_say(said(("Goods may be returned within 30 days of delivery.", [1])))
    with inside(north):
        theirs = factory.approved(FAQ, filename="faq.csv", title="Northern secret")
        assert ask().verdict == "accept"
        assert len(openai.requests) == 1
    with inside(south):
        assert codes(ask()) == ["no_source"]
        assert len(openai.requests) == 1, "nobody is asked without a passage"
        factory.approved(FAQ.replace("30 days", "14 days"), filename="faq.csv", title="South")
        answer = ask()
        assert "30 days" not in openai.text_of()
        assert "14 days" in openai.text_of()
        assert str(theirs.document_id) not in json.dumps([answer.passages, answer.citations])
        assert not Answer.objects.filter(question=RETURN_QUESTION, verdict="accept").filter(
            text__contains="30 days"
        )


def test_through_weaviate_it_is_the_same(north, south, settings) -> None:
    """Indexed after the commit; what is withdrawn is not cited, though it is still in there."""
    with running_fake_weaviate() as fake:
        settings.WEAVIATE_URL, settings.WEAVIATE_GRPC_URL = fake.url, fake.grpc_url
        with inside(north):
            version = factory.approved(FAQ, filename="faq.csv", title="FAQ")
            assert codes(ask()) == ["no_source"], "not indexed yet"
            indexing.index_version(version.pk)
            answer = ask()
            assert answer.verdict == "accept"
            assert_quotes_are_exact(answer)
        with inside(south):
            assert codes(ask()) == ["no_source"]
        with inside(north):
            retire_document(document_id=version.document_id, by=factory.GRACE)
            assert fake.tenants["PergolaPassage"][north.schema_name], "still there"
            assert codes(ask()) == ["no_source"]
            indexing.index_version(version.pk)
            assert not fake.tenants["PergolaPassage"][north.schema_name]
        close_clients()
