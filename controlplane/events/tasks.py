"""Celery's door to events."""

from typing import Any

from celery import shared_task

from controlplane.events.reconciling import reconcile
from tenants.fleet import run_everywhere


@shared_task(name="events.reconcile_everywhere")
def reconcile_everywhere(**_: Any) -> None:
    run_everywhere(reconcile)
