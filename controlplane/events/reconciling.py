"""What n8n made of the events that it took: runs that failed or vanished without a word.

A run that says so itself is seen at once; one whose process was killed, or whose last node failed,
says nothing. So every delivery is compared with its execution, until that has ended.
"""

from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from controlplane.core.logs import get_logger
from controlplane.events import places, services
from controlplane.events.delivery import open_for
from controlplane.events.exceptions import taxonomy
from controlplane.events.models import Delivery, Failure, LedgerEntry, Subscription
from controlplane.events.models.events import SubscriptionQuerySet
from controlplane.events.uncalled import name_runs
from controlplane.instances.client import N8nClient
from controlplane.instances.client.errors import InstanceError, NotFound
from controlplane.instances.client.executions import Execution, ExecutionStatus
from controlplane.instances.models import NoWorkspace, Workspace
from controlplane.instances.services import client_for

# A run needs a moment; n8n forgets runs after days, and what is older is not asked for.
AFTER = timedelta(minutes=2)
NOT_AFTER = timedelta(days=3)
# How long a run may take without an end before it counts as vanished. Who waits is not counted.
LONGEST_RUN = timedelta(hours=2)
AT_ONCE = 2000
# So many are asked for one by one; before more than a few are, n8n lists what ended well lately.
ASKED = 200
FEW = 20
LISTED = 4000
FAILED_LISTED = 500
# Fetching the event is how a run begins, and nothing that it did.
FETCHES = "event.fetch"

log = get_logger(__name__)


def reconcile() -> int:
    """Compare what was delivered lately with n8n, in the tenant that is entered. Those that queue
    go on where nobody else lets them.

    Returns how many exceptions that opened. Where n8n does not answer the rest is done next time.
    """
    places.fill_all()
    now = timezone.now()
    try:
        workspace = Workspace.current()
    except NoWorkspace:
        return 0
    deliveries, stopped = _to_compare(now), list(_stopped_and_missed(now)[:ASKED])
    uncalled = _without_a_run(now)
    if not deliveries and not stopped and not uncalled:
        return 0
    opened = 0
    with client_for(workspace, tries=1) as n8n:
        try:
            failed = _failed_lately(n8n) if uncalled or len(deliveries) > FEW else {}
            if uncalled and failed:
                deliveries = name_runs(uncalled, failed.values(), n8n) + deliveries
            if len(deliveries) > FEW:
                deliveries = _without_ended_well(deliveries, n8n)
                # Of those that wait longest for a look there may be very many that go on.
                deliveries.sort(key=lambda one: one.event.execution_id not in failed)
            for delivery in deliveries[:ASKED]:
                opened += _compare(delivery, n8n)
            for subscription in stopped:
                _forget_if_gone(subscription, n8n)
        except InstanceError as error:
            log.warning("reconcile.stopped", why=str(error)[:200])
    return opened


def _to_compare(now: datetime) -> list[Delivery]:
    """Those whose run is known: who was not looked at for longest comes first.

    One that waits, for a person or a time, is asked for as long as it does, and then for as long as
    any other: what fails after that is to be found, too.
    """
    lately = Q(delivered_at__gte=now - NOT_AFTER) | Q(waiting_at__gte=now - NOT_AFTER)
    found = (
        _open_ones()
        .filter(lately, delivered_at__lte=now - AFTER)
        .exclude(event__execution_id="")
        .order_by(F("asked_at").asc(nulls_first=True), "delivered_at")
    )
    return list(found[:AT_ONCE])


def _without_a_run(now: datetime) -> list[Delivery]:
    """Those of the Pergola Trigger that have called no operation since; a workflow that never does
    is among them for as long as its runs are asked for."""
    found = _open_ones().filter(
        delivered_at__range=(now - NOT_AFTER, now - AFTER),
        event__execution_id="",
        subscription__is_fetched_in_execution=False,
        subscription__is_test=False,
    )
    return list(found.order_by("-delivered_at")[:AT_ONCE])


def _open_ones() -> QuerySet[Delivery]:
    return Delivery.objects.filter(
        status=Delivery.Status.DELIVERED, reconciled_at__isnull=True
    ).select_related("event__source", "subscription")


def _failed_lately(n8n: N8nClient) -> dict[str, Execution]:
    """By their numbers. Raises InstanceError."""
    found: dict[str, Execution] = {}
    for status in (ExecutionStatus.ERROR, ExecutionStatus.CRASHED, ExecutionStatus.CANCELED):
        found |= {run.id: run for run in n8n.list_executions(status=status, limit=FAILED_LISTED)}
    return found


def _stopped_and_missed(now: datetime) -> SubscriptionQuerySet:
    """Listeners of workflows that were made by hand: nobody says so when one of those is removed.
    An installation is told of, and ends by itself."""
    left = Delivery.objects.filter(status__in=[Delivery.Status.PENDING, Delivery.Status.HELD])
    return Subscription.objects.filter(
        installation_id=None, stopped_at__lte=now - AFTER, pk__in=left.values("subscription")
    )


def _forget_if_gone(subscription: Subscription, n8n: N8nClient) -> None:
    """What it left is the next listener's then. Raises InstanceError."""
    try:
        n8n.get_workflow(subscription.workflow_id)
    except NotFound:
        services.forget_listener(subscription)


def _without_ended_well(deliveries: list[Delivery], n8n: N8nClient) -> list[Delivery]:
    """Those that are still to be asked for; the others are marked. Raises InstanceError."""
    listed = n8n.list_executions(status=ExecutionStatus.SUCCESS, limit=LISTED)
    ended_well = {run.id for run in listed}
    left: list[Delivery] = []
    done: list[Delivery] = []
    for delivery in deliveries:
        is_done = delivery.event.execution_id in ended_well
        (done if is_done else left).append(delivery)
    Delivery.objects.filter(pk__in=[one.pk for one in done]).update(reconciled_at=timezone.now())
    return left


def _compare(delivery: Delivery, n8n: N8nClient) -> bool:
    """Whether it opened an exception. Raises InstanceError."""
    execution_id = delivery.event.execution_id
    try:
        run = n8n.get_execution(execution_id)
    except NotFound:
        # It was there: it called us. n8n that keeps no successful runs forgets those alone, but
        # a run that was killed is as gone, and only what came of it tells them apart.
        return _judge_forgotten(delivery)
    if run.status == ExecutionStatus.SUCCESS:
        _mark(delivery)
        return False
    if run.status in {ExecutionStatus.ERROR, ExecutionStatus.CRASHED, ExecutionStatus.CANCELED}:
        return _failed(delivery, n8n, run)
    now = timezone.now()
    if run.status == ExecutionStatus.WAITING:
        _looked_at(delivery, waiting_at=now)
        return False
    # One that was resumed takes its time from then on.
    begins = [at for at in (run.started_at, delivery.waiting_at) if at is not None]
    if begins and now - max(begins) > LONGEST_RUN:
        return _open(delivery, Failure.VANISHED_RUN, f"Run {run.id} began and never ended.")
    _looked_at(delivery)
    return False


def _looked_at(delivery: Delivery, **changes: datetime) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(asked_at=timezone.now(), **changes)


def _failed(delivery: Delivery, n8n: N8nClient, run: Execution) -> bool:
    if run.status == ExecutionStatus.CRASHED:
        return _open(delivery, Failure.VANISHED_RUN, f"n8n stopped within run {run.id}.")
    if run.status == ExecutionStatus.CANCELED:
        return _open(delivery, Failure.REJECTED, f"Run {run.id} was stopped by hand.")
    why = _message_of(n8n.get_execution(run.id, with_data=True))
    return _open(
        delivery, taxonomy.of_text(why), f"Run {run.id} failed: {why or 'n8n says not why'}"
    )


def _judge_forgotten(delivery: Delivery) -> bool:
    entries = LedgerEntry.objects.filter(key__contains=f":{delivery.event.execution_id}:")
    if entries.exclude(operation=FETCHES).exists():
        _mark(delivery)
        return False
    why = f"Run {delivery.event.execution_id} is not in n8n any more, and did nothing here."
    return _open(delivery, Failure.VANISHED_RUN, why)


def _open(delivery: Delivery, failure: str, why: str) -> bool:
    open_for(delivery, failure, why, execution_id=delivery.event.execution_id)
    _mark(delivery)
    return True


def _mark(delivery: Delivery) -> None:
    Delivery.objects.filter(pk=delivery.pk).update(reconciled_at=timezone.now())


def _message_of(run: Execution) -> str:
    """What n8n says went wrong; it stands in the run's data."""
    result = run.data.get("resultData") if isinstance(run.data, dict) else None
    error = result.get("error") if isinstance(result, dict) else None
    return str(error.get("message") or "")[:500] if isinstance(error, dict) else ""
