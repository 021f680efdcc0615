"""Celery's door to the catalog."""

import uuid
from typing import Any

from celery import shared_task

from controlplane.catalog import deploy as deployment
from controlplane.catalog import writing
from controlplane.catalog.rollouts import driving
from controlplane.catalog.trying import sandbox, trials
from controlplane.catalog.upgrades import applying, drift
from controlplane.core.jobs import enqueue_on_commit
from tenants.fleet import run_everywhere


@shared_task(name="catalog.deploy")
def deploy(*, installation_id: str, **_: Any) -> None:
    deployment.deploy(uuid.UUID(installation_id))


@shared_task(name="catalog.write_parameters")
def write_parameters(*, installation_id: str, **_: Any) -> None:
    writing.write_parameters(uuid.UUID(installation_id))


@shared_task(name="catalog.upgrade")
def upgrade(*, upgrade_id: str, **_: Any) -> None:
    applying.run_upgrade(uuid.UUID(upgrade_id))


@shared_task(name="catalog.look")
def look(*, installation_id: str, **_: Any) -> None:
    drift.look_quietly(uuid.UUID(installation_id))


@shared_task(name="catalog.tend_everywhere")
def tend_everywhere(**_: Any) -> None:
    trials.break_off_lost()
    run_everywhere(drift.tend)


@shared_task(name="catalog.run_cases")
def run_cases(*, installation_id: str, **_: Any) -> None:
    sandbox.carry_out_dry_run(uuid.UUID(installation_id))


@shared_task(name="catalog.try_release")
def try_release(*, case_run_id: str, **_: Any) -> None:
    trials.carry_out_trial(uuid.UUID(case_run_id))


@shared_task(name="catalog.advance_rollout")
def advance_rollout(*, rollout_id: str, **_: Any) -> None:
    driving.advance(uuid.UUID(rollout_id))


@shared_task(name="catalog.rollout_lane")
def rollout_lane(*, rollout_id: str, lane: int, **_: Any) -> None:
    left = driving.run_lane(uuid.UUID(rollout_id), lane)
    if left == driving.Left.MORE:
        enqueue_on_commit("catalog.rollout_lane", rollout_id=rollout_id, lane=lane)
    elif left == driving.Left.A_STEP:
        enqueue_on_commit("catalog.advance_rollout", rollout_id=rollout_id)


@shared_task(name="catalog.tend_rollouts")
def tend_rollouts(**_: Any) -> None:
    driving.tend()
