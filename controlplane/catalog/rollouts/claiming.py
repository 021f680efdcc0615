"""Taking the next installation of a rollout, one worker at a time and no faster than was asked."""

import time
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from controlplane.catalog.models import Rollout, RolloutPlace

# One upgrade takes seconds, with n8n's time-outs and repetitions a few minutes.
HELD_FOR = timedelta(minutes=10)

Status = RolloutPlace.Status
NEXT = {Status.WAITING: Status.RUNNING, Status.BACK: Status.RETURNING}

# GCRA, by the database's clock: each turn is `gap` after the one before, or now.
TURN = """
UPDATE catalog_rollout
SET next_at = GREATEST(next_at, clock_timestamp()) + %s * interval '1 second'
WHERE id = %s
RETURNING EXTRACT(EPOCH FROM next_at - clock_timestamp()) - %s
"""


def claim(rollout: Rollout) -> RolloutPlace | None:
    """The next one that is to be upgraded, or taken back; None where nothing is to be done now."""
    status = wanted(rollout)
    if status is None:
        return None
    with transaction.atomic():
        waiting = to_claim(rollout, status).select_for_update(of=("self",), skip_locked=True)
        place = waiting.select_related("tenant").order_by("ring", "pk").first()
        if place is None:
            return None
        place.status, place.claimed_until = NEXT[status], timezone.now() + HELD_FOR
        place.save(update_fields=["status", "claimed_until", "updated_at"])
    return place


def to_claim(rollout: Rollout, status: RolloutPlace.Status) -> QuerySet[RolloutPlace]:
    """Those of the rings so far that no worker has, and that are not to be tried later only."""
    waiting = RolloutPlace.objects.filter(rollout=rollout, status=status, ring__lte=rollout.ring)
    return waiting.exclude(claimed_until__gt=timezone.now())


def release_lost(rollout: Rollout) -> int:
    """What a worker that died had claimed is to be claimed again. How many there were."""
    lost = RolloutPlace.objects.filter(rollout=rollout, claimed_until__lt=timezone.now())
    return sum(
        lost.filter(status=held).update(status=waiting, claimed_until=None)
        for waiting, held in NEXT.items()
    )


def wait_for_turn(rollout: Rollout) -> None:
    """Sleeps so that all workers together begin no more than `per_minute`."""
    gap = 60.0 / rollout.per_minute
    with connection.cursor() as cursor:
        cursor.execute(TURN, [gap, rollout.pk, gap])
        (seconds,) = cursor.fetchone()
    if seconds > 0:
        time.sleep(min(float(seconds), 60.0))


def wanted(rollout: Rollout) -> RolloutPlace.Status | None:
    """What lanes are to take; None where they are to rest."""
    match rollout.status:
        case Rollout.Status.RUNNING | Rollout.Status.WATCHING:
            return Status.WAITING
        case Rollout.Status.RETURNING:
            return Status.BACK
    return None
