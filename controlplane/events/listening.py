"""Who listens: an event goes to each, and what nobody took waits for the next one to come."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from controlplane.events import outbox
from controlplane.events.models import Delivery, Event, Subscription
from controlplane.events.models.events import EventQuerySet, SubscriptionQuerySet

# How long an event waits for a listener. Who clones a template wants what came in while it was set
# up, not every order and invoice of the last year started and paid again.
WAITS_FOR_A_LISTENER = timedelta(days=7)
# Who comes back within this was only started anew: what others got meanwhile is its as well. An
# event that waited for the lock while it went is a moment older than its going.
RESTARTS_WITHIN, A_MOMENT = timedelta(minutes=10), timedelta(minutes=1)


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
SELECT id, is_test FROM events_subscription
 WHERE stopped_at IS NULL AND event_types @> %s::jsonb AND is_test <= %s
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


def catch_up(subscription: Subscription, *, stopped_at: datetime | None = None) -> int:
    """Give a listener what waited for it, or for anybody, and not too long. Returns how many.

    `stopped_at`: since when it had not listened, where it did before.
    """
    since = timezone.now() - WAITS_FOR_A_LISTENER
    started = _go_on(subscription, since) if stopped_at else 0
    started += _take_over(subscription, since)
    for event in _unheard(subscription, since, stopped_at).order_by("received_at"):
        _start(Delivery(event=event, subscription=subscription))
        started += 1
    if not subscription.is_fetched_in_execution:
        # There is no queue any more: its trigger fetches from now on.
        for delivery in _held(Delivery.objects.queued().filter(subscription=subscription)):
            _start(delivery)
    return started


def _go_on(subscription: Subscription, since: datetime) -> int:
    """Where it left off. What a pause holds back is not touched, whatever n8n does meanwhile."""
    own = Delivery.objects.filter(subscription=subscription, status=Delivery.Status.PENDING)
    own.exclude(event__type__in=subscription.event_types, event__received_at__gte=since).update(
        subscription=None
    )
    waited = list(_held(own))
    for delivery in waited:
        _start(delivery)
    return len(waited)


def _take_over(subscription: Subscription, since: datetime) -> int:
    """What others of its workflow left at addresses that it no longer has, and who is gone."""
    others = Subscription.objects.of_the_workflow_of(subscription).exclude(pk=subscription.pk)
    left = Delivery.objects.filter(
        Q(subscription=None) | Q(subscription__in=others.filter(stopped_at__isnull=False)),
        status__in=[Delivery.Status.PENDING, Delivery.Status.HELD],
        event__type__in=subscription.event_types,
        event__is_test=subscription.is_test,
        event__received_at__gte=since,
    )
    known = subscription.deliveries.filter(event__received_at__gte=since)
    has = set(known.values_list("event_id", flat=True))
    started = 0
    for delivery in _held(left):
        # Several listeners may have left the same event behind, also to one that had it already.
        if delivery.event_id in has:
            delivery.delete()
            continue
        has.add(delivery.event_id)
        delivery.subscription = subscription
        if delivery.status == Delivery.Status.HELD:
            delivery.save(update_fields=["subscription", "updated_at"])
            continue
        _start(delivery)
        started += 1
    return started


def _held(waiting: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """As they are once nobody else changes them: a run that began before may fetch one just now."""
    return waiting.order_by("created_at").select_for_update(of=("self",))


def _unheard(
    subscription: Subscription, since: datetime, stopped_at: datetime | None
) -> EventQuerySet:
    deliveries = Delivery.objects.filter(event=OuterRef("pk"))
    unheard = Q(~Exists(deliveries))
    is_restart = stopped_at is not None and timezone.now() - stopped_at < RESTARTS_WITHIN
    if stopped_at is not None and is_restart and not subscription.is_test:
        mine = deliveries.filter(subscription=subscription)
        unheard |= Q(~Exists(mine), received_at__gte=stopped_at - A_MOMENT)
    return Event.objects.filter(
        unheard,
        type__in=subscription.event_types,
        is_test=subscription.is_test,
        received_at__gte=since,
    )


def present_listener(delivery: Delivery, *, workflow_id: str) -> Subscription | None:
    """Who gets the delivery when it is tried again: its own listener, or, if that has stopped, one
    that listens for the workflow by now. None: the one that comes (`catch_up`) gets it.
    """
    own = delivery.subscription
    if own is not None and own.stopped_at is None:
        return own
    same = Q(workflow_id=workflow_id)
    if own is not None and own.installation_id:
        # Its workflow may have been made anew.
        same |= Q(installation_id=own.installation_id)
    return (
        Subscription.objects.listening()
        .filter(
            same,
            event_types__contains=[delivery.event.type],
            is_test=delivery.event.is_test,
        )
        .exclude(deliveries__event=delivery.event_id)
        .order_by("created_at")
        .first()
    )


def stop(subscriptions: SubscriptionQuerySet) -> None:
    """They listen no more; what they did not get waits until they do. Nobody knows again who came
    without naming a workflow."""
    forget(subscriptions.filter(installation_id=None, workflow_id=""))
    subscriptions.listening().update(stopped_at=timezone.now())


def forget(subscriptions: SubscriptionQuerySet) -> None:
    """They are gone for good; what they did not get, or what a pause held back, waits for the next
    one that wants it."""
    Delivery.objects.filter(subscription__in=subscriptions, status=Delivery.Status.HELD).update(
        status=Delivery.Status.PENDING
    )
    subscriptions.delete()


def _start(delivery: Delivery) -> None:
    delivery.place_until = delivery.queued_at = None
    delivery.save()
    outbox.put("events.deliver", delivery.pk)


def start(event: Event, subscription: Subscription) -> Delivery:
    """Deliver to this listener alone, in the caller's transaction."""
    delivery = Delivery(event=event, subscription=subscription)
    _start(delivery)
    return delivery
