"""What moves a rollout on: one step at a time, each from what the rows say, so that a worker that
dies is taken over by the next. Called outside of any tenant.
"""

import time
import uuid
from datetime import timedelta
from enum import StrEnum

from django.db import transaction
from django.utils import timezone

from controlplane.catalog.models import Rollout, RolloutPlace
from controlplane.catalog.rollouts import asking, carrying, claiming, consent, watching
from controlplane.catalog.rollouts.gate import Judged, Verdict
from controlplane.catalog.rollouts.placing import place
from controlplane.core.actor import system
from controlplane.core.errors import DomainError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.locks import alone, if_free
from controlplane.core.logs import get_logger
from tenants import lookup
from tenants.context import inside

Status, Place = Rollout.Status, RolloutPlace.Status
BY = system("rollout")
# A lane gives its thread back after this long, and is enqueued again behind what waits meanwhile.
LANE_SECONDS = 20.0
LOOKED_AT_ONCE = 60
ASKED_AT_ONCE = 200
# So many upgrades at least have to have been tried before their failures end a ring early.
LEAST_TRIED = 5
BEFORE_ALL = -1

log = get_logger(__name__)


class Left(StrEnum):
    """Of a lane: more installations, a look at the whole, or nothing."""

    MORE = "more"
    A_STEP = "a_step"
    NOTHING = "nothing"


def advance(rollout_id: uuid.UUID) -> Rollout:
    """Whatever can be done now. Raises RolloutUnknown."""
    with alone("catalog.rollout", str(rollout_id)):
        rollout = asking.get_rollout(rollout_id)
        if rollout.status == Status.PLANNING:
            place(rollout)
            rollout = _begin_ring(rollout, rollout.next_ring(BEFORE_ALL))
        claiming.release_lost(rollout)
        if rollout.status in (Status.RUNNING, Status.WATCHING):
            _ask_again(rollout)
        if rollout.status == Status.RUNNING:
            rollout = _after_upgrading(rollout)
        if rollout.status == Status.WATCHING:
            rollout = _after_watching(rollout)
        if rollout.status == Status.RETURNING:
            rollout = _after_returning(rollout)
        if _has_work(rollout):
            with transaction.atomic():
                for lane in range(rollout.at_once):
                    enqueue_on_commit("catalog.rollout_lane", rollout_id=str(rollout_id), lane=lane)
    return rollout


def run_lane(rollout_id: uuid.UUID, lane: int, *, seconds: float = LANE_SECONDS) -> Left:
    """One installation after the other for a while, and what that leaves to do.

    Each lane is one worker's: a second one for the same lane goes at once.
    """
    ends_at, carried = time.monotonic() + seconds, 0
    with if_free("catalog.rollout_lane", f"{rollout_id} {lane}") as is_free:
        if not is_free:
            return Left.NOTHING
        while time.monotonic() < ends_at:
            rollout = asking.get_rollout(rollout_id)
            claimed = claiming.claim(rollout)
            if claimed is None:
                return Left.A_STEP if carried else Left.NOTHING
            claiming.wait_for_turn(rollout)
            carrying.carry_out(rollout, claimed)
            carried += 1
    return Left.MORE


def tend() -> None:
    """Now and then: advance each that is under way. One that fails keeps no other from it.

    One that somebody is advancing is left to them: a watch over many may take longer than a tick.
    """
    failed = []
    for pk in (
        Rollout.objects.under_way().exclude(status=Status.PAUSED).values_list("pk", flat=True)
    ):
        try:
            with if_free("catalog.rollout", str(pk)) as is_free:
                if is_free:
                    advance(pk)
        except Exception:  # each on its own: the failure is logged and reported below
            log.exception("rollout.failed", rollout_id=str(pk))
            failed.append(str(pk))
    if failed:
        raise RuntimeError(f"failed: {', '.join(failed)}")


def _has_work(rollout: Rollout) -> bool:
    """For a lane, now."""
    wanted = claiming.wanted(rollout)
    return wanted is not None and claiming.to_claim(rollout, wanted).exists()


def _after_upgrading(rollout: Rollout) -> Rollout:
    """On to watching once the ring's upgrades have ended; back at once where too many fail."""
    open_ones = rollout.places.to_do().filter(ring__lte=rollout.ring)
    if not open_ones.exists():
        return _turn(rollout, Status.WATCHING, "upgraded")
    seen = watching.seen(rollout, rollout.ring)
    if seen.tried >= LEAST_TRIED and seen.failed_upgrades:
        judged = watching.judged(rollout)
        if judged.verdict == Verdict.FAILED:
            return _back(rollout, judged)
    return rollout


def _after_watching(rollout: Rollout) -> Rollout:
    watching.look(rollout, most=LOOKED_AT_ONCE)
    judged = watching.judged(rollout)
    if judged.verdict == Verdict.FAILED:
        return _back(rollout, judged)
    watched = timezone.now() - (rollout.watched_since or timezone.now())
    if watched < timedelta(minutes=rollout.watch_minutes):
        return rollout
    if judged.verdict == Verdict.UNSURE:
        may_wait = rollout.places.filter(ring=rollout.ring, status=Place.DONE).exists()
        if may_wait and watched < timedelta(minutes=rollout.watch_at_most_minutes):
            return rollout
        return _turn(rollout, Status.PAUSED, "unsure", judged.why)
    if rollout.places.to_do().filter(ring__lte=rollout.ring).exists():
        return rollout  # an approval came late: it is upgraded and seen before the next ring
    following = rollout.next_ring()
    if following is None and rollout.places.filter(status=Place.ASKED).exists():
        return rollout
    return _begin_ring(rollout, following, judged.why)


def _after_returning(rollout: Rollout) -> Rollout:
    """Over once nothing is on its way, what was upgraded while it turned back included."""
    if rollout.places.to_do().exists() or asking.send_back(rollout):
        return rollout
    return _turn(rollout, Status.RETURNED, "returned")


def _begin_ring(rollout: Rollout, ring: int | None, why: str = "") -> Rollout:
    if ring is None:
        if rollout.status == Status.PLANNING:
            why = "No tenant has an older version of this template installed."
        return _turn(rollout, Status.DONE, "done", why)
    return _turn(rollout, Status.RUNNING, "ring_begun", why, ring=ring)


def _back(rollout: Rollout, judged: Judged) -> Rollout:
    log.warning("rollout.gate_failed", rollout_id=str(rollout.pk), ring=rollout.ring)
    return asking.take_back(rollout_id=rollout.pk, why=judged.why, by=BY)


@transaction.atomic
def _turn(
    rollout: Rollout, status: str, what: str, why: str = "", *, ring: int | None = None
) -> Rollout:
    """Unless somebody has paused, ended or turned it meanwhile: then theirs counts."""
    held = asking.held(rollout.pk)
    if held.status != rollout.status:
        return held
    held.ring = held.ring if ring is None else ring
    return asking.step(held, status, what, why=why, by=BY)


def _ask_again(rollout: Rollout) -> None:
    """Whether people of the tenants have answered by now."""
    asked = rollout.places.filter(status=Place.ASKED).select_related("tenant")
    for one in asked.order_by("updated_at")[:ASKED_AT_ONCE]:
        try:
            with inside(lookup.tenant_by_schema(one.tenant.schema_name)):
                answer = consent.answered(one.decision_id) if one.decision_id else None
        except DomainError as error:
            log.info("rollout.not_asked", place_id=str(one.pk), why=error.detail[:200])
            continue
        status = {consent.Answer.YES: Place.WAITING, consent.Answer.NO: Place.DECLINED}.get(
            answer or consent.Answer.ASKED, Place.ASKED
        )
        RolloutPlace.objects.filter(pk=one.pk, status=Place.ASKED).update(
            status=status, updated_at=timezone.now()
        )
