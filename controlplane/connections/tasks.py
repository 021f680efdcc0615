"""Celery's door to connections."""

from typing import Any

from celery import shared_task

from controlplane.connections import services
from tenants.fleet import run_everywhere


@shared_task(name="connections.check_everywhere")
def check_everywhere(**_: Any) -> None:
    run_everywhere(services.enqueue_due)


@shared_task(name="connections.check_due")
def check_due(**_: Any) -> None:
    services.check_due()
