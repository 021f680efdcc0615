"""From an event to the workflow that listens, whatever n8n answers, and once."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from controlplane.core.actor import Execution
from controlplane.events import outbox
from controlplane.events.delivery import (
    SIGN_OF_LIFE,
    DeliveryClaimed,
    DeliveryUnknown,
    claim,
    deliver,
)
from controlplane.events.incoming import Incoming
from controlplane.events.intake import receive
from controlplane.events.models import Delivery, Event, ExceptionCase, OutboxMessage
from controlplane.events.presentation import present_delivery
from controlplane.events.services import attach_execution, unsubscribe
from controlplane.instances.models import Workspace
from tenants.context import inside
from tenants.models import ApiKey, Tenant
from tests.factories.events import (
    make_event,
    make_machine,
    make_source,
    make_subscription,
    make_workspace,
    order_body,
    webhook_headers,
)
from tests.fakes.n8n import FakeN8n

PATH = "/webhook/orders"


@pytest.fixture
def offered(tenant: Tenant, n8n: FakeN8n) -> Callable[..., tuple[Delivery, str]]:
    """A delivery that n8n was offered and did not fetch, and the token that it got."""
    make_workspace(n8n.url)

    def offer(**subscription: Any) -> tuple[Delivery, str]:
        listener = make_subscription(n8n.url, **subscription)
        make_event()
        delivery = Delivery.objects.get(subscription=listener)
        n8n.webhooks[PATH] = lambda body: 200
        with pytest.raises(outbox.NotYet):
            deliver(delivery.pk)
        return delivery, n8n.called("POST", PATH)[-1].body["token"]

    return offer


def test_n8n_is_told_an_id_and_a_token_and_nothing_of_the_order(
    offered: Callable[..., Any], n8n: FakeN8n
) -> None:
    delivery, token = offered()

    (call,) = n8n.called("POST", PATH)
    assert call.body == {
        "delivery_id": str(delivery.pk), "token": token, "event_type": "order.created",
    }  # fmt: skip
    assert token not in Delivery.objects.get().token_sha256


def test_a_token_fetches_once(offered: Callable[..., Any]) -> None:
    delivery, token = offered()

    shown = present_delivery(
        claim(delivery_id=delivery.pk, token=token, by=make_machine()), include_payload=True
    )

    assert shown["subject"] == "#1001"
    assert shown["payload"]["name"] == "#1001"
    with pytest.raises(DeliveryClaimed):
        claim(delivery_id=delivery.pk, token=token, by=make_machine())


def test_the_trigger_gets_a_cloudevent_beside_what_it_got_before(
    offered: Callable[..., Any],
) -> None:
    delivery, token = offered()
    claimed = claim(delivery_id=delivery.pk, token=token, by=make_machine())

    before = present_delivery(claimed, include_payload=False)
    shown = present_delivery(claimed, include_payload=False, as_cloudevent=True)
    whole = present_delivery(claimed, include_payload=True, as_cloudevent=True)

    assert before == {name: shown[name] for name in before}
    assert shown["cloudevent"]["subject"] == "#1001"
    assert "data" not in shown["cloudevent"]
    assert whole["cloudevent"]["data"] == whole["payload"]


def test_a_wrong_token_fetches_nothing(offered: Callable[..., Any]) -> None:
    delivery, _token = offered()

    for wrong in ("", "x" * 43):
        with pytest.raises(DeliveryUnknown):
            claim(delivery_id=delivery.pk, token=wrong, by=make_machine())
    with pytest.raises(DeliveryUnknown):
        claim(delivery_id=uuid.uuid4(), token=_token, by=make_machine())


def test_a_delivery_that_was_never_offered_has_no_token(tenant: Tenant) -> None:
    make_workspace()
    make_subscription()
    make_event()

    with pytest.raises(DeliveryUnknown):
        claim(delivery_id=Delivery.objects.get().pk, token="", by=make_machine())


def test_only_the_installation_that_listens_fetches(offered: Callable[..., Any]) -> None:
    mine = make_machine(uuid.uuid4())
    delivery, token = offered(by=mine)

    for stranger in (make_machine(), make_machine(uuid.uuid4())):
        with pytest.raises(DeliveryUnknown):
            claim(delivery_id=delivery.pk, token=token, by=stranger)
    assert claim(delivery_id=delivery.pk, token=token, by=mine).status == "claimed"


def test_a_new_try_makes_the_old_token_worthless(offered: Callable[..., Any]) -> None:
    delivery, old = offered()

    with pytest.raises(outbox.NotYet):
        deliver(delivery.pk)

    with pytest.raises(DeliveryUnknown):
        claim(delivery_id=delivery.pk, token=old, by=make_machine())
    assert Delivery.objects.get().attempts == 2


@pytest.mark.parametrize(
    ("prepare", "why"),
    [
        (lambda n8n: n8n.webhooks.clear(), "404"),
        (lambda n8n: n8n.refuse("POST", PATH, status=503), "503"),
        (lambda n8n: n8n.break_off("POST", PATH, after_effect=False), "did not answer"),
    ],
)
def test_while_n8n_does_not_take_it_it_waits_and_says_why(
    offered: Callable[..., Any], n8n: FakeN8n, prepare: Callable[[FakeN8n], None], why: str
) -> None:
    delivery, _token = offered()
    prepare(n8n)

    with pytest.raises(outbox.NotYet, match=why):
        deliver(delivery.pk)

    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.PENDING
    assert why in delivery.last_error


def test_after_a_lost_answer_a_sign_of_life_settles_it(
    offered: Callable[..., Any], n8n: FakeN8n
) -> None:
    """n8n fetched the event and its answer was lost: nothing is sent while it may be at work."""
    delivery, token = offered()
    claim(delivery_id=delivery.pk, token=token, by=make_machine())
    calls = len(n8n.calls)

    with pytest.raises(outbox.NotYet, match="sign of life"):
        deliver(delivery.pk)
    attach_execution(Event.objects.get(), Execution("wf1", "71", "Review"))
    deliver(delivery.pk)

    delivery.refresh_from_db()
    assert delivery.status == Delivery.Status.DELIVERED
    assert delivery.last_error == ""
    assert len(n8n.calls) == calls


def test_without_a_sign_of_life_it_is_sent_again(offered: Callable[..., Any], n8n: FakeN8n) -> None:
    delivery, token = offered()
    claim(delivery_id=delivery.pk, token=token, by=make_machine())
    Delivery.objects.update(claimed_at=timezone.now() - SIGN_OF_LIFE - timedelta(seconds=1))

    with pytest.raises(outbox.NotYet):
        deliver(delivery.pk)

    assert n8n.called("POST", PATH)[-1].body["token"] != token


def test_without_a_sign_of_life_it_goes_to_its_listener_when_that_is_back(
    offered: Callable[..., Any],
) -> None:
    """n8n fetched the event, and was ended before it did anything."""
    delivery, token = offered()
    claim(delivery_id=delivery.pk, token=token, by=make_machine())
    unsubscribe(subscription_id=delivery.subscription.pk, by=make_machine())
    with pytest.raises(outbox.NotYet, match="sign of life"):
        deliver(delivery.pk)
    Delivery.objects.update(claimed_at=timezone.now() - SIGN_OF_LIFE - timedelta(seconds=1))
    deliver(delivery.pk)

    delivery.refresh_from_db()
    assert (delivery.status, delivery.subscription.stopped_at is None) == ("pending", False)


def test_the_first_execution_to_speak_for_an_event_stays(tenant: Tenant) -> None:
    event = make_event()
    attach_execution(event, Execution("wf1", "71", "Review"))
    attach_execution(event, Execution("wf1", "72", "Review"))

    assert Event.objects.get().execution_id == "71"


def test_what_was_delivered_or_is_gone_is_not_sent(
    offered: Callable[..., Any], n8n: FakeN8n
) -> None:
    delivery, _token = offered()
    Delivery.objects.update(status=Delivery.Status.DELIVERED)
    calls = len(n8n.calls)

    deliver(delivery.pk)
    deliver(uuid.uuid4())

    assert len(n8n.calls) == calls


def test_through_the_api_as_the_trigger_does(yard: Tenant, n8n: FakeN8n) -> None:
    """Subscribed, told, fetched and delivered: over HTTP in both directions, committed."""
    _key, text = ApiKey.issue(tenant=yard, name="trigger", scopes=["events:subscribe"])
    headers = {"host": "localhost", "authorization": f"Bearer {text}"}
    fetched: list[Any] = []

    def trigger(body: dict[str, Any]) -> int:
        path = f"/api/v1/deliveries/{body['delivery_id']}/claim"
        answer = Client(headers=headers).post(path, {"token": body["token"]}, "application/json")
        fetched.append((answer.status_code, answer.json()))
        connections.close_all()
        return 200

    n8n.webhooks[PATH] = trigger
    with inside(yard):
        make_workspace(n8n.url)
        source = make_source()
    subscribed = Client(headers=headers).put(
        "/api/v1/subscriptions",
        {"webhook_url": n8n.url + PATH, "event_types": ["order.created"], "workflow_id": "wf1"},
        "application/json",
    )
    assert subscribed.status_code == 200
    with inside(yard):
        body = order_body()
        receive(source=source, incoming=Incoming.of(body, webhook_headers(body)))
    for message in outbox.claim(limit=10):
        outbox.carry_out(message)

    assert [status for status, _answer in fetched] == [200]
    assert fetched[0][1]["subject"] == "#1001"
    assert "payload" not in fetched[0][1]
    assert not OutboxMessage.objects.exists()
    with inside(yard):
        assert Delivery.objects.get().status == Delivery.Status.DELIVERED


def test_an_address_that_is_not_n8ns_any_more_is_somebodys_work_at_once(
    tenant: Tenant, n8n: FakeN8n
) -> None:
    make_workspace(n8n.url)
    make_subscription(n8n.url)
    make_event()
    Workspace.objects.update(base_url="http://n8n.example", webhook_base_url="http://n8n.example")

    with pytest.raises(outbox.NotYet, match="own n8n"):
        deliver(Delivery.objects.get().pk)

    assert not n8n.calls
    assert ExceptionCase.objects.get().type == "rejected"
