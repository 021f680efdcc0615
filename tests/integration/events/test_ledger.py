"""Once inside: the same call again gets the same answer and has no second effect."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.http import HttpResponse
from django.test import Client

from controlplane.audit.models import Entry
from controlplane.events.ledger import MAX_KEY
from controlplane.events.models import LedgerEntry
from tenants.context import inside
from tenants.models import ApiKey, Tenant

RECORD = "/api/v1/operations/audit/record"
BODY = {"action": "order.exported", "subject_type": "order", "subject_id": "1"}
RUN = {
    "X-N8N-Workflow-Id": "wf1",
    "X-N8N-Execution-Id": "71",
    "X-N8N-Node": "Note%20it",
    "X-N8N-Item": "0:0",
}


def record(client: Client, headers: dict[str, str] | None = None, **changes: Any) -> HttpResponse:
    return client.post(RECORD, BODY | changes, "application/json", headers=headers or {})


def effects(tenant: Tenant) -> int:
    with inside(tenant):
        return Entry.objects.filter(action="order.exported").count()


@pytest.fixture
def caller(north: Tenant, machine: Callable[..., Client]) -> Client:
    return machine(north)


def test_the_same_run_again_is_answered_alike(north: Tenant, caller: Client) -> None:
    first, again = record(caller, RUN), record(caller, RUN)

    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert effects(north) == 1


def test_a_key_that_was_given_counts_before_the_run(north: Tenant, caller: Client) -> None:
    record(caller, {**RUN, "Idempotency-Key": "k1"})
    record(caller, {**RUN, "X-N8N-Item": "0:1", "Idempotency-Key": "k1"})

    assert effects(north) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"X-N8N-Execution-Id": "72"},
        {"X-N8N-Workflow-Id": "wf2"},
        {"X-N8N-Node": "Note%20it1"},
        {"X-N8N-Item": "0:1"},
        {"X-N8N-Item": "1:0"},
    ],
)
def test_another_run_node_or_item_is_another_effect(
    north: Tenant, caller: Client, other: dict[str, str]
) -> None:
    record(caller, RUN)
    answer = record(caller, RUN | other)

    assert "Idempotent-Replayed" not in answer
    assert effects(north) == 2


def test_long_names_of_nodes_that_begin_alike_are_two(north: Tenant, caller: Client) -> None:
    """Percent-encoded, a name of 40 Chinese characters is 360 long."""
    name = "%E5%AF%A9" * 40
    record(caller, RUN | {"X-N8N-Node": name + "1"})
    record(caller, RUN | {"X-N8N-Node": name + "2"})

    assert effects(north) == 2


@pytest.mark.parametrize("key", ["k" * (MAX_KEY + 500), "%00", "ä", "🙂"])
def test_odd_keys_and_names_are_taken(north: Tenant, caller: Client, key: str) -> None:
    assert record(caller, RUN | {"X-N8N-Node": key}).status_code == 200
    assert record(caller, RUN | {"X-N8N-Node": key})["Idempotent-Replayed"] == "true"
    assert record(caller, {"Idempotency-Key": key}).status_code == 200
    assert effects(north) == 2


def test_without_a_run_or_a_key_each_call_counts(north: Tenant, caller: Client) -> None:
    record(caller)
    record(caller)
    record(caller, {name: RUN[name] for name in list(RUN)[:2]})

    assert effects(north) == 3


def test_the_key_with_another_body_is_refused(north: Tenant, caller: Client) -> None:
    record(caller, RUN)

    answer = record(caller, RUN, subject_id="2")

    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert effects(north) == 1


def test_the_order_of_fields_does_not_matter(north: Tenant, caller: Client) -> None:
    record(caller, RUN)
    turned = dict(reversed(BODY.items()))

    answer = caller.post(RECORD, turned, "application/json", headers=RUN)

    assert answer["Idempotent-Replayed"] == "true"


def test_what_failed_leaves_nothing_and_may_be_tried_again(north: Tenant, caller: Client) -> None:
    lost = {"order_id": "01900000-0000-7000-8000-000000000000", "outcome": "accepted"}
    path = "/api/v1/operations/order/record_outcome"

    for _try in range(2):
        answer = caller.post(path, lost, "application/json", headers=RUN)
        assert (answer.status_code, answer.json()["code"]) == (404, "order_unknown")
    with inside(north):
        assert not LedgerEntry.objects.exists()


def test_two_machines_keys_do_not_meet(
    north: Tenant, caller: Client, machine: Callable[..., Client]
) -> None:
    record(caller, {"Idempotency-Key": "k1"})
    answer = record(machine(north), {"Idempotency-Key": "k1"}, subject_id="2")

    assert answer.status_code == 200
    assert effects(north) == 2


def test_two_operations_keys_do_not_meet(north: Tenant, caller: Client) -> None:
    record(caller, {"Idempotency-Key": "k1"})

    answer = caller.post(
        "/api/v1/operations/order/record_outcome",
        {"order_id": "01900000-0000-7000-8000-000000000000", "outcome": "accepted"},
        "application/json",
        headers={"Idempotency-Key": "k1"},
    )

    assert answer.json()["code"] == "order_unknown"


def test_at_the_same_time_there_is_one_effect(yard: Tenant) -> None:
    _key, text = ApiKey.issue(tenant=yard, name="test", scopes=["audit:record"])
    ready = threading.Barrier(4)
    answers: list[HttpResponse] = []

    def call() -> None:
        client = Client(headers={"host": "localhost", "authorization": f"Bearer {text}"})
        ready.wait(timeout=10)
        answers.append(record(client, RUN))
        connections.close_all()

    threads = [threading.Thread(target=call) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert [answer.status_code for answer in answers] == [200] * 4
    assert sum("Idempotent-Replayed" in answer for answer in answers) == 3
    assert len({answer.json()["audit_sequence"] for answer in answers}) == 1
    assert effects(yard) == 1
