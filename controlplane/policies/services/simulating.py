"""Simulations: asked for, run by a task with progress, kept with what they found."""

import uuid
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.policies.judging import OWN, RuleSet
from controlplane.policies.models import (
    Policy,
    PolicyVersion,
    PublishingTerms,
    SimulationRun,
)
from controlplane.policies.services.decisions import rule_sets_in_force
from controlplane.policies.services.drafts import draft_of
from controlplane.policies.services.history import judge_history, update_run
from controlplane.policies.services.rules import check_rules
from controlplane.policies.simulation import (
    decided_before,
    hash_of_rules,
    with_candidate,
)

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

    Run again, as after a worker was lost, it begins anew. One that was cancelled ends; one of rules
    from above is `layer_simulating`'s.
    """
    run = get_run(run_id)
    if run.status not in {Status.QUEUED, Status.RUNNING} or run.layer:
        return run
    run.found.all().delete()
    try:
        _judge_all(run)
    except Exception as error:
        update_run(run, status=Status.FAILED, error=f"{type(error).__name__}: {error}"[:2000])
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
            subject_id=str(run.policy_id or run.pk),
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
    assert policy is not None  # rules from above are tried by `layer_simulating`
    key = str(run.version_id or "")
    number = run.version.number if run.version else 0
    candidate = RuleSet(key, number, OWN, policy.slug, run.rules)
    rule_sets = with_candidate(rule_sets_in_force(policy.context), candidate, policy.live_version)
    judge_history(run, about=policy.context, rule_sets=rule_sets)
