"""The kill switch of one installation: nothing is delivered to it, and it may change nothing.

Its events wait and are listed, so that people can do the work by hand meanwhile; what they did is
set aside, and the rest is delivered when the installation goes on.
"""

import uuid
from collections.abc import Collection, Mapping

from django.db import transaction

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from controlplane.events import delivery, listening, outbox
from controlplane.events.models import Delivery, Pause


class InstallationPaused(DomainError):
    code = "installation_paused"
    status = 409
    title = "The installation is paused"


def pause_of(installation_id: uuid.UUID | None) -> Pause | None:
    if installation_id is None:
        return None
    return Pause.objects.filter(installation_id=installation_id).first()


def assert_running(installation_id: uuid.UUID | None) -> None:
    """Asked before an operation changes something. Raises InstallationPaused."""
    if pause := pause_of(installation_id):
        raise InstallationPaused(
            f"{pause.paused_by} paused this workflow"
            f"{f' ({pause.reason})' if pause.reason else ''}. Let it go on in Pergola's portal, on "
            "the installation's page, and run it again."
        )


@transaction.atomic
def pause_installation(*, installation_id: uuid.UUID, reason: str, by: Actor) -> Pause:
    """From now on; paused already is as good."""
    listening.hold_listeners(alone=True)
    pause, is_new = Pause.objects.get_or_create(
        installation_id=installation_id,
        defaults={"reason": reason[:300], "paused_by": by.label[:200]},
    )
    # What n8n was not told of yet can be done by hand at once.
    queued = Delivery.objects.queued().filter(subscription__installation_id=installation_id)
    queued.update(status=Delivery.Status.HELD, queued_at=None)
    if is_new:
        _note("installation.paused", installation_id, {"reason": pause.reason}, by)
    return pause


@transaction.atomic
def resume_installation(*, installation_id: uuid.UUID, by: Actor) -> int:
    """Deliver what waited and was not handled by hand. Returns how many events."""
    listening.hold_listeners(alone=True)
    gone, _by_model = Pause.objects.filter(installation_id=installation_id).delete()
    waiting = list(held(installation_id).select_for_update(of=("self",)))
    for one in waiting:
        one.status = Delivery.Status.PENDING
        one.save(update_fields=["status", "updated_at"])
        outbox.put("events.deliver", one.pk)
    if gone:
        _note("installation.resumed", installation_id, {"deliveries": len(waiting)}, by)
    return len(waiting)


def held(installation_id: uuid.UUID) -> "delivery.Deliveries":
    """What waits for the installation, oldest first."""
    return (
        Delivery.objects.filter(
            subscription__installation_id=installation_id, status=Delivery.Status.HELD
        )
        .select_related("event__source")
        .order_by("event__received_at", "event_id")
    )


@transaction.atomic
def set_aside(*, installation_id: uuid.UUID, delivery_ids: Collection[uuid.UUID], by: Actor) -> int:
    """Somebody did by hand what the workflow would have done. Returns how many were waiting."""
    found = held(installation_id).filter(pk__in=delivery_ids)
    done = Delivery.objects.filter(pk__in=list(found.values_list("pk", flat=True))).update(
        status=Delivery.Status.SET_ASIDE
    )
    if done:
        data = {"deliveries": sorted(str(one) for one in delivery_ids)}
        _note("installation.handled_by_hand", installation_id, data, by)
    return done


def _note(action: str, installation_id: uuid.UUID, data: Mapping[str, object], by: Actor) -> None:
    record(
        action=action,
        subject_type="installation",
        subject_id=str(installation_id),
        data=dict(data),
        by=by,
    )
