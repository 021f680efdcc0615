"""From an event to the workflows that listen: fan-out, the call to n8n, and the claim.

n8n gets an id and a one-time token and fetches the event with its credential, so that a forged or
repeated call to the webhook starts nothing. Where it stays open whether n8n took a delivery, a sign
of life from the execution settles it before anything is sent again.
"""

import hashlib
import secrets
import uuid
from datetime import timedelta

import httpx
from django.db import connection, transaction
from django.utils import timezone

from controlplane.core import http
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from controlplane.core.logs import bound, get_logger
from controlplane.events import outbox
from controlplane.events.measures import count_delivery
from controlplane.events.models import Delivery, Event, Subscription
from controlplane.instances.addresses import assert_own_url
from controlplane.instances.models import Workspace

# How long an execution may take to its first call of ours before a delivery whose answer was lost
# is sent again.
SIGN_OF_LIFE = timedelta(seconds=60)
# How long an event waits for a listener. Who clones a template wants what came in while it was set
# up, not every order and invoice of the last year started and paid again.
WAITS_FOR_A_LISTENER = timedelta(days=7)

log = get_logger(__name__)


class DeliveryUnknown(DomainError):
    code = "delivery_unknown"
    status = 404
    title = "No such delivery"


class DeliveryClaimed(DomainError):
    code = "delivery_claimed"
    status = 409
    title = "The delivery was fetched already"


def hold_listeners(*, alone: bool) -> None:
    """Until the commit: an event that comes in and a listener that comes or goes see each other.

    Taken before any row is locked. Many events hold it together, a change of listeners alone.
    """
    kind = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
    with connection.cursor() as cursor:
        # The table's oid is the tenant's own, so tenants do not wait for one another.
        cursor.execute(f"SELECT {kind}('events_subscription'::regclass::oid::bigint)")


def fan_out(event: Event) -> None:
    """In the event's transaction: one delivery for each listener; none waits for one."""
    hold_listeners(alone=False)
    for subscription in Subscription.objects.for_event(event):
        _start(Delivery(event=event, subscription=subscription))


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


def _start(delivery: Delivery) -> None:
    delivery.save()
    outbox.put("events.deliver", delivery.pk)


def deliver(reference: uuid.UUID) -> None:
    """The outbox handler: offer one delivery to n8n. Raises NotYet while that fails."""
    with bound(delivery_id=str(reference)):
        token = _next_token(reference)
        if token is None:
            return
        delivery = Delivery.objects.select_related("event", "subscription").get(pk=reference)
        assert delivery.subscription is not None  # _next_token saw to it
        url = assert_own_url(Workspace.current(), delivery.subscription.webhook_url)
        body = {
            "delivery_id": str(delivery.pk),
            "token": token,
            "event_type": delivery.event.type,
        }
        try:
            with http.client() as client:
                response = client.post(url, json=body)
        except httpx.HTTPError as error:
            raise _not_yet(delivery, f"n8n did not answer: {type(error).__name__}") from error
        delivery.refresh_from_db()
        if response.is_success and delivery.status == Delivery.Status.CLAIMED:
            _settle(delivery)
        elif response.status_code == httpx.codes.NOT_FOUND:
            raise _not_yet(delivery, "n8n has no active workflow at the trigger's address (404)")
        else:
            raise _not_yet(
                delivery, f"n8n answered {response.status_code} and did not fetch the event"
            )


def give_up(reference: uuid.UUID) -> None:
    """After the last try: the source's page says so, until somebody has it tried again."""
    Delivery.objects.filter(pk=reference).exclude(status=Delivery.Status.DELIVERED).update(
        status=Delivery.Status.FAILED
    )
    count_delivery("failed")


@transaction.atomic
def _next_token(reference: uuid.UUID) -> str | None:
    """A new token for the next try; None where there is nothing to send. Raises NotYet."""
    delivery = (
        Delivery.objects.select_for_update(of=("self",))
        .select_related("event")
        .filter(pk=reference)
        .first()
    )
    # Without a listener it waits for the next one, which starts it again.
    if delivery is None or delivery.subscription_id is None:
        return None
    if delivery.status == Delivery.Status.DELIVERED:
        return None
    if delivery.status == Delivery.Status.CLAIMED:
        if delivery.event.execution_id:
            _settle(delivery)
            return None
        assert delivery.claimed_at is not None
        if timezone.now() - delivery.claimed_at < SIGN_OF_LIFE:
            raise outbox.NotYet("fetched by n8n; waiting for a sign of life", seconds=5)
    token = secrets.token_urlsafe(32)
    delivery.token_sha256 = _digest(token)
    delivery.status = Delivery.Status.PENDING
    delivery.attempts += 1
    delivery.save(update_fields=["token_sha256", "status", "attempts", "updated_at"])
    return token


def _settle(delivery: Delivery) -> None:
    delivery.status = Delivery.Status.DELIVERED
    delivery.delivered_at = timezone.now()
    delivery.last_error = ""
    delivery.save(update_fields=["status", "delivered_at", "last_error", "updated_at"])
    count_delivery("delivered")
    log.info("event.delivered", event_id=str(delivery.event_id), attempts=delivery.attempts)


def _not_yet(delivery: Delivery, why: str) -> outbox.NotYet:
    Delivery.objects.filter(pk=delivery.pk).update(last_error=why)
    count_delivery("retried")
    return outbox.NotYet(why)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def claim(*, delivery_id: uuid.UUID, token: str, by: Actor) -> Delivery:
    """n8n fetches what it was offered: once per token, and only with the listener's own key.

    Raises DeliveryUnknown (also for a token that was never issued) or DeliveryClaimed.
    """
    delivery = (
        Delivery.objects.select_for_update(of=("self",))
        .select_related("event__source", "subscription")
        .filter(pk=delivery_id)
        .first()
    )
    fits = (
        delivery is not None
        and delivery.subscription is not None
        and delivery.subscription.installation_id == by.installation_id
        and secrets.compare_digest(delivery.token_sha256, _digest(token))
    )
    if delivery is None or not fits:
        raise DeliveryUnknown(
            "There is no delivery with this ID and token for this credential. If the trigger was "
            "called by hand: events start workflows, the address alone does not."
        )
    if delivery.status != Delivery.Status.PENDING:
        raise DeliveryClaimed("This delivery was fetched before; it starts nothing a second time.")
    delivery.status = Delivery.Status.CLAIMED
    delivery.claimed_at = timezone.now()
    delivery.save(update_fields=["status", "claimed_at", "updated_at"])
    return delivery
