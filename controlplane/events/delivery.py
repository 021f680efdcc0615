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
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from controlplane.core.actor import Actor, system
from controlplane.core.errors import DomainError
from controlplane.core.logs import bound, get_logger
from controlplane.events import circuit, listening, outage, outbox, places
from controlplane.events.exceptions import taxonomy
from controlplane.events.exceptions.opening import open_case, settle_after_success
from controlplane.events.measures import count_delivery
from controlplane.events.models import (
    Delivery,
    Failure,
    Pause,
)
from controlplane.instances.addresses import ForeignUrl, assert_own_url
from controlplane.instances.models import Workspace

# How long an execution may take to its first call of ours before a delivery whose answer was lost
# is sent again.
SIGN_OF_LIFE = timedelta(seconds=60)
# An execution that was started to fetch an event has so long for it, and with every try as much
# again: the Fetch of our templates gives up within a third of it, but an n8n that runs only so many
# at once may keep one waiting. Offering it anew is safe at any time, since it voids the old token.
TIME_TO_FETCH = timedelta(seconds=30)
LONGEST_TO_FETCH = timedelta(seconds=120)
# When it is first looked at again whether an execution fetched what it was started for.
FETCHED_WITHIN = 2.0
# From this try on, some minute or two, a failure is somebody's work: it goes on being tried.
TOLD_AFTER = 10
# How long one that has to wait for an earlier one of its subject waits before it looks again.
NEXT_TURN_SECONDS = 0.5

Deliveries = QuerySet[Delivery]

log = get_logger(__name__)


class DeliveryUnknown(DomainError):
    code = "delivery_unknown"
    status = 404
    title = "No such delivery"


class DeliveryClaimed(DomainError):
    code = "delivery_claimed"
    status = 409
    title = "The delivery was fetched already"


def deliver(reference: uuid.UUID) -> None:
    """The outbox handler: offer one delivery to n8n. Raises NotYet while that fails."""
    with bound(delivery_id=str(reference)):
        workspace = Workspace.current()
        delivery, token = _next_token(reference, workspace)
        if delivery is None:
            return
        assert delivery.subscription is not None  # _next_token saw to it
        url = _address(delivery, workspace)
        body = {
            "delivery_id": str(delivery.pk),
            "token": token,
            "event_type": delivery.event.type,
        }
        try:
            response = outage.call_workflow(workspace, url, body)
        except httpx.HTTPError as error:
            why = f"n8n did not answer: {type(error).__name__}"
            raise _not_yet(delivery, why, taxonomy.of_http_error(error)) from error
        delivery.refresh_from_db(fields=["status"])
        if delivery.status == Delivery.Status.DELIVERED:
            return
        if response.is_success and delivery.status == Delivery.Status.CLAIMED:
            mark_delivered(delivery)
        elif response.is_success and delivery.subscription.is_fetched_in_execution:
            raise _offered(delivery)
        elif response.status_code == httpx.codes.NOT_FOUND:
            why = "n8n has no active workflow at the trigger's address (404)"
            raise _not_yet(delivery, why, Failure.REJECTED)
        else:
            why = f"n8n answered {response.status_code} and did not fetch the event"
            raise _not_yet(delivery, why, taxonomy.of_status(response.status_code))


def _address(delivery: Delivery, workspace: Workspace) -> str:
    """Where it is offered. Raises NotYet where that is not the tenant's own n8n, which no further
    try mends: somebody is told at once."""
    assert delivery.subscription is not None
    try:
        return assert_own_url(workspace, delivery.subscription.webhook_url)
    except ForeignUrl as error:
        Delivery.objects.filter(pk=delivery.pk).update(
            last_error=error.detail, failure=Failure.REJECTED
        )
        open_for(delivery, Failure.REJECTED, error.detail)
        raise outbox.NotYet(error.detail) from error


def give_up(reference: uuid.UUID) -> None:
    """After the last try: an exception says so, until somebody has it tried again."""
    with transaction.atomic():
        delivery = (
            Delivery.objects.select_for_update(of=("self",))
            .select_related("event__source", "subscription")
            .filter(pk=reference)
            .exclude(status=Delivery.Status.DELIVERED)
            .first()
        )
        if delivery is None:
            return
        delivery.status = Delivery.Status.FAILED
        delivery.save(update_fields=["status", "updated_at"])
        open_for(delivery, delivery.failure or Failure.REJECTED, delivery.last_error)
        places.give_back(delivery)


def open_for(delivery: Delivery, failure: str, why: str, *, execution_id: str = "") -> None:
    """The one exception of this delivery, in the caller's transaction if there is one."""
    subscription = delivery.subscription
    open_case(
        type=failure,
        fingerprint=f"delivery:{delivery.pk}",
        event=delivery.event,
        delivery=delivery,
        installation_id=subscription.installation_id if subscription else None,
        # Of a listener that is gone by now, the workflow whose run took the event.
        workflow_id=subscription.workflow_id if subscription else delivery.event.workflow_id,
        execution_id=execution_id,
        summary=f"{delivery.event.type} was not handled by its workflow",
        detail=why,
        by=system("relay"),
    )
    count_delivery("failed")


def _next_token(reference: uuid.UUID, workspace: Workspace) -> tuple[Delivery | None, str]:
    """The delivery and a new token for the next try; nothing where nothing is to be sent.

    Raises NotYet, after the commit.
    """
    with transaction.atomic():
        found = _tried(reference, workspace)
    if isinstance(found, outbox.NotYet):
        raise found
    return found or (None, "")


def _tried(
    reference: uuid.UUID, workspace: Workspace
) -> tuple[Delivery, str] | outbox.NotYet | None:
    """As `_next_token`; what keeps it from being sent is returned, so that places stay given on."""
    # Before the row: a pause that begins or ends meanwhile sees this delivery, or is seen.
    listening.hold_listeners(alone=False)
    delivery = (
        Delivery.objects.select_for_update(of=("self",))
        .select_related("event__source", "subscription")
        .filter(pk=reference)
        .first()
    )
    # Without a listener it waits until one comes, which starts it again.
    if delivery is None or delivery.subscription is None or _is_over(delivery):
        return None
    if run := _run_under_way(delivery):
        return run
    if delivery.subscription.stopped_at:
        _leave(delivery)
        return None
    if _is_held(delivery):
        return None
    if delivery.event.source.is_ordered and _has_one_before(delivery):
        # The one before may queue: it must not wait for the place of one that waits for it.
        places.give_back(delivery)
        why = "an earlier event of the same subject is not handled yet"
        return outbox.NotYet(why, seconds=NEXT_TURN_SECONDS, is_waiting=True)
    if not places.take(delivery):
        return None
    if wait := circuit.wait_for(workspace.instance_id):
        delivery.save(update_fields=["place_until", "queued_at", "updated_at"])
        why = "n8n did not answer lately; nobody calls it for a moment"
        return outbox.NotYet(why, seconds=wait, is_waiting=True)
    token = secrets.token_urlsafe(32)
    delivery.token_sha256 = _digest(token)
    delivery.status = Delivery.Status.PENDING
    delivery.offered_at = None
    delivery.attempts += 1
    delivery.save(
        update_fields=[
            "token_sha256", "status", "offered_at", "place_until", "queued_at", "attempts",
            "updated_at",
        ]
    )  # fmt: skip
    return delivery, token


def _is_over(delivery: Delivery) -> bool:
    """Whether nothing is left to do, now that it is known that it was taken or done by hand."""
    if delivery.status == Delivery.Status.CLAIMED and delivery.event.execution_id:
        mark_delivered(delivery)
    elif delivery.status == Delivery.Status.SET_ASIDE:
        places.give_back(delivery)
    return delivery.status in {Delivery.Status.DELIVERED, Delivery.Status.SET_ASIDE}


def _run_under_way(delivery: Delivery) -> outbox.NotYet | None:
    """What is waited for where n8n may be at work on it, or about to begin."""
    if delivery.status == Delivery.Status.CLAIMED:
        assert delivery.claimed_at is not None
        if timezone.now() - delivery.claimed_at < SIGN_OF_LIFE:
            why = "fetched by n8n; waiting for a sign of life"
            return outbox.NotYet(why, seconds=5, is_waiting=True)
    if (left := _left_to_fetch(delivery)) > 0:
        return outbox.NotYet("started; to be fetched", seconds=min(left, 5), is_waiting=True)
    return None


def _leave(delivery: Delivery) -> None:
    """Until its listener is back. A run that fetched it and gave no sign of life is none."""
    if delivery.status == Delivery.Status.CLAIMED:
        delivery.status = Delivery.Status.PENDING
        delivery.save(update_fields=["status", "updated_at"])


def _is_held(delivery: Delivery) -> bool:
    """Whether its installation is paused. Whoever lets that go on starts it again."""
    assert delivery.subscription is not None
    installation_id = delivery.subscription.installation_id
    if not installation_id or not Pause.objects.filter(installation_id=installation_id).exists():
        return False
    delivery.status = Delivery.Status.HELD
    delivery.save(update_fields=["status", "updated_at"])
    places.give_back(delivery)
    return True


def _left_to_fetch(delivery: Delivery) -> float:
    """Seconds in which the execution that n8n started may still fetch it; 0 or less: none."""
    if delivery.offered_at is None:
        return 0
    return (delivery.offered_at + _time_to_fetch(delivery) - timezone.now()).total_seconds()


def _time_to_fetch(delivery: Delivery) -> timedelta:
    return min(TIME_TO_FETCH * max(delivery.attempts, 1), LONGEST_TO_FETCH)


def _has_one_before(delivery: Delivery) -> bool:
    """Whether its workflow still has to get an earlier event of the same subject."""
    event = delivery.event
    if not event.subject:
        return False
    earlier = Q(event__received_at__lt=event.received_at) | Q(
        event__received_at=event.received_at, event_id__lt=event.pk
    )
    return (
        Delivery.objects.filter(
            earlier,
            subscription=delivery.subscription_id,
            event__source=event.source_id,
            event__subject=event.subject,
        )
        .exclude(status__in=[Delivery.Status.DELIVERED, Delivery.Status.SET_ASIDE])
        .exists()
    )


@transaction.atomic
def mark_delivered(delivery: Delivery) -> None:
    delivery.status = Delivery.Status.DELIVERED
    delivery.delivered_at = timezone.now()
    delivery.last_error, delivery.failure = "", ""
    delivery.save(update_fields=["status", "delivered_at", "last_error", "failure", "updated_at"])
    settle_after_success(delivery)
    count_delivery("delivered")
    log.info("event.delivered", event_id=str(delivery.event_id), attempts=delivery.attempts)


def _offered(delivery: Delivery) -> outbox.NotYet:
    """n8n has started an execution, which fetches the event in its first step."""
    now = timezone.now()
    Delivery.objects.filter(pk=delivery.pk).update(
        offered_at=now, place_until=now + _time_to_fetch(delivery)
    )
    if delivery.attempts >= TOLD_AFTER:
        why = "n8n starts the workflow, and no execution of it fetches the event"
        open_for(delivery, Failure.REJECTED, why)
    return outbox.NotYet("started; to be fetched", seconds=FETCHED_WITHIN, is_waiting=True)


def _not_yet(delivery: Delivery, why: str, failure: str) -> outbox.NotYet:
    """What keeps failing though n8n is there is somebody's work before the last try."""
    Delivery.objects.filter(pk=delivery.pk).update(last_error=why, failure=failure)
    count_delivery("retried")
    if delivery.attempts >= TOLD_AFTER:
        open_for(delivery, failure, why)
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
