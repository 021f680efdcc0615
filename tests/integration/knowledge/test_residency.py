"""Passages and questions of a tenant with a region stay there, or go nowhere."""

from collections.abc import Iterator
from typing import Any

import pytest

from controlplane.core.actor import system
from controlplane.knowledge import llm
from controlplane.knowledge.index import passage_index
from controlplane.knowledge.index.postgres import PostgresIndex
from controlplane.knowledge.index.weaviate import WeaviateIndex
from controlplane.knowledge.index.weaviate_client import close_clients
from controlplane.knowledge.llm import Message, ModelFailed
from controlplane.knowledge.models import DocumentVersion
from controlplane.knowledge.services import indexing
from tenants.context import inside
from tenants.models import Tenant
from tenants.residency import change_region
from tests.factories import knowledge as factory
from tests.factories.answers import FAQ, ask, said
from tests.fakes.openai import FakeOpenAI
from tests.fakes.weaviate import FakeWeaviate, running_fake_weaviate

BY = system("tests")


@pytest.fixture
def european(tenant: Tenant) -> Tenant:
    tenant.region = "eu"
    return tenant


@pytest.fixture
def weaviate(settings: Any) -> Iterator[FakeWeaviate]:
    with running_fake_weaviate() as fake:
        settings.WEAVIATE_URL, settings.WEAVIATE_GRPC_URL = fake.url, fake.grpc_url
        yield fake
        close_clients()


@pytest.mark.parametrize("region", ["", "us"], ids=["unknown", "another"])
def test_a_model_elsewhere_is_not_asked(
    region: str, faq: DocumentVersion, european: Tenant, openai: FakeOpenAI, settings: Any
) -> None:
    settings.LLM_REGION = region

    answer = ask()

    assert openai.requests == []
    assert (answer.by_model, answer.verdict) == (False, "accept")
    with pytest.raises(ModelFailed, match="region"):
        llm.complete([Message("user", "Where is it?")])


def test_a_model_of_the_region_is_asked(
    faq: DocumentVersion, european: Tenant, openai: FakeOpenAI, settings: Any
) -> None:
    settings.LLM_REGION = "eu"
    openai.will_say(said(("Goods may be returned within 30 days of delivery.", [1])))

    assert ask().by_model


@pytest.mark.parametrize(
    ("tenant_region", "weaviate_region", "kind"),
    [
        ("", "", WeaviateIndex), ("", "us", WeaviateIndex), ("eu", "eu", WeaviateIndex),
        ("eu", "us", PostgresIndex), ("eu", "", PostgresIndex),
    ],
)  # fmt: skip
def test_passages_are_in_weaviate_only_where_it_is_in_the_region(
    tenant_region: str, weaviate_region: str, kind: type, tenant: Tenant, settings: Any
) -> None:
    settings.WEAVIATE_URL, settings.WEAVIATE_REGION = "http://127.0.0.1:9", weaviate_region
    tenant.region = tenant_region

    assert isinstance(passage_index(), kind)


def test_with_a_region_the_passages_leave_a_weaviate_elsewhere(
    north: Tenant, weaviate: FakeWeaviate, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[DocumentVersion] = []
    monkeypatch.setattr(indexing, "_enqueue", lambda *versions: asked.extend(versions))
    with inside(north):
        version = factory.approved(FAQ, filename="faq.csv", title="FAQ")
        indexing.index_version(version.pk)
    asked.clear()
    assert held_by(weaviate) == {north.schema_name}

    change_region(tenant=north, region="eu", by=BY)

    assert asked == [version], "it is indexed in PostgreSQL"
    assert held_by(weaviate) == set()


def held_by(weaviate: FakeWeaviate) -> set[str]:
    return {name for tenants in weaviate.tenants.values() for name in tenants}
