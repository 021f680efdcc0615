"""The one way in which an approval ends, and what is said of its steps in the audit trail."""

from typing import Any

from django.utils import timezone

from controlplane.approvals.models import Approval, Waiter
from controlplane.approvals.subjects import tell_ended
from controlplane.audit.services import record
from controlplane.core.actor import Actor, system
from controlplane.core.errors import DomainError
from controlplane.events import outbox

EXPIRY = system("expiry")


class AlreadyEnded(DomainError):
    code = "approval_ended"
    status = 409
    title = "The approval has ended"

    def __init__(self, approval: Approval) -> None:
        who = f" by {approval.decided_by}" if approval.decided_by else ""
        super().__init__(
            f"“{approval.title}” was {approval.status}{who} on "
            f"{approval.decided_at:%Y-%m-%d %H:%M} UTC. Nothing was changed."
        )
        self.approval = approval


def end_approval(approval: Approval, status: Approval.Status, *, by: Actor) -> None:
    """Of a locked row. Executions that wait go on after the commit, each once."""
    approval.status = status
    approval.decided_at = timezone.now()
    approval.step_due_at = approval.remind_at = None
    approval.save()
    for waiter in approval.waiters.filter(status=Waiter.Status.WAITING):
        outbox.put("approvals.resume", waiter.pk)
    tell_ended(approval, by)
    record_step(f"approval.{status}", approval, {"comment": approval.comment}, by)


def end_by_time(approval: Approval, status: Approval.Status, *, blocked: str) -> None:
    """As the terms say for the case that nobody decides. What is blocked is never approved so."""
    if status == Approval.Status.APPROVED and blocked:
        status, approval.comment = Approval.Status.EXPIRED, blocked
    elif status != Approval.Status.EXPIRED:
        approval.decided_by_id, approval.decided_by = EXPIRY.id, EXPIRY.label
        approval.comment = f"Nobody decided in time, and then it is {status}: so its terms say."
    end_approval(approval, status, by=EXPIRY)


def record_step(action: str, approval: Approval, data: dict[str, Any], by: Actor) -> None:
    record(
        action=action,
        subject_type="approval",
        subject_id=str(approval.pk),
        data={
            "title": approval.title,
            "subject": f"{approval.subject_type} {approval.subject_id}",
            **data,
        },
        by=by,
    )
