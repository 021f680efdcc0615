"""A tenant's decisions judged again, batch by batch, with what was found kept in its own run."""

from collections.abc import Callable, Sequence
from typing import Any

from django.utils import timezone

from controlplane.policies.contexts import get_context
from controlplane.policies.judging import RuleSet
from controlplane.policies.models import SimulationFlip, SimulationRun
from controlplane.policies.simulation import Rejudged, Tally, decided_before, rejudged

BATCH = 250
MOST_FLIPS_KEPT = 20_000
Status = SimulationRun.Status
Told = Callable[[int, Tally], bool]
"""Told of the total and what was counted so far, after each batch; False ends it."""


def judge_history(
    run: SimulationRun,
    *,
    about: str,
    rule_sets: Sequence[RuleSet],
    told: Told = lambda _total, _tally: True,
) -> bool:
    """Judge what was decided about this context since the run's time, in the tenant that is
    entered. Returns whether it came to its end, which is False where somebody stopped it.
    """
    context = get_context(about)
    # What is decided meanwhile is no part of it.
    decisions = decided_before(about, since=run.since).filter(decided_at__lte=run.created_at)
    update_run(run, status=Status.RUNNING, total=decisions.count())
    tally, kept = Tally(), 0
    if not told(run.total, tally):
        return False
    last: tuple[Any, Any] | None = None
    while True:
        page = decisions if last is None else decisions.before(*last)
        batch = list(page[:BATCH])
        if not batch:
            break
        flips = []
        for decision in batch:
            each = rejudged(context, rule_sets, decision)
            tally.add(each)
            if each.is_flip:
                flips.append(each)
        SimulationFlip.objects.bulk_create(
            _row(run, each) for each in flips[: MOST_FLIPS_KEPT - kept]
        )
        kept += len(flips)
        last = (batch[-1].decided_at, batch[-1].pk)
        if not _still_wanted(run, tally) or not told(run.total, tally):
            return False
    update_run(run, status=Status.DONE, finished_at=timezone.now(), total=tally.done)
    return run.status == Status.DONE


def update_run(run: SimulationRun, **values: Any) -> None:
    """One that was cancelled stays so."""
    for name, value in values.items():
        setattr(run, name, value)
    SimulationRun.objects.filter(pk=run.pk).exclude(status=Status.CANCELLED).update(
        **values, updated_at=timezone.now()
    )
    run.refresh_from_db()


def _still_wanted(run: SimulationRun, tally: Tally) -> bool:
    changed = SimulationRun.objects.filter(pk=run.pk, status=Status.RUNNING).update(
        **vars(tally), updated_at=timezone.now()
    )
    return bool(changed)


def _row(run: SimulationRun, each: Rejudged) -> SimulationFlip:
    return SimulationFlip(
        run=run,
        decision_id=each.decision.pk,
        subject_type=each.decision.subject_type,
        subject_id=each.decision.subject_id,
        decided_at=each.decision.decided_at,
        before=each.before,
        after=each.after,
        codes=[reason["code"] for reason in each.judged.reasons],
        minor=each.minor,
        currency=each.currency,
    )
