"""Rules for many tried over the history of every tenant that they bind, tenant by tenant.

Each is entered on its own with its own role. There the run, its flips and its money are kept, as a
simulation of the tenant's own rules is, and end with its retention. Out of it come counts.
"""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor, ActorKind
from controlplane.core.errors import FieldError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.logs import get_logger
from controlplane.core.withholding import noting_payload, withholding_payload
from controlplane.policies.models import (
    LayerPolicy,
    LayerSimulation,
    LayerSimulationPart,
    LayerVersion,
    PublishingTerms,
    SimulationRun,
)
from controlplane.policies.services.decisions import key_of, rule_sets_in_force
from controlplane.policies.services.history import MOST_FLIPS_KEPT, judge_history, update_run
from controlplane.policies.services.layer_drafts import layer_draft, record_layer
from controlplane.policies.services.layer_flips import candidate_of, tenants_bound_by
from controlplane.policies.services.rules import check_rules
from controlplane.policies.services.simulating import (
    GIVEN_UP_AFTER,
    MOST_DAYS,
    HistoryTooLong,
    SimulationUnknown,
)
from controlplane.policies.simulation import Tally, decided_before, hash_of_rules, with_candidate
from tenants import lookup
from tenants.context import inside, outside
from tenants.models import Partner, Tenant
from tenants.payload_access import note_read

TASK = "policies.simulate_layer"
LAYER_DAYS = 30
AT_ONCE = 25
"""So many tenants a task does, and the next goes on: no worker is held for the whole fleet."""
PLATFORM = "Pergola"
Status = SimulationRun.Status
_UNDER_WAY = [Status.QUEUED, Status.RUNNING]

log = get_logger(__name__)


def get_layer_simulation(
    run_id: uuid.UUID, *, owners: Collection[Partner] | None = None
) -> LayerSimulation:
    """`owners`: anybody else's is not there. Raises SimulationUnknown."""
    found = LayerSimulation.objects.select_related("policy__partner", "version").filter(pk=run_id)
    if owners is not None:
        found = found.filter(policy__partner__in=[each.pk for each in owners])
    if (run := found.first()) is None:
        raise SimulationUnknown(f"There is no simulation {run_id}.")
    return run


@transaction.atomic
def start_layer_simulation(
    *,
    policy: LayerPolicy,
    version: LayerVersion | None = None,
    days: int = LAYER_DAYS,
    by: Actor,
) -> LayerSimulation:
    """Judge the last days of every bound tenant again by the version, or by the draft where none is
    given; a task does it. Raises HistoryTooLong and what `check_rules` raises.
    """
    if not 1 <= days <= MOST_DAYS:
        raise HistoryTooLong(
            f"Choose 1 to {MOST_DAYS} days.", errors=(FieldError("days", "is out of range"),)
        )
    rules = version.rules if version else layer_draft(policy)[0]
    check_rules(rules, context=policy.context)
    run = LayerSimulation.objects.create(
        policy=policy,
        version=version,
        rules=rules,
        rules_sha256=hash_of_rules(rules),
        since=timezone.now() - timedelta(days=days),
        asked_by=by.label,
        asked_by_id=key_of(by),
    )
    LayerSimulationPart.objects.bulk_create(
        LayerSimulationPart(run=run, tenant=tenant) for tenant in tenants_bound_by(policy)
    )
    told = {"simulation": str(run.pk), "days": days, "rules_sha256": run.rules_sha256}
    record_layer("simulated", policy, told, by)
    enqueue_on_commit(TASK, run_id=str(run.pk))
    return run


def run_layer_simulation(run_id: uuid.UUID) -> LayerSimulation:
    """Go through the next tenants that are not done; another task goes on after these. Run again,
    as after a worker was lost, it goes on with the tenant at which it was. Called outside of any
    tenant.
    """
    run = get_layer_simulation(run_id)
    if not _goes_on(run, status=Status.RUNNING):
        return get_layer_simulation(run_id)
    waiting = run.parts.filter(status__in=_UNDER_WAY).select_related("tenant")
    for part in list(waiting.order_by("tenant__slug")[:AT_ONCE]):
        if not _goes_on(run):
            break
        try:
            _judge_tenant(run, part)
        except Exception as error:  # each tenant on its own: what failed is told, by its kind only
            log.exception("policies.layer_simulation_failed", tenant=part.tenant.slug)
            _put(part, status=Status.FAILED, error=type(error).__name__)
    if run.parts.filter(status__in=_UNDER_WAY).exists() and _goes_on(run):
        enqueue_on_commit(TASK, run_id=str(run.pk))
    else:
        _finish(run)
    return get_layer_simulation(run_id)


@transaction.atomic
def cancel_layer_simulation(*, run: LayerSimulation, by: Actor) -> None:
    stopped = LayerSimulation.objects.filter(pk=run.pk, status__in=_UNDER_WAY).update(
        status=Status.CANCELLED, error=f"Stopped by {by.label}.", updated_at=timezone.now()
    )
    if stopped:
        run.parts.filter(status__in=_UNDER_WAY).update(status=Status.CANCELLED)
        record_layer("simulation_stopped", run.policy, {"simulation": str(run.pk)}, by)


def give_up_lost_layer_simulations() -> int:
    """Those that no worker has touched for long. Returns how many."""
    return LayerSimulation.objects.filter(
        status__in=_UNDER_WAY, updated_at__lt=timezone.now() - GIVEN_UP_AFTER
    ).update(status=Status.FAILED, error="Its worker was lost. Start it again.")


def money_in(
    run: LayerSimulation, tenants: Collection[Tenant], *, by: Actor
) -> dict[uuid.UUID, dict[str, dict[str, int]]]:
    """What would be held and released, by tenant and currency, in minor units. Each of these is
    entered: only those in which `by` may see customer data, and each one's trail says that it was
    looked at.
    """
    keys = dict(run.parts.values_list("tenant", "pk"))
    found = {}
    for tenant in tenants:
        if tenant.pk not in keys:
            continue
        try:
            place = lookup.tenant_by_schema(tenant.schema_name)
        except lookup.TenantUnknown:  # suspended or gone since
            continue
        with inside(place), withholding_payload(False), noting_payload() as seen:
            own = SimulationRun.objects.filter(pk=keys[tenant.pk]).first()
            if own is not None and own.money:
                found[tenant.pk] = own.money
                note_read("layer_simulation", str(run.pk), seen, by=by)
    return found


def _judge_tenant(run: LayerSimulation, part: LayerSimulationPart) -> None:
    policy = run.policy
    tenant = lookup.tenant_by_schema(part.tenant.schema_name)
    with inside(tenant):
        terms = PublishingTerms.current()
        window = run.created_at - timedelta(days=terms.history_days)
        # As far back as its terms say, so that what is found speaks for the threshold.
        own = _begun(run, part, since=min(run.since, window))
        _put(part, status=Status.RUNNING, threshold=terms.flip_percent)
        candidate = candidate_of(policy, run.rules, run.version)
        in_force = rule_sets_in_force(policy.context)
        rule_sets = with_candidate(in_force, candidate, policy.live_version)

        def told(total: int, tally: Tally) -> bool:
            counted = {name: value for name, value in vars(tally).items() if name != "money"}
            _put(part, total=total, **counted)
            return _goes_on(run)

        try:
            is_done = judge_history(own, about=policy.context, rule_sets=rule_sets, told=told)
        except Exception as error:
            update_run(own, status=Status.FAILED, error=f"{type(error).__name__}: {error}"[:2000])
            raise
        if not is_done:
            update_run(own, status=Status.CANCELLED)
        judged, flips = _within(own, policy.context, window)
    if is_done:
        _put(
            part,
            status=Status.DONE,
            total=own.total,
            judged_by_terms=judged,
            flips_by_terms=flips,
        )
    else:
        _put(part, status=Status.CANCELLED, error=own.error)


def _within(own: SimulationRun, about: str, window: datetime) -> tuple[int, int]:
    """Of what the run judged, how much is of since then, and how much of that flipped."""
    judged = decided_before(about, since=window).filter(decided_at__lte=own.created_at).count()
    if own.flips > MOST_FLIPS_KEPT:  # the oldest were not kept: rather too many than too few
        return judged, min(own.flips, judged)
    return judged, own.found.filter(decided_at__gte=window).count()


@transaction.atomic
def _begun(run: LayerSimulation, part: LayerSimulationPart, *, since: datetime) -> SimulationRun:
    """The tenant's own run, anew, and in its trail who has its decisions judged again."""
    policy = run.policy
    SimulationRun.objects.filter(pk=part.pk).delete()
    owner = str(policy.partner or PLATFORM)
    own = SimulationRun.objects.create(
        pk=part.pk,
        layer=policy.layer,
        owner=owner,
        title=policy.title,
        rules=[],
        rules_sha256=run.rules_sha256,
        since=since,
        asked_by=run.asked_by,
    )
    kind, _sep, name = run.asked_by_id.partition(":")
    record(
        action="policy.layer_simulated",
        subject_type="simulation",
        subject_id=str(own.pk),
        data={"layer": policy.layer, "owner": owner, "title": policy.title},
        by=Actor(ActorKind(kind), name, run.asked_by),
    )
    return own


def _finish(run: LayerSimulation) -> None:
    undone = run.parts.exclude(status=Status.DONE).count()
    ended: dict[str, Any] = {"status": Status.DONE, "error": ""}
    if undone:
        ended = {
            "status": Status.FAILED,
            "error": f"{undone} of {run.parts.count()} tenants were not judged to the end.",
        }
    _goes_on(run, finished_at=timezone.now(), **ended)


def _goes_on(run: LayerSimulation, **values: Any) -> bool:
    """Whether nobody stopped it, which also says that a worker is at it."""
    with outside():
        still = LayerSimulation.objects.filter(pk=run.pk, status__in=_UNDER_WAY)
        return bool(still.update(**values, updated_at=timezone.now()))


def _put(part: LayerSimulationPart, **values: Any) -> None:
    with outside():
        LayerSimulationPart.objects.filter(pk=part.pk).update(**values, updated_at=timezone.now())
