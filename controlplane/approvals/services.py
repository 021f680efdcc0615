"""Asking for a decision, making it, letting it expire. An ended approval never changes."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from controlplane.approvals.models import Approval, Vote, Waiter
from controlplane.approvals.subjects import (
    Subject,
    SubjectUnknown,
    describe_subject,
    lock_subject,
    tell_ended,
    tell_requested,
)
from controlplane.audit.services import record
from controlplane.core.actor import Actor, ActorKind, system
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.events import outbox
from controlplane.instances.models import Workspace
from controlplane.instances.services import assert_own_url

DECIDE = "approvals:decide"
"""The scope of a member whose role may answer."""


class ApprovalUnknown(DomainError):
    code = "approval_unknown"
    status = 404
    title = "No such approval"


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


class ApprovalNotReady(DomainError):
    code = "approval_not_ready"
    status = 409
    title = "It cannot be approved yet"


class ApprovalChanged(DomainError):
    code = "approval_changed"
    status = 409
    title = "It has changed since you looked at it"


class NotADecider(DomainError):
    code = "not_a_decider"
    status = 403
    title = "You may not decide this"


def get_approval(approval_id: uuid.UUID) -> Approval:
    """Raises ApprovalUnknown."""
    try:
        return Approval.objects.get(pk=approval_id)
    except Approval.DoesNotExist:
        raise ApprovalUnknown(
            f"This tenant has no approval {approval_id}.",
            errors=(FieldError("approval_id", "names no approval"),),
        ) from None


def latest_for(subject_type: str, subject_id: uuid.UUID) -> Approval | None:
    """The newest approval of a subject, whatever its state."""
    return (
        Approval.objects.filter(subject_type=subject_type, subject_id=subject_id)
        .order_by("-requested_at")
        .first()
    )


@transaction.atomic
def request_approval(
    *,
    subject_type: str,
    subject_id: uuid.UUID,
    note: str,
    expires_in: timedelta,
    resume_url: str,
    by: Actor,
) -> Approval:
    """Ask for a decision on a subject, and note which execution waits for it.

    A second request for the same revision joins the first: both executions get its answer. Where
    it has ended already the caller sees so and need not wait. Raises SubjectUnknown, ForeignUrl.
    """
    lock_subject(subject_type, subject_id)
    subject = describe_subject(subject_type, subject_id)
    if resume_url:
        assert_own_url(Workspace.current(), resume_url)
    approval, is_new = Approval.objects.get_or_create(
        subject_type=subject_type,
        subject_id=subject_id,
        revision=subject.revision,
        defaults={
            **shown_of(subject),
            "note": note,
            "expires_at": timezone.now() + expires_in,
        },
    )
    # Held until the commit, so that a decision made meanwhile either sees the waiter or ends it.
    approval = Approval.objects.select_for_update().get(pk=approval.pk)
    if approval.is_pending and resume_url and by.execution:
        Waiter.objects.get_or_create(
            approval=approval,
            execution_id=by.execution.execution_id,
            defaults={"workflow_id": by.execution.workflow_id, "resume_url": resume_url},
        )
    if is_new:
        enqueue_on_commit("approvals.mail_waiting", approval_id=str(approval.pk))
        tell_requested(approval, by)
        record_step(
            "approval.requested", approval, {"expires_at": approval.expires_at.isoformat()}, by
        )
    return approval


def blocked_by(approval: Approval) -> str:
    """Why it cannot be approved yet, in a sentence; empty where it can."""
    try:
        return describe_subject(approval.subject_type, approval.subject_id).blocked
    except SubjectUnknown:
        return ""


def decide(
    *, approval_id: uuid.UUID, decision: str, comment: str, by: Actor, revision: str = ""
) -> Approval:
    """Approve or reject, once. The same answer by the same person again changes nothing.

    `revision` is the one that the person was shown; without it the present one is meant. Raises
    ApprovalUnknown, NotADecider, ApprovalNotReady and ApprovalChanged (of what would be approved),
    AlreadyEnded (with the approval as it ended, also where its time was up before the answer came).
    """
    if by.kind is not ActorKind.MEMBER:
        raise NotADecider("An approval is answered by a person in the portal, not by a machine.")
    if DECIDE not in by.scopes:
        raise NotADecider(
            "Your role may look at this but not decide it. Ask an approver or a manager of your "
            "workspace."
        )
    approval, is_answered = _answer(
        approval_id, decision=decision, comment=comment, by=by, revision=revision
    )
    if not is_answered:
        # Not earlier: an expiry that the late answer brought about must be committed.
        raise AlreadyEnded(approval)
    return approval


@transaction.atomic
def _answer(
    approval_id: uuid.UUID, *, decision: str, comment: str, by: Actor, revision: str
) -> tuple[Approval, bool]:
    """The approval as it ended, and whether by this very answer, now or before."""
    found = get_approval(approval_id)
    lock_subject(found.subject_type, found.subject_id)
    approval = Approval.objects.select_for_update().get(pk=approval_id)
    if not approval.is_pending:
        return approval, approval.votes.filter(member_id=by.id, decision=decision).exists()
    if approval.expires_at <= timezone.now():
        end_approval(approval, Approval.Status.EXPIRED, by=system("expiry"))
        return approval, False
    if decision == Vote.Decision.APPROVE:
        _assert_ready(approval, revision)
    Vote.objects.create(
        approval=approval,
        member_id=by.id,
        member_label=by.label,
        decision=decision,
        comment=comment,
    )
    approval.decided_by_id, approval.decided_by, approval.comment = by.id, by.label, comment
    ended_as = (
        Approval.Status.APPROVED if decision == Vote.Decision.APPROVE else Approval.Status.REJECTED
    )
    end_approval(approval, ended_as, by=by)
    return approval, True


@transaction.atomic
def expire_overdue() -> int:
    """End what nobody answered in time; the executions go on and see `expired`."""
    overdue = Approval.objects.overdue(at=timezone.now()).select_for_update(skip_locked=True)
    ended = 0
    for approval in overdue:
        end_approval(approval, Approval.Status.EXPIRED, by=system("expiry"))
        ended += 1
    return ended


def _assert_ready(approval: Approval, revision: str) -> None:
    if blocked := blocked_by(approval):
        raise ApprovalNotReady(blocked)
    if revision and revision != approval.revision:
        raise ApprovalChanged(
            f"“{approval.title}” was judged anew after you opened it. Nothing was decided: look at "
            "it once more, and answer then."
        )


def shown_of(subject: Subject) -> dict[str, Any]:
    """What of a subject is kept with its approval."""
    return {
        "title": subject.title[:200],
        "summary": subject.summary,
        "reasons": subject.reasons,
        "amount": subject.amount.amount if subject.amount else None,
        "currency": subject.amount.currency if subject.amount else "",
    }


def end_approval(approval: Approval, status: Approval.Status, *, by: Actor) -> None:
    approval.status = status
    approval.decided_at = timezone.now()
    approval.save()
    for waiter in approval.waiters.filter(status=Waiter.Status.WAITING):
        outbox.put("approvals.resume", waiter.pk)
    tell_ended(approval, by)
    record_step(f"approval.{status}", approval, {"comment": approval.comment}, by)


def record_step(action: str, approval: Approval, data: dict[str, str], by: Actor) -> None:
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
