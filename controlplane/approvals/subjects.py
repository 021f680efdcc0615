"""What can be approved. Higher floors register their kind; approvals know none of them."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from controlplane.approvals.terms import Terms
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.money import Money

if TYPE_CHECKING:
    from controlplane.approvals.models import Approval


class SubjectUnknown(DomainError):
    code = "subject_unknown"
    status = 404
    title = "There is nothing to approve"


@dataclass(frozen=True)
class Subject:
    """What the decider is shown. `revision` changes when it has to be approved anew.

    `reasons` are dicts of code, message, verdict and policy. `verdict` is what policies say of it
    now: accept, hold or reject; empty where none was made. `blocked` says why it cannot be approved
    yet and what to do first. `terms`: by which rules it is decided, where the subject itself says
    so and not the tenant's routes. `caused_by`: the people because of whom it is as it is; they do
    not decide it.
    """

    kind: str
    id: uuid.UUID
    title: str
    summary: str
    revision: str = ""
    reasons: list[dict[str, str]] = field(default_factory=list)
    amount: Money | None = None
    verdict: str = ""
    blocked: str = ""
    terms: Terms | None = None
    caused_by: tuple[Actor, ...] = ()


Describe = Callable[[uuid.UUID], Subject]
Told = Callable[["Approval", Actor], None]
Lock = Callable[[uuid.UUID], object]

_subjects: dict[str, tuple[Describe, Told | None, Told | None]] = {}
_locks: dict[str, Lock] = {}


def register_subject(
    kind: str,
    describe: Describe,
    *,
    requested: Told | None = None,
    ended: Told | None = None,
    lock: Lock | None = None,
) -> None:
    """From AppConfig.ready. `requested` and `ended` run in the transaction that makes or ends an
    approval. `lock` holds the subject's row until the commit; it is taken before the approval's."""
    _subjects[kind] = (describe, requested, ended)
    if lock is not None:
        _locks[kind] = lock


def lock_subject(kind: str, subject_id: uuid.UUID) -> None:
    """Always before an approval is locked, so that nobody waits for one another in a circle."""
    if kind in _locks:
        _locks[kind](subject_id)


def describe_subject(kind: str, subject_id: uuid.UUID) -> Subject:
    """Raises SubjectUnknown."""
    if kind not in _subjects:
        raise SubjectUnknown(
            f"“{kind}” is not a kind of thing that can be approved; known are: "
            f"{', '.join(sorted(_subjects))}.",
            errors=(FieldError("subject_type", "is not known"),),
        )
    return _subjects[kind][0](subject_id)


def tell_requested(approval: "Approval", by: Actor) -> None:
    _describe, requested, _ended = _subjects.get(approval.subject_type, (None, None, None))
    if requested is not None:
        requested(approval, by)


def tell_ended(approval: "Approval", by: Actor) -> None:
    _describe, _requested, ended = _subjects.get(approval.subject_type, (None, None, None))
    if ended is not None:
        ended(approval, by)
