"""What triage holds of the database while a model is loaded, and what two at once make."""

import threading
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import Client

from controlplane.audit.models import Entry
from controlplane.support import model_in_use
from controlplane.support.models import Ticket
from controlplane.support.services import correct_triage, sorting
from tenants.context import inside
from tenants.models import ApiKey, Tenant
from tests.factories.events import ADA
from tests.factories.support import make_ticket

PATH = "/api/v1/operations/ticket/triage"
# Whoever has written something, or locked a row, has a transaction's number until it ends.
WRITING = "SELECT pid FROM pg_locks WHERE locktype = 'transactionid' AND granted"


@pytest.fixture(autouse=True)
def _words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_in_use.embedding, "available", lambda: False)


@pytest.fixture
def ticket(yard: Tenant, monkeypatch: pytest.MonkeyPatch) -> Ticket:
    monkeypatch.setattr("controlplane.core.jobs.current_app.send_task", lambda *_a, **_k: None)
    with inside(yard):
        return make_ticket()


@pytest.fixture
def caller(yard: Tenant) -> Client:
    """Where tests commit: a transaction of the test's own would hide the call's."""
    _key, text = ApiKey.issue(tenant=yard, name="test", scopes=["tickets:triage"])
    return Client(headers={"host": "localhost", "authorization": f"Bearer {text}"})


def triage(client: Client, ticket: Ticket, run: str) -> Any:
    # A key for each: the ledger would let one of them wait for the other.
    body = {"event_id": str(ticket.event_id)}
    return client.post(PATH, body, "application/json", headers={"Idempotency-Key": run})


def test_no_transaction_is_open_while_a_model_is_made_ready(
    caller: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing: list[Any] = []
    ready = model_in_use.model_in_use

    def look() -> Any:
        named = connections["owner"].get_connection_params()
        wanted = ("host", "port", "user", "password", "dbname")
        with psycopg.connect(**{name: named[name] for name in wanted if name in named}) as other:
            writing.append(other.execute(WRITING).fetchall())
        return ready()

    monkeypatch.setattr(sorting, "model_in_use", look)

    assert triage(caller, ticket, "once").status_code == 200
    assert writing == [[]]


def test_two_at_once_keep_one_result(
    yard: Tenant, caller: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, answers = threading.Barrier(2), []
    ready = model_in_use.model_in_use

    def together() -> Any:
        both.wait(timeout=10)
        return ready()

    monkeypatch.setattr(sorting, "model_in_use", together)

    def call(run: str) -> None:
        answers.append(triage(caller, ticket, run))
        connections.close_all()

    threads = [threading.Thread(target=call, args=(run,)) for run in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    with inside(yard):
        assert Entry.objects.filter(action="ticket.triaged").count() == 1


def test_a_correction_meanwhile_stands(
    yard: Tenant, caller: Client, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = model_in_use.model_in_use

    def corrected() -> Any:
        correct_triage(ticket=ticket, intent="complaint", urgency="high", language="de", by=ADA)
        return ready()

    monkeypatch.setattr(sorting, "model_in_use", corrected)

    assert triage(caller, ticket, "once").json()["intent"] == "complaint"
    with inside(yard):
        assert not Entry.objects.filter(action="ticket.triaged").exists()
