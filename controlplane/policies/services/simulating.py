"""Simulations: asked for, run by a task with progress, kept with what they found."""

import uuid
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.policies.contexts import get_context
from controlplane.policies.judging import OWN, RuleSet
from controlplane.policies.models import (
    Policy,
    PolicyVersion,
    PublishingTerms,
    SimulationFlip,
    SimulationRun,
)
from controlplane.policies.services.decisions import rule_sets_in_force
from controlplane.policies.services.drafts import draft_of
from controlplane.policies.services.rules import check_rules
from controlplane.policies.simulation import (
    Rejudged,
    Tally,
    decided_before,
    hash_of_rules,
    rejudged,
    with_candidate,
)

BATCH = 250
MOST_FLIPS_KEPT = 20_000
MOST_DAYS = 3650
GIVEN_UP_AFTER = timedelta(minutes=15)
TASK = "policies.simulate"
Status = SimulationRun.Status


class SimulationUnknown(DomainError):
    code = "simulation_unknown"
    status = 404
    title = "No such simulation"


class HistoryTooLong(DomainError):
    code = "simulation_days_invalid"
    status = 422
    title = "So many days cannot be simulated"


def get_run(run_id: uuid.UUID) -> SimulationRun:
    """Raises SimulationUnknown."""
    found = SimulationRun.objects.select_related("policy", "version").filter(pk=run_id).first()
    if found is None:
        raise SimulationUnknown(f"This tenant has no simulation {run_id}.")
    return found


@transaction.atomic
def start_simulation(
    *,
    policy: Policy,
    version: PolicyVersion | None = None,
    days: int | None = None,
    at_once_up_to: int = 0,
    by: Actor,
) -> SimulationRun:
    """Judge the last days again by the version, or by the draft where none is given.

    A task does it, or it is done here where there are no more than `at_once_up_to` decisions.
    Raises HistoryTooLong and what `check_rules` raises.
    """
    days = PublishingTerms.current().history_days if days is None else days
    if not 1 <= days <= MOST_DAYS:
        raise HistoryTooLong(
            f"Choose 1 to {MOST_DAYS} days.", errors=(FieldError("days", "is out of range"),)
        )
    rules = version.rules if version else draft_of(policy)[0]
    check_rules(rules, context=policy.context)
    run = SimulationRun.objects.create(
        policy=policy,
        version=version,
        rules=rules,
        rules_sha256=hash_of_rules(rules),
        since=timezone.now() - timedelta(days=days),
        asked_by=by.label,
    )
    record(
        action="policy.simulated",
        subject_type="policy",
        subject_id=str(policy.pk),
        data={"simulation": str(run.pk), "days": days, "rules_sha256": run.rules_sha256},
        by=by,
    )
    decisions = decided_before(policy.context, since=run.since)
    if at_once_up_to and decisions[: at_once_up_to + 1].count() <= at_once_up_to:
        return run_simulation(run.pk)
    enqueue_on_commit(TASK, run_id=str(run.pk))
    return run


def run_simulation(run_id: uuid.UUID) -> SimulationRun:
    """Do it, and write down every few hundred decisions how far it is.

    Run again, as after a worker was lost, it begins anew. One that was cancelled ends.
    """
    run = get_run(run_id)
    if run.status not in {Status.QUEUED, Status.RUNNING}:
        return run
    run.found.all().delete()
    try:
        _judge_all(run)
    except Exception as error:
        _update(run, status=Status.FAILED, error=f"{type(error).__name__}: {error}"[:2000])
        raise
    return run


@transaction.atomic
def cancel_simulation(*, run: SimulationRun, by: Actor) -> None:
    stopped = SimulationRun.objects.filter(
        pk=run.pk, status__in=[Status.QUEUED, Status.RUNNING]
    ).update(status=Status.CANCELLED, error=f"Stopped by {by.label}.", updated_at=timezone.now())
    if stopped:
        record(
            action="policy.simulation_stopped",
            subject_type="policy",
            subject_id=str(run.policy_id),
            data={"simulation": str(run.pk)},
            by=by,
        )


def give_up_lost_runs() -> int:
    """Those that no worker has touched for long. Returns how many."""
    return SimulationRun.objects.filter(
        status__in=[Status.QUEUED, Status.RUNNING],
        updated_at__lt=timezone.now() - GIVEN_UP_AFTER,
    ).update(status=Status.FAILED, error="Its worker was lost. Start it again.")


def _judge_all(run: SimulationRun) -> None:
    policy = run.policy
    context = get_context(policy.context)
    key = str(run.version_id or "")
    number = run.version.number if run.version else 0
    candidate = RuleSet(key, number, OWN, policy.slug, run.rules)
    rule_sets = with_candidate(rule_sets_in_force(policy.context), candidate, policy.live_version)
    # What is decided meanwhile is no part of it.
    decisions = decided_before(policy.context, since=run.since).filter(
        decided_at__lte=run.created_at
    )
    _update(run, status=Status.RUNNING, total=decisions.count())
    tally, kept = Tally(), 0
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
        if not _still_wanted(run, tally):
            return
    _update(run, status=Status.DONE, finished_at=timezone.now(), total=tally.done)


def _still_wanted(run: SimulationRun, tally: Tally) -> bool:
    changed = SimulationRun.objects.filter(pk=run.pk, status=Status.RUNNING).update(
        **vars(tally), updated_at=timezone.now()
    )
    return bool(changed)


def _update(run: SimulationRun, **values: Any) -> None:
    for name, value in values.items():
        setattr(run, name, value)
    SimulationRun.objects.filter(pk=run.pk).exclude(status=Status.CANCELLED).update(
        **values, updated_at=timezone.now()
    )
    run.refresh_from_db()


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
