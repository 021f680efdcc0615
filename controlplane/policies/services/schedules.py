"""Publications that wait for their time."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from controlplane.core.actor import Actor, ActorKind
from controlplane.core.errors import DomainError, FieldError
from controlplane.policies.models import PolicyVersion, Schedule, VersionStatus
from controlplane.policies.services.decisions import key_of
from controlplane.policies.services.drafts import record_policy
from controlplane.policies.services.publishing import (
    OPEN,
    assert_few_flips,
    locked,
    publish_version,
)


class TimeHasPassed(DomainError):
    code = "policy_time_has_passed"
    status = 422
    title = "That time has passed"


@transaction.atomic
def schedule_version(
    *, version: PolicyVersion, at: datetime, note: str = "", by: Actor
) -> Schedule:
    """Publish it then. What stands against it now is said now; it is asked again at that time.

    Raises TimeHasPassed, StepNotPossible, TooManyFlips, PolicySimulationNeeded.
    """
    status = locked(version, *OPEN)
    if at <= timezone.now():
        raise TimeHasPassed(
            "Choose a time that is still to come, or publish it at once.",
            errors=(FieldError("at", "has passed"),),
        )
    if status != VersionStatus.APPROVED:
        assert_few_flips(version)
    version.schedules.filter(status=Schedule.Status.WAITING).update(
        status=Schedule.Status.CANCELLED, detail="Another time was chosen."
    )
    schedule = Schedule.objects.create(
        version=version, due_at=at, note=note, by=by.label, by_id=key_of(by)
    )
    record_policy(
        "scheduled", version.policy, {"version": version.number, "at": at.isoformat()}, by
    )
    return schedule


@transaction.atomic
def cancel_schedule(*, version: PolicyVersion, by: Actor) -> None:
    waiting = version.schedules.filter(status=Schedule.Status.WAITING)
    if waiting.update(status=Schedule.Status.CANCELLED, detail=f"Cancelled by {by.label}."):
        record_policy("schedule_cancelled", version.policy, {"version": version.number}, by)


def publish_due() -> int:
    """Publish what is due in the tenant that is entered. Returns how many came into force."""
    published = 0
    due = Schedule.objects.filter(status=Schedule.Status.WAITING, due_at__lte=timezone.now())
    for key in list(due.order_by("due_at").values_list("pk", flat=True)):
        published += _publish_due(key)
    return published


def _publish_due(key: Any) -> bool:
    """One that is refused keeps the reason, and waits no longer."""
    with transaction.atomic():
        schedule = (
            Schedule.objects.select_for_update(skip_locked=True, of=("self",))
            .select_related("version__policy")
            .filter(pk=key, status=Schedule.Status.WAITING)
            .first()
        )
        if schedule is None:
            return False
        kind, _sep, name = schedule.by_id.partition(":")
        by = Actor(ActorKind(kind), name, schedule.by)
        try:
            with transaction.atomic():
                publish_version(
                    version=schedule.version, note=schedule.note, was_simulated=True, by=by
                )
        except DomainError as error:
            schedule.status, schedule.detail = Schedule.Status.REFUSED, error.detail
        else:
            schedule.status = Schedule.Status.DONE
        schedule.save(update_fields=["status", "detail", "updated_at"])
        return schedule.status == Schedule.Status.DONE
