"""Beginning a rollout, and what a person may do while it is under way.

Rollouts are shared rows: all of this is called outside of any tenant.
"""

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.catalog.models import Release, ReleaseUnknown, Rollout, RolloutPlace
from controlplane.catalog.services import get_release
from controlplane.core.actor import Actor, ActorKind
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.jobs import enqueue_on_commit
from tenants.models import Partner

Status, Place = Rollout.Status, RolloutPlace.Status
DEFAULT_SHARES = [5, 25, 100]
MOST_RINGS = 10
LONGEST_WATCH_MINUTES = 14 * 24 * 60
MOST_RUNS = 100_000


class RolloutUnknown(DomainError):
    code = "rollout_unknown"
    status = 404
    title = "No such rollout"


class RolloutUnderWay(DomainError):
    code = "rollout_under_way"
    status = 409
    title = "A rollout of the template is under way"


class RolloutStepRefused(DomainError):
    code = "rollout_step_refused"
    status = 409
    title = "The rollout cannot take this step"


class RolloutInvalid(DomainError):
    code = "rollout_invalid"
    status = 422
    title = "The rollout cannot begin like this"


def begin(
    *,
    release_id: uuid.UUID,
    by: Actor,
    shares: Sequence[int] = (),
    partner: Partner | None = None,
    note: str = "",
    **settings: Any,
) -> Rollout:
    """Note a rollout and have it carried out by workers.

    `shares` as in `Rollout`; `settings` are its fields, such as `watch_minutes`. `partner` limits
    it to the tenants whose automation this partner runs. Raises ReleaseUnknown, RolloutInvalid,
    RolloutUnderWay.
    """
    release = get_release(release_id)
    given = list(shares) or DEFAULT_SHARES
    _require_sound(release, given, partner)
    rollout = Rollout(
        template=release.template,
        release=release,
        partner=partner,
        shares=given,
        note=note,
        asked_by=by.label,
        asked_by_id=by.id if by.kind is ActorKind.MEMBER else "",
        **settings,
    )
    rollout.note_step("begun", why=note, by=by.label, at=timezone.now())
    try:
        with transaction.atomic():
            rollout.save(force_insert=True)
            _tell("rollout.begun", rollout, by, note=note, shares=given)
            enqueue_on_commit("catalog.advance_rollout", rollout_id=str(rollout.pk))
    except IntegrityError as error:
        raise _under_way(release) from error
    return rollout


@transaction.atomic
def pause(*, rollout_id: uuid.UUID, why: str = "", by: Actor) -> Rollout:
    """No further installation is begun; those under way end. Raises RolloutUnknown,
    RolloutStepRefused.
    """
    rollout = held(rollout_id)
    if rollout.status == Status.PAUSED:
        return rollout
    if rollout.status not in (Status.PLANNING, Status.RUNNING, Status.WATCHING):
        raise _refused(rollout, "be paused")
    return step(rollout, Status.PAUSED, "paused", why=why, by=by)


@transaction.atomic
def resume(*, rollout_id: uuid.UUID, why: str = "", by: Actor) -> Rollout:
    """From a pause, on where it was; where the gate was unsure, a person's word counts instead,
    and nobody is waited for any more once there is no further ring.

    Raises RolloutUnknown, RolloutStepRefused.
    """
    rollout = held(rollout_id)
    if rollout.status != Status.PAUSED:
        raise _refused(rollout, "be resumed")
    before = Status(rollout.paused_at or Status.RUNNING)
    if rollout.last_step.get("what") == "unsure":
        following = rollout.next_ring()
        before = Status.DONE if following is None else Status.RUNNING
        rollout.ring = rollout.ring if following is None else following
        if following is None:
            _leave(rollout, Place.ASKED)
    resumed = step(rollout, before, "resumed", why=why, by=by)
    enqueue_on_commit("catalog.advance_rollout", rollout_id=str(rollout.pk))
    return resumed


@transaction.atomic
def take_back(*, rollout_id: uuid.UUID, why: str = "", by: Actor) -> Rollout:
    """Every installation that was upgraded gets its workflow of before; the others stay.

    Also of one that is done, unless another is under way. Raises RolloutUnknown, RolloutUnderWay.
    """
    rollout = held(rollout_id)
    if rollout.status in (Status.RETURNING, Status.RETURNED):
        return rollout
    others = Rollout.objects.under_way().filter(
        template=rollout.template_id, partner=rollout.partner_id
    )
    if others.exclude(pk=rollout.pk).exists():
        raise _under_way(rollout.release)
    back = step(rollout, Status.RETURNING, "taken_back", why=why, by=by)
    send_back(rollout)
    _leave(rollout, Place.WAITING, Place.ASKED, Place.HELD)
    enqueue_on_commit("catalog.advance_rollout", rollout_id=str(rollout.pk))
    return back


def send_back(rollout: Rollout) -> int:
    """What was upgraded is to be taken back. How many there were."""
    return rollout.places.filter(status=Place.DONE).update(
        status=Place.BACK, claimed_until=None, attempts=0, updated_at=timezone.now()
    )


@transaction.atomic
def end(*, rollout_id: uuid.UUID, why: str = "", by: Actor) -> Rollout:
    """What was upgraded stays so, the rest stays as it was. Raises RolloutUnknown,
    RolloutStepRefused.
    """
    rollout = held(rollout_id)
    if rollout.status not in (Status.PLANNING, Status.RUNNING, Status.WATCHING, Status.PAUSED):
        raise _refused(rollout, "be ended")
    _leave(rollout, Place.WAITING, Place.ASKED)
    return step(rollout, Status.ENDED, "ended", why=why, by=by)


def step(
    rollout: Rollout, status: str, what: str, *, why: str = "", by: Actor, **more: Any
) -> Rollout:
    """Into the row, which is held, and the platform's audit trail."""
    now = timezone.now()
    rollout.paused_at = rollout.status if status == Status.PAUSED else ""
    rollout.status = status
    rollout.note_step(what, why=why, by=by.label, at=now)
    rollout.watched_since = now if status == Status.WATCHING else None
    rollout.ended_at = None if rollout.is_under_way else now
    rollout.save()
    _tell(f"rollout.{what}", rollout, by, why=why, **more)
    return rollout


def get_rollout(rollout_id: uuid.UUID, *, owners: Collection[Partner] | None = None) -> Rollout:
    """One of these partners' where they are given. Raises RolloutUnknown."""
    known = Rollout.objects.select_related("release__template", "template", "partner")
    if owners is not None:
        known = known.filter(partner__in=owners)
    found = known.filter(pk=rollout_id).first()
    if found is None:
        raise RolloutUnknown(f"There is no rollout {rollout_id}.")
    return found


def releases_for(partners: Collection[Partner] | None) -> QuerySet[Release]:
    """Live ones that these partners may roll out: the platform's and their own. None: all."""
    live = Release.objects.filter(status=Release.Status.LIVE)
    if partners is not None:
        live = live.filter(Q(template__owner=None) | Q(template__owner__in=partners))
    return (
        live.select_related("template")
        .only("version", "template__title", "template__slug")
        .order_by("template__title", "-released_at")
    )


def newest_live(
    slug: str, version: str = "", *, partners: Collection[Partner] | None = None
) -> Release:
    """The latest of `releases_for` these partners, or the one of this version. Raises
    ReleaseUnknown.
    """
    found = releases_for(partners).filter(template__slug=slug)
    if version:
        found = found.filter(version=version)
    newest = max(found, key=lambda release: release.ordered_version, default=None)
    if newest is None:
        raise ReleaseUnknown(
            f"“{slug}” has no live release {version}".rstrip() + ". Take one live first.",
            errors=(FieldError("version" if version else "template", "names nothing live"),),
        )
    return newest


def held(rollout_id: uuid.UUID) -> Rollout:
    """Its row, locked until the commit. Raises RolloutUnknown."""
    get_rollout(rollout_id)
    return (
        Rollout.objects.select_related("release__template", "template", "partner")
        .select_for_update(of=("self",))
        .get(pk=rollout_id)
    )


def _leave(rollout: Rollout, *statuses: RolloutPlace.Status) -> None:
    """Those that stand so stay as they were before the rollout."""
    rollout.places.filter(status__in=statuses).update(status=Place.LEFT, updated_at=timezone.now())


def _require_sound(release: Release, shares: list[int], partner: Partner | None) -> None:
    errors = []
    owner = release.template.owner_id
    if partner is not None and owner not in (None, partner.pk):
        errors.append(FieldError("release", "is of another partner's template"))
    if release.status != Release.Status.LIVE:
        errors.append(FieldError("release", "is not live; take it live first"))
    if sorted(set(shares)) != shares or shares[-1] != 100 or shares[0] < 1:
        errors.append(FieldError("shares", "must be percentages that rise to 100, such as 5, 100"))
    elif len(shares) > MOST_RINGS:
        errors.append(FieldError("shares", f"may be {MOST_RINGS} rings at most"))
    if errors:
        told = "; ".join(f"{error.field} {error.message}" for error in errors)
        raise RolloutInvalid(f"“{release}”: {told}.", errors=tuple(errors))


def _under_way(release: Release) -> RolloutUnderWay:
    return RolloutUnderWay(
        f"A rollout of “{release.template}” is under way. Wait until it has ended, or end it."
    )


def _refused(rollout: Rollout, what: str) -> RolloutStepRefused:
    return RolloutStepRefused(
        f"The rollout of “{rollout}” is {rollout.get_status_display().lower()} and cannot {what}."
    )


def _tell(action: str, rollout: Rollout, by: Actor, **data: Any) -> None:
    record(
        action=action,
        subject_type="rollout",
        subject_id=str(rollout.pk),
        data={
            "template": rollout.template.slug,
            "version": rollout.release.version,
            "ring": rollout.ring,
            **data,
        },
        by=by,
    )


STEPS = {"pause": pause, "resume": resume, "take_back": take_back, "end": end}
"""What a person may have done with one, by name."""
