"""Listeners come and go; no event is lost between them, and the test button finds the editor."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone

from controlplane.events.delivery import deliver
from controlplane.events.incoming import Incoming
from controlplane.events.intake import receive
from controlplane.events.models import Delivery, Event, OutboxMessage, Subscription
from controlplane.events.services import (
    EventTypeUnknown,
    send_test_event,
    subscribe,
    subscriptions_at,
    unsubscribe,
)
from controlplane.instances.addresses import ForeignUrl
from tenants.context import inside, outside
from tenants.models import Tenant
from tests.factories.events import (
    make_event,
    make_machine,
    make_source,
    make_subscription,
    make_workspace,
    order_body,
    webhook_headers,
)


def in_outbox() -> list[uuid.UUID]:
    with outside():
        return list(OutboxMessage.objects.values_list("reference", flat=True))


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
        deliver(Delivery.objects.get().pk)  # the outbox may still ask: nothing to send to
        assert Delivery.objects.get().attempts == 0

        back = make_subscription()

        delivery = Delivery.objects.get()
        assert (delivery.event, delivery.subscription) == (event, back)
        assert in_outbox() == [delivery.pk, delivery.pk]

    @pytest.mark.parametrize(("days", "number"), [(6.9, 1), (7.1, 0)])
    def test_what_waited_too_long_starts_nothing(self, days: float, number: int) -> None:
        make_event()
        Event.objects.update(received_at=timezone.now() - timedelta(days=days))

        make_subscription()

        assert Delivery.objects.count() == len(in_outbox()) == number

    @pytest.mark.parametrize(("days", "number"), [(6.9, 1), (7.1, 0)])
    def test_what_was_left_behind_too_long_ago_starts_nothing(
        self, days: float, number: int
    ) -> None:
        left = make_subscription()
        make_event()
        unsubscribe(subscription_id=left.pk, by=make_machine())
        Event.objects.update(received_at=timezone.now() - timedelta(days=days))

        back = make_subscription()

        assert back.deliveries.count() == number

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
        before = in_outbox()

        make_subscription()
        make_subscription(path="/webhook/other", workflow_id="wf2")

        assert in_outbox() == before
        assert Delivery.objects.get().status == Delivery.Status.DELIVERED

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
        receive(source=source, incoming=Incoming.of(body, webhook_headers(body)))
        thread.start()
        assert not is_subscribed.wait(0.3)
    thread.join(timeout=10)

    with inside(yard):
        assert Delivery.objects.get().subscription is not None


def test_what_a_run_fetches_while_its_listener_comes_back_is_not_sent_again(yard: Tenant) -> None:
    """n8n stops and starts a workflow that somebody saves; runs that began before go on."""
    with inside(yard):
        make_workspace()
        left = make_subscription(is_fetched_in_execution=True)
        make_event()
        unsubscribe(subscription_id=left.pk, by=make_machine())
    is_back = threading.Event()

    def listen() -> None:
        with inside(yard):
            make_subscription(is_fetched_in_execution=True)
        is_back.set()
        connections.close_all()

    thread = threading.Thread(target=listen)
    with inside(yard), transaction.atomic():
        Delivery.objects.update(status=Delivery.Status.CLAIMED)  # as whoever fetches it
        thread.start()
        assert not is_back.wait(0.3)
    thread.join(timeout=10)

    with inside(yard):
        assert Delivery.objects.get().status == Delivery.Status.CLAIMED
