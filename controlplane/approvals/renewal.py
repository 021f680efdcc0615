"""Bringing an approval that waits up to what its subject has become meanwhile.

Without it the person would answer for a decision that counts no more, and the execution that waits
would go on into a refusal.
"""

import uuid

from django.db import transaction
from django.utils import timezone

from controlplane.approvals import services
from controlplane.approvals.models import Approval
from controlplane.approvals.subjects import Subject, describe_subject, lock_subject
from controlplane.core.actor import Actor, system

POLICIES = system("policies")
_ENDS = {
    "accept": (
        Approval.Status.APPROVED,
        "It was judged anew, and nothing holds it any more.",
    ),
    "reject": (
        Approval.Status.REJECTED,
        "It was judged anew, and the policies reject it now.",
    ),
}


@transaction.atomic
def renew_approval(*, subject_type: str, subject_id: uuid.UUID, by: Actor) -> list[Approval]:
    """Have every approval of the subject that waits be about the subject as it is now.

    What is still held is asked anew in the same request, and its executions go on waiting. What
    policies accept or reject by now ends as that, by Pergola itself. Returns what was changed.
    Raises SubjectUnknown.
    """
    waiting = hold_waiting(subject_type, subject_id)
    if not waiting:
        return []
    subject = describe_subject(subject_type, subject_id)
    return [each for each in waiting if _brought_up_to(subject, each, by)]


def hold_waiting(subject_type: str, subject_id: uuid.UUID) -> list[Approval]:
    """The subject's row, then its approvals that wait, until the commit.

    Before anything is recorded: the head of the audit trail is the last that anyone waits for.
    """
    lock_subject(subject_type, subject_id)
    rows = Approval.objects.pending().filter(subject_type=subject_type, subject_id=subject_id)
    return list(rows.select_for_update().order_by("requested_at", "pk"))


def _brought_up_to(subject: Subject, approval: Approval, by: Actor) -> bool:
    if approval.expires_at <= timezone.now():
        return False  # expire_overdue ends it, or the answer that comes too late
    if approval.revision == subject.revision:
        return False
    # What a workflow asks although no policy holds it stays a person's to answer.
    was_held = bool(approval.reasons) and not subject.blocked
    if subject.verdict == "reject" or (subject.verdict == "accept" and was_held):
        status, comment = _ENDS[subject.verdict]
        _end_by_itself(approval, status, comment)
        return True
    other = Approval.objects.filter(
        subject_type=subject.kind, subject_id=subject.id, revision=subject.revision
    ).first()
    if other is None:
        _ask_anew(approval, subject, by)
        return True
    if other.is_pending or other.status not in {Approval.Status.APPROVED, Approval.Status.REJECTED}:
        return False
    # Of what it is about now somebody has decided: that answer is for those who wait here too.
    approval.decided_by_id, approval.decided_by = other.decided_by_id, other.decided_by
    approval.comment = other.comment
    services.end_approval(approval, Approval.Status(other.status), by=POLICIES)
    return True


def _ask_anew(approval: Approval, subject: Subject, by: Actor) -> None:
    before = approval.revision
    approval.revision = subject.revision
    for name, value in services.shown_of(subject).items():
        setattr(approval, name, value)
    # Votes on what it was before count no more, and another amount may need other people.
    services.start_over(approval, subject, now=timezone.now())
    approval.save()
    services.note_causers(approval, subject.caused_by)
    services.record_step(
        "approval.renewed", approval, {"from": before, "to": approval.revision}, by
    )


def _end_by_itself(approval: Approval, status: Approval.Status, comment: str) -> None:
    approval.decided_by_id, approval.decided_by = POLICIES.id, POLICIES.label
    approval.comment = comment
    services.end_approval(approval, status, by=POLICIES)
