"""Resuming the n8n execution that waits for an approval: exactly once, however often it is tried.

n8n itself lets a waiting execution go once. What is unclear (a lost answer, an execution that has
not begun to wait yet) is settled by asking n8n for the execution before trying again. An n8n that
does not answer is waited for as long as it takes; whatever else keeps an execution from going on
is an exception, and so is an execution that ended before it was told.
"""

import uuid

import httpx
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from controlplane.approvals.models import Approval, Waiter
from controlplane.core import http
from controlplane.core.actor import system
from controlplane.core.logs import bound, get_logger
from controlplane.events import circuit, outage, outbox
from controlplane.events.delivery import open_for
from controlplane.events.exceptions import again
from controlplane.events.exceptions.opening import open_case, settle
from controlplane.events.models import Delivery, ExceptionCase, Failure
from controlplane.events.outbox import NotYet
from controlplane.instances.addresses import ForeignUrl
from controlplane.instances.client.errors import InstanceError, InstanceUnreachable, NotFound
from controlplane.instances.client.executions import ExecutionStatus
from controlplane.instances.models import Workspace
from controlplane.instances.services import assert_own_url, client_for

# How exceptions about a waiter that is not told yet are called (`again.register_work`).
CASE = "resume"
# n8n does not have it any more.
GONE = "gone"
ENDED_UNTOLD = frozenset(
    {GONE, ExecutionStatus.CANCELED, ExecutionStatus.CRASHED, ExecutionStatus.ERROR}
)
# From this try on, some minute or two, it is somebody's work: it goes on being tried.
TOLD_AFTER = 10

RELAY = system("relay")

log = get_logger(__name__)


def resume(reference: uuid.UUID) -> None:
    """The outbox handler. Raises NotYet while the execution cannot be resumed."""
    waiter = Waiter.objects.select_related("approval").get(pk=reference)
    if waiter.status != Waiter.Status.WAITING:
        return
    with bound(approval_id=str(waiter.approval_id), execution_id=waiter.execution_id):
        _try(waiter, Workspace.current())


def give_up(reference: uuid.UUID) -> None:
    """After the last try: an exception says so, until somebody has it tried again."""
    waiter = Waiter.objects.select_related("approval").filter(pk=reference).first()
    if waiter is not None and waiter.status == Waiter.Status.WAITING:
        _tell(waiter, f"It was tried for the last time. {waiter.last_error}".strip())


def resume_again(case: ExceptionCase) -> None:
    """Somebody has mended what was wrong. Raises NothingToRetry where nobody waits any more."""
    waiter = _waiting_of(case).first()
    if waiter is None:
        raise again.nothing_to_retry(case)
    outbox.put("approvals.resume", waiter.pk)


def set_aside(case: ExceptionCase) -> None:
    """What the run had to do was done by hand: it is not told any more."""
    _waiting_of(case).update(status=Waiter.Status.GONE, resumed_at=timezone.now(), last_error="")


def _waiting_of(case: ExceptionCase) -> QuerySet[Waiter]:
    waiting = Waiter.objects.filter(status=Waiter.Status.WAITING)
    return waiting.filter(pk=case.fingerprint.partition(":")[2])


def _try(waiter: Waiter, workspace: Workspace) -> None:
    try:
        url = assert_own_url(workspace, waiter.resume_url)
    except ForeignUrl as error:
        # No further try mends that, and each is made all the same: an address may be corrected.
        _tell(waiter, error.detail)
        raise _not_yet(waiter, error.detail) from error
    if wait := circuit.wait_for(workspace.instance_id):
        why = "n8n did not answer lately; nobody calls it for a moment"
        raise NotYet(why, seconds=wait, is_waiting=True)
    was_tried = waiter.attempts > 0
    waiter.attempts += 1
    waiter.save(update_fields=["attempts", "updated_at"])
    # A try before this one may have got through although its answer was lost.
    if was_tried and _has_ended(status := _execution_status(waiter, workspace)):
        _settle(waiter, status)
        return
    try:
        body = {"approval_id": str(waiter.approval_id)}
        response = outage.call_workflow(workspace, url, body)
    except httpx.HTTPError as error:
        raise _no_answer(waiter, f"n8n did not answer: {type(error).__name__}") from error
    # 410: the execution waits for a later approval by now, so an earlier try of ours got through.
    if response.is_success or response.status_code == httpx.codes.GONE:
        _settle(waiter, ExecutionStatus.SUCCESS)
        return
    status = _execution_status(waiter, workspace)
    if _has_ended(status):
        _settle(waiter, status)
        return
    why = f"n8n answered {response.status_code}; the execution is {status}"
    if response.status_code in outage.THERE_IS_NO_N8N:
        raise _no_answer(waiter, why)
    # A fast approver: the execution has asked, but n8n has not put it to sleep yet.
    raise _not_yet(waiter, why, seconds=max(0.5, _wait(waiter, base=0.05)))


def _has_ended(status: str) -> bool:
    """A status that only another version of n8n knows is no end."""
    return status in ENDED_UNTOLD or status == ExecutionStatus.SUCCESS


def _execution_status(waiter: Waiter, workspace: Workspace) -> str:
    """n8n's word for the execution, or GONE. Raises NotYet where n8n does not say."""
    try:
        with client_for(workspace, tries=1) as n8n:
            return n8n.get_execution(waiter.execution_id).status
    except NotFound:
        return GONE
    except InstanceError as error:
        if isinstance(error, InstanceUnreachable):
            outage.note_no_answer(workspace)
        # Nothing can be said of the execution, so nothing is given up either.
        why = f"n8n does not say how the execution stands: {error}"
        raise _no_answer(waiter, why) from error


@transaction.atomic
def _settle(waiter: Waiter, execution_status: str) -> None:
    """It has gone on; or it ended untold, and then what was decided is somebody's to carry out."""
    ended_untold = execution_status in ENDED_UNTOLD
    waiter.status = Waiter.Status.GONE if ended_untold else Waiter.Status.RESUMED
    waiter.resumed_at = timezone.now()
    waiter.last_error = ""
    waiter.save(update_fields=["status", "resumed_at", "last_error", "updated_at"])
    settle(
        Q(fingerprint=f"{CASE}:{waiter.pk}"),
        resolution=ExceptionCase.Resolution.SUCCEEDED,
        by=RELAY,
        text=f"n8n answered: the run {'has ended' if ended_untold else 'goes on'}.",
    )
    if ended_untold and waiter.approval.status != Approval.Status.CANCELLED:
        _open_ended(waiter, execution_status)
    log.info("approval.settled", waiter=waiter.status, attempts=waiter.attempts)


def _open_ended(waiter: Waiter, execution_status: str) -> None:
    """The one exception of that run, together with what the reconciler says of its event."""
    ended = {
        GONE: "is not in n8n any more",
        ExecutionStatus.CANCELED: "was stopped by hand",
        ExecutionStatus.CRASHED: "was lost when n8n stopped",
    }.get(execution_status, "failed")
    failure = Failure.REJECTED if execution_status == ExecutionStatus.CANCELED else (
        Failure.VANISHED_RUN
    )  # fmt: skip
    why = (
        f"“{waiter.approval.title}” is {waiter.approval.status}, and run "
        f"{waiter.execution_id} {ended} before it was told: what it had to do then is not done."
    )
    delivery = (
        Delivery.objects.select_related("event__source", "subscription")
        .filter(
            status=Delivery.Status.DELIVERED,
            event__execution_id=waiter.execution_id,
            event__workflow_id=waiter.workflow_id,
        )
        .first()
    )
    if delivery is not None:
        open_for(delivery, failure, why, execution_id=waiter.execution_id)
        Delivery.objects.filter(pk=delivery.pk).update(reconciled_at=timezone.now())
        return
    open_case(
        type=failure,
        fingerprint=f"ended:{waiter.pk}",
        workflow_id=waiter.workflow_id,
        execution_id=waiter.execution_id,
        subject=waiter.approval.title,
        summary="A run ended before it was told what was decided",
        detail=why,
        by=RELAY,
    )


def _tell(waiter: Waiter, why: str) -> None:
    open_case(
        type=Failure.CONNECTION,
        fingerprint=f"{CASE}:{waiter.pk}",
        workflow_id=waiter.workflow_id,
        execution_id=waiter.execution_id,
        subject=waiter.approval.title,
        summary="A run is not told what was decided",
        detail=why,
        by=RELAY,
    )


def _no_answer(waiter: Waiter, why: str) -> NotYet:
    """It counts towards no end: n8n may be away for days."""
    return _not_yet(waiter, why, seconds=_wait(waiter), is_waiting=True)


def _wait(waiter: Waiter, *, base: float = 0.3) -> float:
    return http.backoff(waiter.attempts - 1, base=base, cap=outbox.LONGEST_WAIT)


def _not_yet(
    waiter: Waiter, why: str, *, seconds: float | None = None, is_waiting: bool = False
) -> NotYet:
    Waiter.objects.filter(pk=waiter.pk).update(last_error=why)
    if waiter.attempts >= TOLD_AFTER:
        _tell(waiter, why)
    return NotYet(why, seconds=seconds, is_waiting=is_waiting)
