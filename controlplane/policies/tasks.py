"""Celery's door to policies."""

import uuid
from typing import Any

from celery import shared_task

from controlplane.policies import services
from tenants.fleet import run_everywhere


@shared_task(name="policies.simulate")
def simulate(*, run_id: str, **_: Any) -> None:
    services.run_simulation(uuid.UUID(run_id))


@shared_task(name="policies.simulate_layer")
def simulate_layer(*, run_id: str, **_: Any) -> None:
    services.run_layer_simulation(uuid.UUID(run_id))


@shared_task(name="policies.publish_due_everywhere")
def publish_due_everywhere(**_: Any) -> None:
    services.publish_due_layers()
    run_everywhere(services.publish_due)


@shared_task(name="policies.give_up_lost_runs_everywhere")
def give_up_lost_runs_everywhere(**_: Any) -> None:
    services.give_up_lost_layer_simulations()
    run_everywhere(services.give_up_lost_runs)
