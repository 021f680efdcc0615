"""What people and workflows do about exceptions: assign, comment, try again, correct, resolve."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.events import circuit
from controlplane.events.exceptions import again
from controlplane.events.exceptions.again import NothingToRetry as NothingToRetry
from controlplane.events.exceptions.opening import Kind, Resolution, Status, add_note, settle
from controlplane.events.models import Delivery, ExceptionCase
from controlplane.instances.models import Workspace

MOST_AT_ONCE = 500


class ExceptionUnknown(DomainError):
    code = "exception_unknown"
    status = 404
    title = "No such exception"


class ExceptionResolved(DomainError):
    code = "exception_resolved"
    status = 409
    title = "The exception is resolved already"


class TooManyAtOnce(DomainError):
    code = "too_many_at_once"
    status = 422
    title = "Too many at once"


@dataclass(frozen=True)
class Outcome:
    """Of one exception among several: `problem` is empty where it was done."""

    case: ExceptionCase
    problem: str = ""


def get_case(exception_id: uuid.UUID) -> ExceptionCase:
    """Raises ExceptionUnknown."""
    found = (
        ExceptionCase.objects.select_related("source", "event__source", "delivery__subscription")
        .filter(pk=exception_id)
        .first()
    )
    if found is None:
        raise ExceptionUnknown(
            f"This tenant has no exception {exception_id}.",
            errors=(FieldError("exception_id", "names no exception"),),
        )
    return found


@transaction.atomic
def assign(*, case: ExceptionCase, assignee_id: str, assignee: str, by: Actor) -> ExceptionCase:
    """Give it to somebody; to nobody with an empty name. Raises ExceptionResolved."""
    case = _held(case)
    case.assignee_id, case.assignee = assignee_id[:36], assignee[:200]
    case.save(update_fields=["assignee_id", "assignee", "updated_at"])
    add_note(case, Kind.ASSIGNED, by, assignee)
    _note("exception.assigned", case, {"assignee": assignee}, by)
    return case


@transaction.atomic
def comment(*, case: ExceptionCase, text: str, by: Actor) -> ExceptionCase:
    """Also on a resolved one."""
    add_note(case, Kind.COMMENT, by, text)
    case.save(update_fields=["updated_at"])
    _note("exception.commented", case, {}, by)
    return case


@transaction.atomic
def resolve(*, case: ExceptionCase, resolution: str, by: Actor, text: str = "") -> ExceptionCase:
    """Done by hand, or nothing to do: its delivery is not tried again. Raises ExceptionResolved."""
    case = _held(case)
    if case.delivery_id:
        Delivery.objects.filter(pk=case.delivery_id).exclude(
            status=Delivery.Status.DELIVERED
        ).update(status=Delivery.Status.SET_ASIDE)
    if work := again.work_of(case):
        work.set_aside(case)
    settle(Q(pk=case.pk), resolution=resolution, by=by, text=text)
    _note("exception.resolved", case, {"resolution": resolution}, by)
    return get_case(case.pk)


@transaction.atomic
def retry(*, case: ExceptionCase, by: Actor) -> ExceptionCase:
    """Send it again as it was. Raises ExceptionResolved, NothingToRetry, or what reading raises."""
    case = _held(case)
    if case.fingerprint.startswith("circuit:"):
        circuit.close(Workspace.current().instance_id)
    elif work := again.work_of(case):
        work.retry(case)
    elif case.event_id is None and case.body:
        event = again.read_kept(case)
        settle(Q(pk=case.pk), resolution=Resolution.SUCCEEDED, by=by, text=f"It is {event} now.")
        ExceptionCase.objects.filter(pk=case.pk).update(event=event)
    else:
        again.deliver_again(case)
    return _tried(case, Kind.RETRIED, "", by)


@transaction.atomic
def edit_and_retry(*, case: ExceptionCase, body: str, by: Actor) -> ExceptionCase:
    """Send a corrected body as a revision of the event; the original stays as it came.

    Raises ExceptionResolved, NothingToRetry or BodyMalformed.
    """
    case = _held(case)
    if case.event_id is None:
        event = again.read_kept(case, body=body)
        settle(Q(pk=case.pk), resolution=Resolution.REPLACED, by=by, text=f"It is {event} now.")
        ExceptionCase.objects.filter(pk=case.pk).update(event=event)
    else:
        event = again.revise(case, body=body)
    return _tried(case, Kind.EDITED, f"Event {event.pk}, revision {event.revision}", by)


def retry_many(*, exception_ids: Collection[uuid.UUID], by: Actor) -> list[Outcome]:
    """Each by itself: one that cannot be tried again leaves the others alone."""
    return [_each(one, lambda case: retry(case=case, by=by)) for one in _some(exception_ids)]


def edit_many_and_retry(
    *, exception_ids: Collection[uuid.UUID], path: str, value: Any, by: Actor
) -> list[Outcome]:
    """Set one field of every body, by its dotted path, and send each again. Each by itself."""

    def edit(case: ExceptionCase) -> ExceptionCase:
        text = case.event.body if case.event else case.body
        return edit_and_retry(case=case, body=again.with_value(text, path, value), by=by)

    return [_each(one, edit) for one in _some(exception_ids)]


def resolve_many(
    *, exception_ids: Collection[uuid.UUID], resolution: str, by: Actor
) -> list[Outcome]:
    return [
        _each(one, lambda case: resolve(case=case, resolution=resolution, by=by))
        for one in _some(exception_ids)
    ]


def assign_many(
    *, exception_ids: Collection[uuid.UUID], assignee_id: str, assignee: str, by: Actor
) -> list[Outcome]:
    return [
        _each(
            one, lambda case: assign(case=case, assignee_id=assignee_id, assignee=assignee, by=by)
        )
        for one in _some(exception_ids)
    ]


def _each(case: ExceptionCase, act: Any) -> Outcome:
    try:
        return Outcome(act(case))
    except DomainError as error:
        return Outcome(case, error.detail)


def _some(exception_ids: Collection[uuid.UUID]) -> list[ExceptionCase]:
    if len(exception_ids) > MOST_AT_ONCE:
        raise TooManyAtOnce(f"Choose up to {MOST_AT_ONCE} exceptions at once.")
    return list(
        ExceptionCase.objects.select_related("source", "event__source", "delivery__subscription")
        .filter(pk__in=exception_ids)
        .order_by("opened_at")
    )


def _held(case: ExceptionCase) -> ExceptionCase:
    """Locked, and as it is now. Raises ExceptionResolved."""
    ExceptionCase.objects.select_for_update(of=("self",)).get(pk=case.pk)
    case = get_case(case.pk)
    if not case.is_open:
        raise ExceptionResolved(
            f"“{case.summary}” was resolved by {case.resolved_by}: {case.get_resolution_display()}."
        )
    return case


def _tried(case: ExceptionCase, kind: str, text: str, by: Actor) -> ExceptionCase:
    ExceptionCase.objects.filter(pk=case.pk).exclude(status=Status.RESOLVED).update(
        status=Status.RETRYING
    )
    add_note(case, kind, by, text)
    _note(f"exception.{kind}", case, {"text": text} if text else {}, by)
    return get_case(case.pk)


def _note(action: str, case: ExceptionCase, data: dict[str, Any], by: Actor) -> None:
    record(
        action=action,
        subject_type="exception",
        subject_id=str(case.pk),
        data={"type": case.type, **data},
        by=by,
    )
