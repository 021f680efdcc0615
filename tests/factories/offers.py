"""What n8n is offered, and fetches when a test says so; relays and clocks that a test moves on."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.utils import timezone

from controlplane.core.actor import Actor, Execution
from controlplane.events import delivery, outbox
from controlplane.events.models import Delivery, OutboxMessage
from controlplane.events.services import fetch_delivered
from tenants.context import outside
from tests.factories.events import make_event, make_machine
from tests.fakes.n8n import FakeN8n

PATH = "/webhook/orders"


def burst(number: int, **changes: Any) -> list[Delivery]:
    for one in range(number):
        make_event(number=1000 + one, **changes)
    return list(Delivery.objects.order_by("created_at"))


def relay_all() -> None:
    """Carry out whatever is in the outbox and due, as a relay does, until nothing is."""
    for _round in range(200):
        with outside():
            due = OutboxMessage.objects.filter(due_at__lte=timezone.now(), failed_at=None)
            found = list(due.order_by("due_at", "pk"))
        if not found:
            return
        for message in found:
            later = None
            try:
                delivery.deliver(message.reference)
            except outbox.NotYet as not_yet:
                later = timezone.now() + timedelta(seconds=not_yet.seconds or 1)
            with outside():
                if later:
                    OutboxMessage.objects.filter(pk=message.pk).update(due_at=later)
                else:
                    OutboxMessage.objects.filter(pk=message.pk).delete()
    raise AssertionError("it never comes to rest")


def let_time_pass(seconds: float) -> None:
    """For what waits: in the outbox, for a run of n8n's to fetch, or with a place."""
    by = timedelta(seconds=seconds)
    for one in Delivery.objects.all():
        for name in ("offered_at", "place_until", "claimed_at"):
            if at := getattr(one, name):
                setattr(one, name, at - by)
        one.save()
    with outside():
        for message in OutboxMessage.objects.all():
            message.due_at -= by
            message.save()


def run(number: int = 7) -> Actor:
    return replace(make_machine(), execution=Execution("wf1", str(number), "Fetch"))


def offers(n8n: FakeN8n, path: str = PATH) -> list[dict[str, str]]:
    return [call.body for call in n8n.called("POST", f"{path}$")]


def fetch(offer: dict[str, str], number: int = 7) -> str:
    found = fetch_delivered(
        delivery_id=uuid.UUID(offer["delivery_id"]), token=offer["token"], by=run(number)
    )
    return found.event.subject


def subject_of(offer: dict[str, str]) -> str:
    return Delivery.objects.get(pk=offer["delivery_id"]).event.subject


def is_open(offer: dict[str, str]) -> bool:
    return Delivery.objects.get(pk=offer["delivery_id"]).status == Delivery.Status.PENDING


def open_offers(n8n: FakeN8n) -> list[dict[str, str]]:
    """The last of each delivery that nobody fetched yet."""
    last = {offer["delivery_id"]: offer for offer in offers(n8n)}
    return [offer for offer in last.values() if is_open(offer)]


def subjects(n8n: FakeN8n) -> list[str]:
    return [subject_of(offer) for offer in offers(n8n)]
