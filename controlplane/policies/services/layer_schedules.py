"""Publications of rules for many tenants that wait for their time."""

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from controlplane.core.actor import Actor, ActorKind
from controlplane.core.errors import DomainError, FieldError
from controlplane.policies.models import LayerSchedule, LayerVersion, Schedule
from controlplane.policies.services.decisions import key_of
from controlplane.policies.services.layer_drafts import record_layer
from controlplane.policies.services.layer_gate import assert_may_publish
from controlplane.policies.services.layering import locked_layer, publish_layer_version
from controlplane.policies.services.publishing import OPEN
from controlplane.policies.services.schedules import TimeHasPassed

Status = Schedule.Status


def schedule_layer_version(
    *, version: LayerVersion, at: datetime, note: str = "", by: Actor
) -> LayerSchedule:
    """Publish it then. What stands against it now is said now; it is asked again at that time.
    Nobody schedules alone: whoever is alone is there when it happens.

    Raises TimeHasPassed, StepNotPossible and what `assert_may_publish` raises.
    """
    if at <= timezone.now():
        raise TimeHasPassed(
            "Choose a time that is still to come, or publish it at once.",
            errors=(FieldError("at", "has passed"),),
        )
    version = LayerVersion.objects.select_related("policy__partner").get(pk=version.pk)
    if version.status in OPEN:
        assert_may_publish(version, note=note, by=by)
    with transaction.atomic():
        version = locked_layer(version, *OPEN)
        _waiting(version).update(status=Status.CANCELLED, detail="Another time was chosen.")
        schedule = LayerSchedule.objects.create(
            version=version, due_at=at, note=note, by=by.label, by_id=key_of(by)
        )
        told = {"version": version.number, "at": at.isoformat(), "note": note}
        record_layer("scheduled", version.policy, told, by)
    return schedule


@transaction.atomic
def cancel_layer_schedule(*, version: LayerVersion, by: Actor) -> None:
    if _waiting(version).update(status=Status.CANCELLED, detail=f"Cancelled by {by.label}."):
        record_layer("schedule_cancelled", version.policy, {"version": version.number}, by)


def publish_due_layers() -> int:
    """Publish what is due. Called outside of any tenant. Returns how many came into force."""
    published = 0
    due = LayerSchedule.objects.filter(status=Status.WAITING, due_at__lte=timezone.now())
    for key in list(due.order_by("due_at").values_list("pk", flat=True)):
        published += _publish_due(key)
    return published


def _publish_due(key: uuid.UUID) -> bool:
    """One that is refused keeps the reason, and waits no longer."""
    schedule = LayerSchedule.objects.select_related("version").get(pk=key)
    # Whoever takes it out of waiting publishes it: another beat finds it taken.
    claimed = LayerSchedule.objects.filter(pk=key, status=Status.WAITING)
    if not claimed.update(status=Status.DONE, updated_at=timezone.now()):
        return False
    kind, _sep, name = schedule.by_id.partition(":")
    by = Actor(ActorKind(kind), name, schedule.by)
    try:
        publish_layer_version(version=schedule.version, note=schedule.note, by=by)
    except DomainError as error:
        LayerSchedule.objects.filter(pk=key).update(status=Status.REFUSED, detail=error.detail)
        return False
    except BaseException:
        # Nobody said no to it: it is tried again.
        LayerSchedule.objects.filter(pk=key).update(status=Status.WAITING)
        raise
    return True


def _waiting(version: LayerVersion) -> QuerySet[LayerSchedule]:
    return version.schedules.filter(status=Status.WAITING)
