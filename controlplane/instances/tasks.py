from typing import Any

from celery import shared_task

from controlplane.instances import services


@shared_task(name="instances.check_health", queue="default")
def check_health(**_: Any) -> None:
    services.check_all_health()
