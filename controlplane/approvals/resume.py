"""Resuming the n8n execution that waits for an approval: exactly once, however often it is tried.

n8n itself lets a waiting execution go once. What is unclear (a lost answer, an execution that has
not begun to wait yet) is settled by asking n8n for the execution before trying again.
"""

import uuid

import httpx
from django.utils import timezone

from controlplane.approvals.models import Waiter
from controlplane.core import http
from controlplane.core.logs import bound, get_logger
from controlplane.events.outbox import NotYet
from controlplane.instances.client.errors import InstanceError, NotFound
from controlplane.instances.models import Workspace
from controlplane.instances.services import assert_own_url, client_for

MAY_STILL_GO_ON = {"waiting", "running", "new"}

log = get_logger(__name__)


def resume(reference: uuid.UUID) -> None:
    """The outbox handler. Raises NotYet while the execution cannot be resumed."""
    waiter = Waiter.objects.select_related("approval").get(pk=reference)
    if waiter.status != Waiter.Status.WAITING:
        return
    with bound(approval_id=str(waiter.approval_id), execution_id=waiter.execution_id):
        _try(waiter)


def _try(waiter: Waiter) -> None:
    url = assert_own_url(Workspace.current(), waiter.resume_url)
    # A try before this one may have got through although its answer was lost.
    if waiter.attempts and (status := _execution_status(waiter)) not in MAY_STILL_GO_ON:
        _settle(waiter, status)
        return
    waiter.attempts += 1
    waiter.save(update_fields=["attempts", "updated_at"])
    try:
        with http.client() as client:
            response = client.post(url, json={"approval_id": str(waiter.approval_id)})
    except httpx.HTTPError as error:
        raise _not_yet(waiter, f"n8n did not answer: {type(error).__name__}") from error
    # 410: the execution waits for a later approval by now, so an earlier try of ours got through.
    if response.is_success or response.status_code == httpx.codes.GONE:
        _settle(waiter)
        return
    status = _execution_status(waiter)
    if status in MAY_STILL_GO_ON:
        # A fast approver: the execution has asked, but n8n has not put it to sleep yet.
        raise _not_yet(
            waiter, f"n8n answered {response.status_code}; the execution is {status}", seconds=0.5
        )
    _settle(waiter, status)


def _execution_status(waiter: Waiter) -> str:
    """n8n's word for the execution, or "gone". Raises NotYet where n8n does not say."""
    try:
        with client_for(Workspace.current(), tries=1) as n8n:
            return n8n.get_execution(waiter.execution_id).status
    except NotFound:
        return "gone"
    except InstanceError as error:
        raise _not_yet(waiter, f"n8n does not say how the execution stands: {error}") from error


def _settle(waiter: Waiter, execution_status: str = "success") -> None:
    ended_in_n8n = execution_status in {"gone", "canceled"}
    waiter.status = Waiter.Status.GONE if ended_in_n8n else Waiter.Status.RESUMED
    waiter.resumed_at = timezone.now()
    waiter.last_error = ""
    waiter.save(update_fields=["status", "resumed_at", "last_error", "updated_at"])
    log.info("approval.settled", waiter=waiter.status, attempts=waiter.attempts)


def _not_yet(waiter: Waiter, why: str, *, seconds: float | None = None) -> NotYet:
    Waiter.objects.filter(pk=waiter.pk).update(last_error=why)
    return NotYet(why, seconds=seconds)
