"""Finding an approval, and what stands in its way."""

import uuid

from controlplane.approvals.models import Approval
from controlplane.approvals.subjects import SubjectUnknown, describe_subject, lock_subject
from controlplane.core.errors import DomainError, FieldError


class ApprovalUnknown(DomainError):
    code = "approval_unknown"
    status = 404
    title = "No such approval"


def get_approval(approval_id: uuid.UUID) -> Approval:
    """Raises ApprovalUnknown."""
    try:
        return Approval.objects.get(pk=approval_id)
    except Approval.DoesNotExist:
        raise ApprovalUnknown(
            f"This tenant has no approval {approval_id}.",
            errors=(FieldError("approval_id", "names no approval"),),
        ) from None


def locked_approval(approval_id: uuid.UUID) -> Approval:
    """Held until the commit, its subject before it. Raises ApprovalUnknown."""
    found = get_approval(approval_id)
    lock_subject(found.subject_type, found.subject_id)
    return Approval.objects.select_for_update().get(pk=approval_id)


def latest_for(subject_type: str, subject_id: uuid.UUID) -> Approval | None:
    """The newest approval of a subject, whatever its state."""
    return (
        Approval.objects.filter(subject_type=subject_type, subject_id=subject_id)
        .order_by("-requested_at")
        .first()
    )


def blocked_by(approval: Approval) -> str:
    """Why it cannot be approved yet, in a sentence; empty where it can."""
    try:
        return describe_subject(approval.subject_type, approval.subject_id).blocked
    except SubjectUnknown:
        return ""
