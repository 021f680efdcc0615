"""Places while relays and runs are at it at the same moment, each with a connection of its own."""

import queue
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections, transaction
from django.utils import timezone

from controlplane.events import places
from controlplane.events.management.commands.relay import relay
from controlplane.events.models import Delivery, Event
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.events import (
    make_event,
    make_source,
    make_subscription,
    make_workspace,
)
from tests.factories.offers import PATH, burst, fetch
from tests.fakes.n8n import FakeN8n

WINDOW = 3


@pytest.fixture(autouse=True)
def _window(settings: Any) -> None:
    settings.DELIVERY_WINDOW = WINDOW


def test_a_burst_drains_while_nobody_has_more_than_its_places(yard: Tenant, n8n: FakeN8n) -> None:
    """Sixty at once, two relays, and a workflow that takes one after the other."""
    stop = threading.Event()
    workflow = _SlowWorkflow(yard, stop)

    def send() -> None:
        try:
            relay(stop=stop, threads=8)
        finally:
            connections.close_all()

    n8n.webhooks[PATH] = workflow.start
    with inside(yard):
        make_workspace(n8n.url)
        make_subscription(n8n.url, is_fetched_in_execution=True)
        source = make_source()
        with transaction.atomic():
            for number in range(60):
                make_event(source, number=number)
    threads = [threading.Thread(target=work) for work in (workflow.run, send, send)]
    for thread in threads:
        thread.start()
    try:
        assert workflow.has_run_through.wait(timeout=60)
    finally:
        stop.set()
        for thread in threads:
            thread.join(timeout=20)

    assert workflow.wrong == []
    with inside(yard):
        assert Delivery.objects.filter(status=Delivery.Status.DELIVERED).count() == 60
        assert Event.objects.exclude(execution_id="").count() == 60
    assert max(workflow.waited) == WINDOW
    assert len(workflow.waited) == 60, "something was offered twice"


class _SlowWorkflow:
    """Starts at once; fetches one after the other, once it has been offered what it may be.

    Knows how many waited at each start.
    """

    def __init__(self, tenant: Tenant, stop: threading.Event) -> None:
        self.tenant, self.stop = tenant, stop
        self.has_run_through = threading.Event()
        self.waited: list[int] = []
        self.wrong: list[Exception] = []
        self._started: queue.Queue[dict[str, str]] = queue.Queue()
        self._waiting: set[str] = set()
        self._lock = threading.Lock()

    def start(self, body: dict[str, str]) -> int:
        with self._lock:
            self._waiting.add(body["delivery_id"])
            self.waited.append(len(self._waiting))
        self._started.put(body)
        return 200

    def run(self) -> None:
        number = 0
        while len(self.waited) < WINDOW and not self.stop.is_set():
            self.stop.wait(0.01)
        while number < 60 and not self.stop.is_set():
            try:
                offer = self._started.get(timeout=0.1)
            except queue.Empty:
                continue
            number += 1
            self.stop.wait(0.01)
            with self._lock:
                self._waiting.discard(offer["delivery_id"])
            try:
                with inside(self.tenant):
                    fetch(offer, number)
            except Exception as error:
                self.wrong.append(error)
        self.has_run_through.set()
        connections.close_all()


def test_two_relays_do_not_both_take_the_last_place(yard: Tenant) -> None:
    """Neither sees what the other has not committed, so the second waits."""
    with inside(yard):
        make_workspace()
        make_subscription(is_fetched_in_execution=True)
        one, other, *with_places = burst(WINDOW + 1)
        Delivery.objects.filter(pk__in=[row.pk for row in with_places]).update(
            place_until=timezone.now() + timedelta(minutes=1)
        )
    taken: list[bool] = []
    has_taken = threading.Event()

    def take(row: Delivery) -> None:
        held = Delivery.objects.select_for_update(of=("self",)).select_related("subscription")
        row = held.get(pk=row.pk)
        taken.append(places.take(row))
        row.save()

    def second() -> None:
        with inside(yard), transaction.atomic():
            take(other)
        has_taken.set()
        connections.close_all()

    thread = threading.Thread(target=second)
    with inside(yard), transaction.atomic():
        take(one)
        thread.start()
        assert not has_taken.wait(0.3)
    thread.join(timeout=10)

    assert taken == [True, False]
