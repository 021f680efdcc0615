"""From an event to the workflow that listens, whatever n8n answers, and once."""

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction
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
from controlplane.events.intake import receive
from controlplane.events.models import Delivery, Event, OutboxMessage, Subscription
from controlplane.events.presentation import present_delivery
from controlplane.events.services import (
    EventTypeUnknown,
    attach_execution,
    send_test_event,
    subscribe,
    subscriptions_at,
    unsubscribe,
)
from controlplane.instances.addresses import ForeignUrl
from tenants.context import inside, outside
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


def in_outbox() -> list[uuid.UUID]:
    with outside():
        return list(OutboxMessage.objects.values_list("reference", flat=True))


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


class TestListening:
    """Subscriptions come and go; no event is lost between them."""

    @pytest.fixture(autouse=True)
    def _workspace(self, tenant: Tenant) -> None:
        make_workspace()

    def test_an_event_waits_for_its_first_listener(self) -> None:
        events = [make_event(number=number) for number in (1, 2)]
        assert in_outbox() == []

        make_subscription()

        deliveries = Delivery.objects.order_by("created_at")
        assert [d.event_id for d in deliveries] == [event.pk for event in events]
        assert in_outbox() == [d.pk for d in deliveries]

    def test_asking_again_changes_nothing(self) -> None:
        make_event()
        first = make_subscription()
        again = make_subscription()

        assert first == again
        assert Delivery.objects.count() == len(in_outbox()) == 1

    def test_who_left_and_came_back_gets_what_was_pending(self) -> None:
        left = make_subscription()
        event = make_event()
        unsubscribe(subscription_id=left.pk, by=make_machine())
        assert Delivery.objects.get().subscription is None
        deliver(Delivery.objects.get().pk)  # the outbox may still ask: nothing to send to

        back = make_subscription()

        delivery = Delivery.objects.get()
        assert (delivery.event, delivery.subscription) == (event, back)
        assert in_outbox() == [delivery.pk, delivery.pk]

    def test_what_two_listeners_left_behind_goes_once_to_the_next(self) -> None:
        left = [make_subscription(path=f"/webhook/{n}") for n in (1, 2)]
        event = make_event()
        for subscription in left:
            unsubscribe(subscription_id=subscription.pk, by=make_machine())

        back = make_subscription()

        assert Delivery.objects.get(subscription=back).event == event

    def test_a_listener_that_asks_again_takes_over_what_another_left(self) -> None:
        """As at each start of n8n, after another installation was taken away."""
        stays = make_subscription(path="/webhook/stays")
        leaves = make_subscription(path="/webhook/leaves")
        event = make_event()
        unsubscribe(subscription_id=leaves.pk, by=make_machine())

        assert make_subscription(path="/webhook/stays") == stays

        assert Delivery.objects.get(subscription=stays).event == event

    def test_a_delivered_event_is_not_sent_to_a_later_listener(self) -> None:
        left = make_subscription()
        make_event()
        Delivery.objects.update(status=Delivery.Status.DELIVERED)
        unsubscribe(subscription_id=left.pk, by=make_machine())

        back = make_subscription()

        assert not Delivery.objects.filter(subscription=back).exists()

    def test_a_listener_gets_only_the_types_it_asked_for(self) -> None:
        make_subscription(event_types=["order.cancelled"])
        make_event()

        assert not Delivery.objects.exists()

    def test_each_listener_gets_the_event(self) -> None:
        for number in (1, 2):
            make_subscription(path=f"/webhook/{number}")
        make_event()

        assert Delivery.objects.count() == 2

    def test_one_installation_ends_no_subscription_of_another(self) -> None:
        mine = make_subscription(by=make_machine(uuid.uuid4()))

        unsubscribe(subscription_id=mine.pk, by=make_machine())

        assert Subscription.objects.get() == mine
        assert subscriptions_at(mine.webhook_url, by=make_machine()) == []

    def test_who_subscribes_last_at_an_address_listens_there(self) -> None:
        """As when a consultant gives the trigger another credential of the same tenant."""
        make_subscription(by=make_machine(uuid.uuid4()))
        last = make_machine(uuid.uuid4())

        make_subscription(by=last)

        assert Subscription.objects.get().installation_id == last.installation_id

    @pytest.mark.parametrize("url", ["http://evil.example/webhook/x", "http://127.0.0.1:10/x", ""])
    def test_only_the_tenants_own_n8n_is_called(self, url: str) -> None:
        with pytest.raises(ForeignUrl):
            subscribe(
                webhook_url=url, event_types=["order.created"], workflow_id="", is_test=False,
                by=make_machine(),
            )  # fmt: skip

    def test_unknown_types_are_named(self) -> None:
        with pytest.raises(EventTypeUnknown, match="order\\.eaten"):
            make_subscription(event_types=["order.eaten", "order.created"])


class TestTheTestButton:
    """A test event goes to an editor that listens, if there is one; else to the live workflow."""

    @pytest.fixture(autouse=True)
    def _workspace(self, tenant: Tenant) -> None:
        make_workspace()

    def test_to_a_waiting_editor(self) -> None:
        make_subscription()
        editor = make_subscription(path="/webhook-test/orders", is_test=True)

        event = send_test_event(source=make_source()).event

        assert event.is_test
        assert Delivery.objects.get().subscription == editor

    def test_to_the_live_workflow_else(self) -> None:
        live = make_subscription()

        send_test_event(source=make_source())

        assert Delivery.objects.get().subscription == live

    def test_a_real_order_never_goes_to_an_editor(self) -> None:
        make_subscription(path="/webhook-test/orders", is_test=True)
        make_event()

        assert not Delivery.objects.exists()

    def test_each_test_is_an_event_of_its_own(self) -> None:
        source = make_source()

        assert send_test_event(source=source).event != send_test_event(source=source).event


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
        receive(source=source, body=body, headers=webhook_headers(body))
    for message in outbox.claim(limit=10):
        outbox.carry_out(message)

    assert [status for status, _answer in fetched] == [200]
    assert fetched[0][1]["subject"] == "#1001"
    assert "payload" not in fetched[0][1]
    assert not OutboxMessage.objects.exists()
    with inside(yard):
        assert Delivery.objects.get().status == Delivery.Status.DELIVERED


def test_an_event_and_a_listener_that_come_together_meet(yard: Tenant) -> None:
    """Neither sees the other's uncommitted row; without a lock the event would wait for nobody."""
    with inside(yard):
        make_workspace()
        source = make_source()
    body = order_body()
    is_subscribed = threading.Event()

    def listen() -> None:
        with inside(yard):
            make_subscription()
        is_subscribed.set()
        connections.close_all()

    thread = threading.Thread(target=listen)
    with inside(yard), transaction.atomic():
        receive(source=source, body=body, headers=webhook_headers(body))
        thread.start()
        assert not is_subscribed.wait(0.3)
    thread.join(timeout=10)

    with inside(yard):
        assert Delivery.objects.get().subscription is not None
