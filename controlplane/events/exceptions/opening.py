"""An exception begins, happens again, or is well again by itself."""

import uuid

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from controlplane.core.actor import Actor, system
from controlplane.core.logs import get_logger
from controlplane.core.text import made_storable
from controlplane.events.exceptions.taxonomy import AREAS, time_to_handle
from controlplane.events.models import Delivery, Event, ExceptionCase, ExceptionNote, Source

log = get_logger(__name__)
Status, Resolution, Kind = ExceptionCase.Status, ExceptionCase.Resolution, ExceptionNote.Kind


@transaction.atomic
def open_case(
    *,
    type: str,
    fingerprint: str,
    summary: str,
    by: Actor,
    detail: str = "",
    source: Source | None = None,
    event: Event | None = None,
    delivery: Delivery | None = None,
    subject: str = "",
    body: str = "",
    headers: dict[str, str] | None = None,
    installation_id: uuid.UUID | None = None,
    workflow_id: str = "",
    execution_id: str = "",
) -> ExceptionCase:
    """A new exception, owned and due by its type; the same one again while it is open counts up."""
    if known := _again(fingerprint, detail, by):
        return known
    now = timezone.now()
    case = ExceptionCase(
        type=type,
        area=AREAS[type],
        fingerprint=fingerprint,
        source=source or (event.source if event else None),
        event=event,
        delivery=delivery,
        subject=made_storable(subject or (event.subject if event else ""))[:200],
        summary=made_storable(summary)[:300],
        detail=made_storable(detail)[:10_000],
        body=body,
        headers=headers or {},
        installation_id=installation_id or by.installation_id,
        workflow_id=workflow_id,
        execution_id=execution_id,
        opened_at=now,
        due_at=now + time_to_handle(type),
    )
    try:
        with transaction.atomic():
            case.save(force_insert=True)
    except IntegrityError:
        # The same one, at the same moment.
        if known := _again(fingerprint, detail, by):
            return known
        raise
    add_note(case, Kind.OPENED, by, summary)
    log.warning("exception.opened", exception_id=str(case.pk), type=type)
    return case


def add_note(case: ExceptionCase, kind: str, by: Actor, text: str = "") -> ExceptionNote:
    note = ExceptionNote(case=case, kind=kind, by=by.label[:200], text=made_storable(text)[:4000])
    note.save(force_insert=True)
    return note


def _again(fingerprint: str, detail: str, by: Actor) -> ExceptionCase | None:
    known = (
        ExceptionCase.objects.select_for_update()
        .unresolved()
        .filter(fingerprint=fingerprint)
        .first()
    )
    if known is None:
        return None
    known.occurrences += 1
    known.detail = made_storable(detail)[:10_000] or known.detail
    fields = ["occurrences", "detail", "updated_at"]
    if known.status == Status.RETRYING:
        known.status = Status.OPEN
        fields.append("status")
        add_note(known, Kind.AGAIN, by, detail[:4000])
    known.save(update_fields=fields)
    return known


def settle(cases: Q, *, resolution: str, by: Actor, text: str = "") -> int:
    """Resolve every open exception among these. Returns how many. In the caller's transaction."""
    found = list(ExceptionCase.objects.select_for_update().unresolved().filter(cases))
    for case in found:
        case.status, case.resolution = Status.RESOLVED, resolution
        case.resolved_at, case.resolved_by = timezone.now(), by.label[:200]
        case.save(
            update_fields=["status", "resolution", "resolved_at", "resolved_by", "updated_at"]
        )
        add_note(case, Kind.RESOLVED, by, text)
    return len(found)


def settle_after_success(delivery: Delivery) -> int:
    """What was delivered is well again, and so is what else waited for the same subject.

    An older exception of the same source, subject and workflow is closed too: a later event of the
    subject brought the workflow what it missed. What a workflow opened about an event itself is
    well when the event is delivered again; where that run finds the same wrong, it opens it anew.
    In the caller's transaction.
    """
    event, listener = delivery.event, delivery.subscription
    workflow_id = listener.workflow_id if listener else ""
    # Only what was tried again: a run may say what is wrong before its delivery counts as done.
    mine = Q(delivery=delivery) | Q(
        event=event,
        delivery__isnull=True,
        status=Status.RETRYING,
        workflow_id__in=["", workflow_id],
    )
    if event.subject:
        theirs = Q(delivery__isnull=False, delivery__subscription=delivery.subscription_id)
        if workflow_id:
            theirs |= Q(workflow_id=workflow_id)
        mine |= (
            theirs
            & (
                Q(event__received_at__lt=event.received_at)
                | Q(event__received_at=event.received_at, delivery__isnull=False)
            )
            & Q(event__source=event.source_id, event__subject=event.subject)
        )
    # One query, and no lock, where all is well: that is nearly always.
    if not ExceptionCase.objects.unresolved().filter(mine).exists():
        return 0
    keys = ExceptionCase.objects.unresolved().filter(mine).values_list("pk", flat=True)
    return settle(
        Q(pk__in=list(keys)),
        resolution=Resolution.SUCCEEDED,
        by=system("relay"),
        text=f"{event} was delivered.",
    )
