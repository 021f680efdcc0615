"""Celery's door to the catalog."""

import uuid
from typing import Any

from celery import shared_task

from controlplane.catalog import deploy as deployment
from controlplane.catalog import writing
from controlplane.catalog.trying import sandbox


@shared_task(name="catalog.deploy")
def deploy(*, installation_id: str, **_: Any) -> None:
    deployment.deploy(uuid.UUID(installation_id))


@shared_task(name="catalog.write_parameters")
def write_parameters(*, installation_id: str, **_: Any) -> None:
    writing.write_parameters(uuid.UUID(installation_id))


@shared_task(name="catalog.run_cases")
def run_cases(*, installation_id: str, **_: Any) -> None:
    sandbox.carry_out_dry_run(uuid.UUID(installation_id))
