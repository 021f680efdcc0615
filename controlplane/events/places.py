"""The places of a workflow that n8n's own Webhook starts: how many of its runs are awaited at once.

A burst would have n8n start a run for every event at the same moment, and their first calls would
refuse one another. So each listener has `DELIVERY_WINDOW` places. A delivery holds one from before
n8n is called until its event is fetched; the others queue, with nothing in the outbox. Whatever
ends a stay gives the place on in the same transaction, so somebody who is awake holds each place
while anybody queues.
"""

import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from controlplane.core.actor import Actor
from controlplane.events import outbox
from controlplane.events.models import Delivery, Subscription
from tenants.context import inside
from tenants.models import Tenant

# How long a place is kept for a call to n8n and the waits between failed ones.
KEPT_FOR = timedelta(seconds=60)


def take(delivery: Delivery) -> bool:
    """Whether it has a place from now on; the caller saves that. Else it queues, and is saved.

    In a transaction that holds the row. Who comes new stands behind all who queue.
    """
    if delivery.subscription is None or not delivery.subscription.is_fetched_in_execution:
        return True
    now = timezone.now()
    anybody_queues, taken = _standing(delivery.subscription.pk, now, but=delivery.pk)
    has_one = delivery.place_until is not None and delivery.place_until > now
    if has_one or (not anybody_queues and taken < settings.DELIVERY_WINDOW):
        delivery.place_until, delivery.queued_at = now + KEPT_FOR, None
        return True
    delivery.queued_at = delivery.queued_at or now
    delivery.place_until = delivery.offered_at = None
    delivery.status = Delivery.Status.PENDING
    delivery.save(update_fields=["queued_at", "place_until", "offered_at", "status", "updated_at"])
    _give_on(delivery.subscription.pk, now, settings.DELIVERY_WINDOW - taken)
    return False


def give_back(delivery: Delivery) -> None:
    """What is not to be offered now stands in nobody's way. In a transaction that holds the row."""
    if delivery.place_until is not None:
        delivery.place_until = None
        delivery.save(update_fields=["place_until", "updated_at"])
    if delivery.subscription is not None:
        fill(delivery.subscription)


def fill(subscription: Subscription) -> None:
    """Give the places that are free to those who have queued longest, and wake the relay.

    The last thing in the caller's transaction: it keeps others of the subscription waiting.
    """
    if not subscription.is_fetched_in_execution:
        return
    now = timezone.now()
    anybody_queues, taken = _standing(subscription.pk, now)
    if anybody_queues:
        _give_on(subscription.pk, now, settings.DELIVERY_WINDOW - taken)


def fill_all() -> None:
    """Where a row went that held a place, nobody else gives it on."""
    queues = Delivery.objects.queued().filter(subscription__isnull=False)
    for subscription in Subscription.objects.listening().filter(
        pk__in=queues.values("subscription")
    ):
        with transaction.atomic():
            fill(subscription)


def hold_restored(tenant: Tenant, by: Actor) -> None:
    """After a restore, who queued waits for a person too, as what stood in the outbox does."""
    with inside(tenant):
        found = Delivery.objects.queued()
        queued = list(found.values_list("pk", flat=True))
        found.update(queued_at=None)
        for one in queued:
            outbox.put_held("events.deliver", one)


def _standing(
    subscription_id: uuid.UUID, now: datetime, *, but: uuid.UUID | None = None
) -> tuple[bool, int]:
    """Whether anybody queues, and how many places are taken; true until the commit.

    One message, two statements: the second has seen what was there after it waited.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('events.places'), hashtext(%(id)s::text));"
            " SELECT EXISTS (SELECT FROM events_delivery WHERE subscription_id = %(id)s"
            " AND status = 'pending' AND queued_at IS NOT NULL AND id IS DISTINCT FROM %(but)s),"
            " (SELECT count(*) FROM events_delivery WHERE subscription_id = %(id)s"
            " AND status = 'pending' AND place_until > %(now)s AND id IS DISTINCT FROM %(but)s)",
            {"id": subscription_id, "but": but, "now": now},
        )
        cursor.nextset()
        anybody_queues, taken = cursor.fetchone()
    return anybody_queues, taken


def _give_on(subscription_id: uuid.UUID, now: datetime, free: int) -> None:
    """Rows that somebody holds are passed over: who holds one is about to look for itself."""
    if free <= 0:
        return
    queue = Delivery.objects.queued().filter(subscription=subscription_id)
    chosen = queue.order_by("queued_at", "pk").select_for_update(skip_locked=True, of=("self",))
    lucky = list(chosen.values_list("pk", flat=True)[:free])
    Delivery.objects.filter(pk__in=lucky).update(
        place_until=now + KEPT_FOR, queued_at=None, updated_at=now
    )
    for one in lucky:
        outbox.put("events.deliver", one)
