"""Workflows that n8n's own Webhook starts: their execution fetches the event in its first step."""

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from controlplane.core.actor import Actor, Execution
from controlplane.events import circuit, outbox
from controlplane.events.delivery import (
    SIGN_OF_LIFE,
    TOLD_AFTER,
    DeliveryClaimed,
    DeliveryUnknown,
    deliver,
)
from controlplane.events.models import Delivery, Event, ExceptionCase
from controlplane.events.services import fetch_delivered
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.events import make_event, make_machine, make_subscription, make_workspace
from tests.fakes.n8n import FakeN8n

PATH = "/webhook/orders"


@pytest.fixture
def delivery(tenant: Tenant, n8n: FakeN8n) -> Delivery:
    make_workspace(n8n.url)
    make_subscription(n8n.url, is_fetched_in_execution=True)
    make_event()
    n8n.webhooks[PATH] = lambda body: 200
    return Delivery.objects.get()


def execution(number: str = "7") -> Actor:
    return replace(make_machine(), execution=Execution("wf1", number, "Fetch"))


def offer(delivery: Delivery, n8n: FakeN8n) -> str:
    with pytest.raises(outbox.NotYet) as raised:
        deliver(delivery.pk)
    assert raised.value.is_waiting
    return str(n8n.called("POST", PATH)[-1].body["token"])


def test_what_an_execution_fetched_is_delivered_and_is_its(
    delivery: Delivery, n8n: FakeN8n
) -> None:
    token = offer(delivery, n8n)

    fetched = fetch_delivered(delivery_id=delivery.pk, token=token, by=execution())

    delivery.refresh_from_db()
    assert (delivery.status, fetched.event.subject) == (Delivery.Status.DELIVERED, "#1001")
    assert Event.objects.get().execution_id == "7"
    deliver(delivery.pk)
    assert len(n8n.called("POST", PATH)) == 1


def test_an_execution_that_is_faster_than_the_answer_is_seen(
    delivery: Delivery, n8n: FakeN8n, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetched_meanwhile(instance_id: uuid.UUID) -> bool:
        token = n8n.called("POST", PATH)[-1].body["token"]
        fetch_delivered(delivery_id=delivery.pk, token=token, by=execution())
        return False

    monkeypatch.setattr(circuit, "note_success", fetched_meanwhile)

    deliver(delivery.pk)

    assert Delivery.objects.get().status == Delivery.Status.DELIVERED


def test_while_the_execution_may_still_begin_nothing_is_sent_again(
    delivery: Delivery, n8n: FakeN8n
) -> None:
    offer(delivery, n8n)

    with pytest.raises(outbox.NotYet):
        deliver(delivery.pk)

    assert len(n8n.called("POST", PATH)) == 1


def test_where_no_execution_fetched_it_is_offered_anew_and_the_old_token_is_void(
    delivery: Delivery, n8n: FakeN8n
) -> None:
    old = offer(delivery, n8n)
    Delivery.objects.update(offered_at=timezone.now() - SIGN_OF_LIFE - timedelta(seconds=1))

    new = offer(delivery, n8n)

    with pytest.raises(DeliveryUnknown):
        fetch_delivered(delivery_id=delivery.pk, token=old, by=execution("7"))
    fetch_delivered(delivery_id=delivery.pk, token=new, by=execution("8"))
    with pytest.raises(DeliveryClaimed):
        fetch_delivered(delivery_id=delivery.pk, token=new, by=execution("9"))
    assert Event.objects.get().execution_id == "8"


def test_a_workflow_that_never_fetches_is_somebodys_work(delivery: Delivery, n8n: FakeN8n) -> None:
    Delivery.objects.update(attempts=TOLD_AFTER - 1)

    offer(delivery, n8n)

    assert "no execution of it fetches" in ExceptionCase.objects.get().detail


def test_the_node_fetches_and_a_repeated_step_gets_the_same_answer(
    north: Tenant, machine: Callable[..., Client], n8n: FakeN8n
) -> None:
    client = machine(north)
    with inside(north):
        make_workspace(n8n.url)
    n8n.webhooks[PATH] = lambda body: 200
    listens = client.put(
        "/api/v1/subscriptions",
        json.dumps({"webhook_url": f"{n8n.url}{PATH}", "event_types": ["order.created"],
                    "workflow_id": "wf1", "fetch": "execution"}),
        "application/json",
    )  # fmt: skip
    assert listens.status_code == 200
    with inside(north):
        make_event()
        delivery = Delivery.objects.get()
        token = offer(delivery, n8n)

    def fetch() -> dict[str, str]:
        given = {"delivery_id": str(delivery.pk), "token": token}
        headers = {"Idempotency-Key": "first step"}
        path = "/api/v1/operations/event/fetch"
        answer = client.post(path, given, "application/json", headers=headers)
        assert answer.status_code == 200, answer.content
        return dict(answer.json())

    assert fetch() == fetch()
    assert fetch()["subject"] == "#1001"
