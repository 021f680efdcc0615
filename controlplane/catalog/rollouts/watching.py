"""What the tenants of a ring have seen since the upgrade, as the gate is to judge it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from controlplane.catalog.models import Installation, Rollout, RolloutPlace
from controlplane.catalog.models.rollouts import SANDBOXES
from controlplane.catalog.rollouts.gate import Judged, Limits, Seen, judge
from controlplane.core.errors import DomainError
from controlplane.core.logs import get_logger
from controlplane.events.models import ExceptionCase
from controlplane.instances.client.executions import Execution, ExecutionStatus
from controlplane.instances.models import Workspace
from controlplane.instances.services import client_for
from tenants import lookup
from tenants.context import inside

Status = RolloutPlace.Status
# So many runs of one installation are looked at; they are the newest.
RUNS = 50
# So many single times of one installation are kept, so that a busy one does not speak for all.
TIMES = 20
FAILED = {ExecutionStatus.ERROR, ExecutionStatus.CRASHED}
UPGRADED = (Status.DONE, Status.EDITED)
TRIED = (*UPGRADED, Status.FAILED)
WAITING = (Status.HELD, Status.ASKED, Status.DECLINED)

log = get_logger(__name__)


def look(rollout: Rollout, *, most: int) -> None:
    """Measure anew the `most` installations of the ring that were looked at longest ago.

    One that cannot be asked keeps what was seen before.
    """
    ring = rollout.places.filter(ring=rollout.ring, status=Status.DONE)
    for place in ring.select_related("tenant").order_by("updated_at")[:most]:
        try:
            with inside(lookup.tenant_by_schema(place.tenant.schema_name)):
                found = _measured(place)
        except DomainError as error:
            log.info("rollout.not_seen", place_id=str(place.pk), why=error.detail[:200])
            found = {}
        # Only where it stands as it stood: it may be on its way back by now.
        RolloutPlace.objects.filter(pk=place.pk, status=Status.DONE).update(
            measures={**place.measures, **found}, updated_at=timezone.now()
        )


def judged(rollout: Rollout) -> Judged:
    return judge(seen(rollout, rollout.ring), limits_of(rollout))


def seen(rollout: Rollout, ring: int) -> Seen:
    found = list(
        rollout.places.filter(ring=ring, status__in=[*TRIED, *WAITING]).values_list(
            "status", "measures"
        )
    )
    waiting = sum(status in WAITING for status, _measures in found)
    failed = sum(status == Status.FAILED for status, _measures in found)
    measures: Sequence[dict[str, Any]] = [m for status, m in found if status in UPGRADED]
    return Seen.of(measures, tried=len(found) - waiting, failed=failed, waiting=waiting)


def limits_of(rollout: Rollout) -> Limits:
    return Limits(
        failed_upgrades=rollout.most_failed_upgrades,
        failed_runs=rollout.most_failed_runs,
        with_exceptions=rollout.most_with_exceptions,
        slower=rollout.most_slower,
        # Nobody works in a sandbox: there the template's cases speak.
        least_runs=0 if rollout.ring == SANDBOXES else rollout.least_runs,
    )


def _measured(place: RolloutPlace) -> dict[str, Any]:
    since = place.upgraded_at or timezone.now()
    installation = Installation.objects.filter(pk=place.installation_id).first()
    if installation is None or not installation.workflow_id:
        return {}
    with client_for(Workspace.current(), tries=1) as n8n:
        runs = [
            run
            for run in n8n.list_executions(workflow_id=installation.workflow_id, limit=RUNS)
            if run.started_at is not None
        ]
    after = [run for run in runs if _began(run) >= since and run.has_ended]
    before = [run for run in runs if _began(run) < since and run.has_ended]
    exceptions = ExceptionCase.objects.filter(
        installation_id=place.installation_id, opened_at__gte=since
    )
    return {
        "runs": len(after),
        "failed": sum(run.status in FAILED for run in after),
        "runs_before": len(before),
        "failed_before": sum(run.status in FAILED for run in before),
        "exceptions": exceptions.count(),
        "ms": _times(after),
        "ms_before": _times(before),
    }


def _began(run: Execution) -> datetime:
    assert run.started_at is not None
    return run.started_at


def _times(runs: Sequence[Execution]) -> list[int]:
    """Milliseconds of those that ended well."""
    return [
        round((run.stopped_at - _began(run)).total_seconds() * 1000)
        for run in runs
        if run.status == ExecutionStatus.SUCCESS and run.stopped_at is not None
    ][:TIMES]
