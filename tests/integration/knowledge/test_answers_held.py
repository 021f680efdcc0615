"""What a call holds of the database while a model writes, and what the same call again gets."""

import threading
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import Client

from controlplane.events.models import LedgerEntry
from controlplane.knowledge.models import Answer
from tenants.context import inside
from tenants.models import ApiKey, Tenant
from tests.factories import knowledge as factory
from tests.factories.answers import FAQ, RETURN_QUESTION, said
from tests.fakes.openai import FakeOpenAI, Reply

PATH = "/api/v1/operations/knowledge/answer"
RUN = {
    "X-N8N-Workflow-Id": "wf1",
    "X-N8N-Execution-Id": "71",
    "X-N8N-Node": "Answer",
    "X-N8N-Item": "0:0",
}
SAID = said(("Goods may be returned within 30 days of delivery.", [1]))
# Whoever has written something has a transaction's number until it ends.
WRITING = "SELECT pid FROM pg_locks WHERE locktype = 'transactionid' AND granted"


@pytest.fixture
def caller(yard: Tenant, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Where tests commit: a transaction of the test's own would hide the call's."""
    monkeypatch.setattr("controlplane.core.jobs.current_app.send_task", lambda *_a, **_k: None)
    with inside(yard):
        factory.approved(FAQ, filename="faq.csv", title="FAQ")
    _key, text = ApiKey.issue(tenant=yard, name="test", scopes=["knowledge:answer"])
    return Client(headers={"host": "localhost", "authorization": f"Bearer {text}"})


def ask(client: Client, question: str = RETURN_QUESTION) -> Any:
    return client.post(PATH, {"question": question}, "application/json", headers=RUN)


def test_no_transaction_is_open_while_the_model_is_asked(
    caller: Client, openai: FakeOpenAI
) -> None:
    writing: list[Any] = []

    def look(_request: dict[str, Any]) -> str:
        named = connections["owner"].get_connection_params()
        wanted = ("host", "port", "user", "password", "dbname")
        with psycopg.connect(**{name: named[name] for name in wanted if name in named}) as other:
            writing.append(other.execute(WRITING).fetchall())
        return SAID

    openai.will_say(look)

    assert ask(caller).status_code == 200
    assert writing == [[]]


def test_the_same_call_again_asks_no_model(
    yard: Tenant, caller: Client, openai: FakeOpenAI
) -> None:
    openai.will_say(SAID)

    first, again = ask(caller), ask(caller)

    assert first.json() == again.json()
    assert ("Idempotent-Replayed" in first, again["Idempotent-Replayed"]) == (False, "true")
    assert len(openai.requests) == 1
    with inside(yard):
        assert Answer.objects.count() == LedgerEntry.objects.count() == 1


def test_at_the_same_time_the_model_is_asked_once(caller: Client, openai: FakeOpenAI) -> None:
    openai.will_say(Reply(SAID, delay=0.3))
    ready, answers = threading.Barrier(3), []

    def call() -> None:
        ready.wait(timeout=10)
        answers.append(ask(caller))
        connections.close_all()

    threads = [threading.Thread(target=call) for _n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert [answer.status_code for answer in answers] == [200] * 3
    assert len({answer.json()["answer_id"] for answer in answers}) == 1
    assert len(openai.requests) == 1


def test_the_key_with_another_question_is_refused(caller: Client, openai: FakeOpenAI) -> None:
    openai.will_say(SAID)
    ask(caller)

    refused = ask(caller, "What does shipping cost?")

    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_key_reused")


def test_what_failed_may_be_tried_again(yard: Tenant, caller: Client, openai: FakeOpenAI) -> None:
    openai.will_say(SAID)

    assert ask(caller, " ").status_code == 422

    with inside(yard):
        assert not LedgerEntry.objects.exists()
    assert ask(caller).status_code == 200
