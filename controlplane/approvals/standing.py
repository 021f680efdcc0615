"""The one rule on what an approval lets happen: only what it was given for."""

import uuid

from controlplane.approvals.models import Approval


def why_not_approved(
    subject_type: str, subject_id: uuid.UUID, revision: object, *, changed: str
) -> str:
    """Empty where a person approved the subject as it is in this revision.

    Else half a sentence on why that is not so. `changed` says what made another revision of what a
    person was asked about: "the order was judged again".
    """
    asked = Approval.objects.filter(subject_type=subject_type, subject_id=subject_id)
    approval = asked.filter(revision=str(revision)).first()
    if approval is not None:
        if approval.status == Approval.Status.APPROVED:
            return ""
        return f"its approval is {approval.status}"
    if asked.exists():
        return f"{changed} since it was put to somebody"
    return "nobody was asked to approve it"
