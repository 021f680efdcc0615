"""Celery's door to tenants."""

from typing import Any

from celery import shared_task

from controlplane.core.actor import system
from tenants.fleet import run_everywhere
from tenants.health import refresh_health
from tenants.models import Tenant
from tenants.provisioning import provision_tenant


@shared_task(name="tenants.provision")
def provision(*, tenant_id: str, by: str, **_: Any) -> None:
    provision_tenant(Tenant.objects.get(pk=tenant_id), by=system(f"provisioning for {by}"))


@shared_task(name="tenants.refresh_health_everywhere")
def refresh_health_everywhere(**_: Any) -> None:
    run_everywhere(refresh_health)
