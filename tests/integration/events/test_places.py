"""A burst starts no more runs at once than places: the others queue, and nobody is forgotten."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone

from controlplane.events import circuit, delivery, outage, outbox, pauses, places, services
from controlplane.events.exceptions import handling
from controlplane.events.models import (
    Delivery,
    ExceptionCase,
    OutboxMessage,
    Source,
    Subscription,
)
from controlplane.events.reconciling import reconcile
from controlplane.instances.models import Workspace
from tenants.context import inside, outside
from tenants.models import Tenant
from tests.factories.events import (
    ADA,
    make_event,
    make_machine,
    make_subscription,
    make_workspace,
)
from tests.factories.offers import (
    PATH,
    burst,
    fetch,
    let_time_pass,
    offers,
    open_offers,
    relay_all,
    subject_of,
    subjects,
)
from tests.fakes.n8n import FakeN8n

WINDOW = 3


@pytest.fixture(autouse=True)
def _window(settings: Any) -> Iterator[None]:
    settings.DELIVERY_WINDOW = WINDOW
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def listener(tenant: Tenant, n8n: FakeN8n) -> Subscription:
    """A workflow that n8n's Webhook starts; it fetches when a test says so."""
    make_workspace(n8n.url)
    n8n.webhooks[PATH] = lambda body: 200
    return make_subscription(n8n.url, is_fetched_in_execution=True)


def test_a_burst_is_offered_as_far_as_there_are_places(
    listener: Subscription, n8n: FakeN8n
) -> None:
    burst(6)

    relay_all()

    assert subjects(n8n) == ["#1000", "#1001", "#1002"]
    assert Delivery.objects.queued().count() == 3


def test_each_fetch_lets_the_one_go_on_that_queued_longest(
    listener: Subscription, n8n: FakeN8n
) -> None:
    burst(6)
    relay_all()

    for number, offer in enumerate(offers(n8n)[:2]):
        fetch(offer, number)
        relay_all()

    assert subjects(n8n)[WINDOW:] == ["#1003", "#1004"]
    make_event(number=2000)
    relay_all()
    assert len(offers(n8n)) == WINDOW + 2, "who comes new passes nobody that queues"


def test_a_fetch_wakes_the_relay_at_once(listener: Subscription, n8n: FakeN8n) -> None:
    burst(4)
    relay_all()
    (queued,) = Delivery.objects.queued()

    fetch(offers(n8n)[0])

    with outside():
        message = OutboxMessage.objects.get(reference=queued.pk)
    assert message.due_at <= timezone.now()


def test_one_listeners_queue_holds_up_no_other(listener: Subscription, n8n: FakeN8n) -> None:
    n8n.webhooks["/webhook/others"] = lambda body: 200
    make_subscription(n8n.url, path="/webhook/others", is_fetched_in_execution=True)
    burst(WINDOW + 2)
    relay_all()
    for offer in offers(n8n, "/webhook/others"):
        fetch(offer)
    relay_all()

    assert len(offers(n8n)) == WINDOW
    assert len(offers(n8n, "/webhook/others")) == WINDOW + 2


def test_what_nobody_fetches_is_offered_anew_after_the_others(
    listener: Subscription, n8n: FakeN8n
) -> None:
    burst(5)
    relay_all()
    fetch(offers(n8n)[0])
    relay_all()
    assert subjects(n8n) == ["#1000", "#1001", "#1002", "#1003"]

    let_time_pass(31)
    relay_all()

    assert len(subjects(n8n)) == 4 + WINDOW
    assert "#1004" in subjects(n8n)[4:]
    for offer in offers(n8n)[4:]:
        fetch(offer)
    relay_all()
    for offer in offers(n8n)[4 + WINDOW :]:
        fetch(offer)
    assert not Delivery.objects.exclude(status=Delivery.Status.DELIVERED).exists()


def test_a_run_gets_longer_with_each_try(listener: Subscription, n8n: FakeN8n) -> None:
    burst(1)
    relay_all()
    for seconds, number in ((29, 1), (2, 2), (31, 2), (30, 3)):
        let_time_pass(seconds)
        relay_all()
        assert len(offers(n8n)) == number


def test_a_relay_that_dies_with_a_place_offers_it_again(
    listener: Subscription, n8n: FakeN8n, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its message comes back when the claim has run out, and finds the place still its own."""

    def die() -> None:
        raise KeyboardInterrupt

    first = burst(WINDOW + 1)[0]
    with monkeypatch.context() as dying:
        dying.setattr(outage.http, "client", die)
        with pytest.raises(KeyboardInterrupt):
            delivery.deliver(first.pk)
    assert offers(n8n) == []

    relay_all()

    assert sorted(subjects(n8n)) == ["#1000", "#1001", "#1002"]
    assert Delivery.objects.queued().count() == 1


def test_while_n8n_fails_only_those_with_a_place_try(listener: Subscription, n8n: FakeN8n) -> None:
    burst(6)
    n8n.webhooks[PATH] = lambda body: 500
    relay_all()
    let_time_pass(20)
    relay_all()

    assert len(set(subjects(n8n))) == WINDOW
    n8n.webhooks[PATH] = lambda body: 200
    let_time_pass(20)
    relay_all()
    assert Delivery.objects.filter(offered_at__isnull=False).count() == WINDOW


def test_an_open_circuit_lets_nobody_further_in(listener: Subscription, n8n: FakeN8n) -> None:
    burst(5)
    for _time in range(circuit.FAILURES):
        circuit.note_failure(Workspace.current().instance_id)

    relay_all()
    assert offers(n8n) == []
    assert Delivery.objects.filter(place_until__isnull=False).count() == WINDOW
    circuit.close(Workspace.current().instance_id)
    let_time_pass(30)
    relay_all()

    assert sorted(subjects(n8n)) == ["#1000", "#1001", "#1002"]


def test_who_waits_for_its_turn_stands_in_nobodys_way(listener: Subscription, n8n: FakeN8n) -> None:
    for note in ("a", "b", "c", "d"):
        make_event(note=note)
    Source.objects.update(is_ordered=True)
    make_event(number=2)

    relay_all()

    assert subjects(n8n) == ["#1001", "#2"]
    handled = []
    for turn in range(4):
        (offer,) = [one for one in open_offers(n8n) if subject_of(one) == "#1001"]
        handled.append(uuid.UUID(offer["delivery_id"]))
        fetch(offer, turn)
        let_time_pass(1)
        relay_all()
    assert handled == sorted(handled)


def test_a_pause_holds_those_that_queue_too(listener: Subscription, n8n: FakeN8n) -> None:
    installation_id = uuid.uuid4()
    Subscription.objects.update(installation_id=installation_id)
    burst(6)
    relay_all()

    pauses.pause_installation(installation_id=installation_id, reason="Wrong prices", by=ADA)

    assert pauses.held(installation_id).count() == 3
    let_time_pass(31)
    relay_all()
    assert pauses.held(installation_id).count() == 6
    assert len(offers(n8n)) == WINDOW
    pauses.resume_installation(installation_id=installation_id, by=ADA)
    relay_all()
    assert len(offers(n8n)) == 2 * WINDOW


@pytest.mark.parametrize("way", ["set aside", "given up"])
def test_what_is_not_tried_any_more_gives_its_place_on(
    listener: Subscription, n8n: FakeN8n, way: str
) -> None:
    first = burst(WINDOW + 1)[0]
    relay_all()

    if way == "given up":
        delivery.give_up(first.pk)
    else:
        delivery.open_for(first, "rejected", "It is not fetched.")
        handling.resolve(case=ExceptionCase.objects.get(), resolution="by_hand", by=ADA)
        let_time_pass(10)
    relay_all()

    assert subjects(n8n)[-1] == "#1003"


def test_who_queued_at_a_listener_that_is_gone_goes_to_the_next(
    listener: Subscription, n8n: FakeN8n
) -> None:
    burst(6)
    relay_all()
    services.unsubscribe(subscription_id=listener.pk, by=make_machine())
    make_subscription(n8n.url, is_fetched_in_execution=True)
    let_time_pass(31)
    relay_all()
    while left := open_offers(n8n):
        for offer in left:
            fetch(offer)
        relay_all()

    assert not Delivery.objects.exclude(status=Delivery.Status.DELIVERED).exists()


def test_a_listener_that_fetches_by_its_trigger_from_now_on_has_no_queue(
    listener: Subscription, n8n: FakeN8n
) -> None:
    burst(WINDOW + 2)
    relay_all()

    make_subscription(n8n.url, is_fetched_in_execution=False)
    relay_all()

    assert not Delivery.objects.queued().exists()
    assert len(offers(n8n)) == WINDOW + 2


def test_where_a_place_goes_with_its_row_the_reconciler_gives_it_on(
    listener: Subscription, n8n: FakeN8n
) -> None:
    burst(WINDOW + 1)
    relay_all()
    Delivery.objects.filter(offered_at__isnull=False).delete()

    reconcile()
    relay_all()

    assert subject_of(offers(n8n)[-1]) == "#1003"


def test_after_a_restore_who_queued_waits_for_a_person(yard: Tenant) -> None:
    with inside(yard):
        make_workspace()
        make_subscription(is_fetched_in_execution=True)
        make_event()
        Delivery.objects.update(queued_at=timezone.now())
    OutboxMessage.objects.all().delete()

    places.hold_restored(yard, ADA)

    with inside(yard):
        places.fill_all()
        assert not Delivery.objects.queued().exists()
    message = OutboxMessage.objects.get()
    assert (message.schema_name, message.failed_at is not None) == (yard.schema_name, True)
    assert outbox.claim(limit=10) == []
