"""Run in the shared schema, where the instances are."""

from typing import Any

from celery import shared_task

from controlplane.core.actor import system
from controlplane.instances import services
from controlplane.instances.models import Instance


@shared_task(name="instances.check_health")
def check_health(**_: Any) -> None:
    services.check_all_health()


@shared_task(name="instances.refresh_workspaces")
def refresh_workspaces(*, instance_id: str, **_: Any) -> None:
    instance = Instance.objects.get(pk=instance_id)
    services.refresh_workspaces(instance=instance, by=system("instances"))
