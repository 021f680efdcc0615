"""Asking for a decision: whom by which terms, and which execution waits for it."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from controlplane.approvals import machine
from controlplane.approvals.models import Approval, Waiter
from controlplane.approvals.routes import choose_terms
from controlplane.approvals.rows import put_step
from controlplane.approvals.services.ending import record_step
from controlplane.approvals.subjects import (
    Subject,
    describe_subject,
    lock_subject,
    tell_requested,
)
from controlplane.core.actor import Actor, ActorKind
from controlplane.core.jobs import enqueue_on_commit
from controlplane.instances.models import Workspace
from controlplane.instances.services import assert_own_url


@transaction.atomic
def request_approval(
    *,
    subject_type: str,
    subject_id: uuid.UUID,
    note: str = "",
    expires_in: timedelta = timedelta(hours=72),
    resume_url: str = "",
    by: Actor,
    requested_by: Sequence[Actor] = (),
) -> Approval:
    """Ask for a decision on a subject, and note which execution waits for it.

    The subject's own terms count, else those of the tenant's route that fits best. `requested_by`
    are the people who caused it, beside `by` where that is one and whom the subject names: they
    never decide it, neither in person nor through somebody. A second request
    for the same revision joins the first: both executions get its answer. Where it has ended
    already the caller sees so and need not wait. Raises SubjectUnknown, ForeignUrl, TermsInvalid.
    """
    lock_subject(subject_type, subject_id)
    subject = describe_subject(subject_type, subject_id)
    if resume_url:
        assert_own_url(Workspace.current(), resume_url)
    now = timezone.now()
    approval, is_new = Approval.objects.get_or_create(
        subject_type=subject_type,
        subject_id=subject_id,
        revision=subject.revision,
        defaults={**shown_of(subject), "note": note, "expires_at": now + expires_in},
    )
    # Held until the commit, so that a decision made meanwhile either sees the waiter or ends it.
    approval = Approval.objects.select_for_update().get(pk=approval.pk)
    if is_new:
        start_over(approval, subject, now=now)
        approval.save()
    note_causers(approval, [*requested_by, by, *subject.caused_by])
    if approval.is_pending and resume_url and by.execution:
        Waiter.objects.get_or_create(
            approval=approval,
            execution_id=by.execution.execution_id,
            defaults={"workflow_id": by.execution.workflow_id, "resume_url": resume_url},
        )
    if is_new:
        enqueue_on_commit("approvals.mail_waiting", approval_id=str(approval.pk))
        tell_requested(approval, by)
        told = {"expires_at": approval.expires_at.isoformat(), "terms": approval.terms}
        if approval.route:
            told["route"] = approval.route
        if approval.requesters:
            told["requested_by"] = ", ".join(each["label"] for each in approval.requesters)
        record_step("approval.requested", approval, told, by)
    return approval


def start_over(approval: Approval, subject: Subject, *, now: datetime) -> None:
    """The terms for the subject as it is, from their first step on: into the row, unsaved."""
    found = choose_terms(subject)
    approval.terms, approval.route = found.terms.as_json(), found.route
    if found.terms.expires_in_hours is not None:
        asked_at = approval.requested_at
        approval.expires_at = asked_at + timedelta(hours=found.terms.expires_in_hours)
    state = machine.begin(found.terms, now=now, expires_at=approval.expires_at)
    approval.reminded_at = None
    put_step(approval, state)


def shown_of(subject: Subject) -> dict[str, Any]:
    """What of a subject is kept with its approval."""
    return {
        "title": subject.title[:200],
        "summary": subject.summary,
        "reasons": subject.reasons,
        "amount": subject.amount.amount if subject.amount else None,
        "currency": subject.amount.currency if subject.amount else "",
    }


@transaction.atomic
def note_causer(*, subject_ids: Collection[uuid.UUID], by: Actor) -> None:
    """Somebody changed what the waiting approvals of these subjects are about, so does not decide
    them; a vote that was given before counts no more.
    """
    if by.kind is not ActorKind.MEMBER:
        return
    waiting = Approval.objects.pending().filter(subject_id__in=subject_ids)
    for approval in waiting.select_for_update().order_by("requested_at", "pk"):
        note_causers(approval, [by])


def note_causers(approval: Approval, requesters: Iterable[Actor]) -> None:
    """Also of those who join: their vote, where they gave one, counts no more."""
    if not approval.is_pending:
        return
    known = {each["id"]: each["label"] for each in approval.requesters or ()}
    people = {each.id: each.label for each in requesters if each.kind is ActorKind.MEMBER}
    if people.keys() <= known.keys():
        return
    approval.requesters = [
        {"id": key, "label": label} for key, label in {**known, **people}.items()
    ]
    approval.save(update_fields=["requesters", "updated_at"])
