"""Who listens: an event goes to each, and what nobody took waits for the next one to come."""

import json
import uuid
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from controlplane.events import outbox
from controlplane.events.models import Delivery, Event, Subscription

# How long an event waits for a listener. Who clones a template wants what came in while it was set
# up, not every order and invoice of the last year started and paid again.
WAITS_FOR_A_LISTENER = timedelta(days=7)


def hold_listeners(*, alone: bool) -> None:
    """Until the commit: an event that comes in and a listener that comes or goes see each other.

    Taken before any row is locked. Many events hold it together, a change of listeners alone.
    """
    kind = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    with connection.cursor() as cursor:
        # The table's oid is the tenant's own, so tenants do not wait for one another.
        cursor.execute(f"SELECT {kind}('events_subscription'::regclass::oid::bigint)")


# One message, two statements: the second has seen what was there after it waited.
HOLD_AND_LIST = """
SELECT pg_advisory_xact_lock_shared('events_subscription'::regclass::oid::bigint);
SELECT id, is_test FROM events_subscription WHERE event_types @> %s::jsonb AND is_test <= %s
"""


def fan_out(event: Event) -> None:
    """In the event's transaction: one delivery for each listener; none waits for one.

    Listeners are held as by `hold_listeners`.
    """
    with connection.cursor() as cursor:
        cursor.execute(HOLD_AND_LIST, asked_for(event))
        found = listed(cursor)
    deliver(event, found)


def asked_for(event: Event) -> list[Any]:
    """What `HOLD_AND_LIST` wants to know, for who sends it together with something else."""
    return [json.dumps([event.type]), event.is_test]


def listed(cursor: Any) -> list[uuid.UUID]:
    """Who listens: of a cursor that stands on the first result of `HOLD_AND_LIST`.

    A test event goes to editors that wait for one, if any does.
    """
    cursor.nextset()
    found = cursor.fetchall()
    waiting = [subscription for subscription, is_test in found if is_test]
    return waiting or [subscription for subscription, _is_test in found]


def deliver(event: Event, listeners: list[uuid.UUID]) -> None:
    for subscription_id in listeners:
        _start(Delivery(event=event, subscription_id=subscription_id))


def catch_up(subscription: Subscription) -> int:
    """Give a new listener what waited for one, and not too long. Returns how many events."""
    since = timezone.now() - WAITS_FOR_A_LISTENER
    stranded = Delivery.objects.filter(
        subscription=None,
        status=Delivery.Status.PENDING,
        event__type__in=subscription.event_types,
        event__is_test=subscription.is_test,
        event__received_at__gte=since,
    )
    waiting = Event.objects.filter(
        type__in=subscription.event_types,
        deliveries=None,
        is_test=subscription.is_test,
        received_at__gte=since,
    ).order_by("received_at")
    known = subscription.deliveries.filter(event__received_at__gte=since)
    has = set(known.values_list("event_id", flat=True))
    started = 0
    for delivery in stranded.order_by("created_at"):
        # Several listeners may have left the same event behind, also to one that had it already.
        if delivery.event_id in has:
            delivery.delete()
            continue
        has.add(delivery.event_id)
        delivery.subscription = subscription
        _start(delivery)
        started += 1
    for event in waiting:
        _start(Delivery(event=event, subscription=subscription))
        started += 1
    return started


def listener_instead(delivery: Delivery, *, workflow_id: str) -> Subscription | None:
    """Who listens for the workflow in place of a listener that is gone: n8n takes its own away and
    sets up another each time it starts. None: the next one to come gets it (`catch_up`).
    """
    return (
        Subscription.objects.filter(
            workflow_id=workflow_id,
            event_types__contains=[delivery.event.type],
            is_test=delivery.event.is_test,
        )
        .exclude(deliveries__event=delivery.event_id)
        .order_by("created_at")
        .first()
    )


def leave_behind(subscriptions: QuerySet[Subscription]) -> None:
    """They listen no more; what they did not get, or what a pause held back, waits for the next."""
    Delivery.objects.filter(subscription__in=subscriptions, status=Delivery.Status.HELD).update(
        status=Delivery.Status.PENDING
    )
    subscriptions.delete()


def _start(delivery: Delivery) -> None:
    delivery.save()
    outbox.put("events.deliver", delivery.pk)


def start(event: Event, subscription: Subscription) -> Delivery:
    """Deliver to this listener alone, in the caller's transaction."""
    delivery = Delivery(event=event, subscription=subscription)
    _start(delivery)
    return delivery
