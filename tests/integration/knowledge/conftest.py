"""A knowledge base of one FAQ, a language model on the loopback, and somebody who asks."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from controlplane.knowledge import llm
from controlplane.knowledge.answers import subjects
from controlplane.knowledge.answers.subjects import Question
from controlplane.knowledge.models import DocumentVersion
from tenants.models import Tenant
from tests.factories import knowledge as factory
from tests.factories.answers import FAQ
from tests.fakes.openai import FakeOpenAI, running_fake_openai


@pytest.fixture
def faq(tenant: Tenant) -> DocumentVersion:
    return factory.approved(FAQ, filename="faq.csv", title="FAQ")


@pytest.fixture
def openai(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenAI]:
    """LLM_MODEL is a model of this server; retries do not wait."""
    monkeypatch.setattr(llm, "_models", {})
    monkeypatch.setattr(llm, "backoff", lambda attempt, **_: 0.01)
    with running_fake_openai() as fake:
        settings.LLM_MODEL, settings.LLM_API_KEY = "openai:stub-1", "sk-test"
        settings.LLM_BASE_URL, settings.LLM_TIMEOUT = fake.url, 5
        yield fake


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> Callable[..., uuid.UUID]:
    """`source(text, …)`: a subject of kind "letter" that asks it; gives its id."""
    asked: dict[uuid.UUID, Question] = {}
    monkeypatch.setattr(subjects, "_sources", {"letter": lambda key: asked[key]})

    def make(text: str, **kwargs: Any) -> uuid.UUID:
        key = uuid.uuid4()
        asked[key] = Question(text, **kwargs)
        return key

    return make
