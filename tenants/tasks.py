"""Celery's door to tenants."""

from typing import Any

from celery import shared_task

from controlplane.core.actor import system
from tenants.leaving import remove_tenant
from tenants.leaving.removal import enqueue_due
from tenants.models import Tenant
from tenants.provisioning import provision_tenant
from tenants.provisioning.creation import resume_interrupted
from tenants.provisioning.spares import fill_pool as fill


@shared_task(name="tenants.provision")
def provision(*, tenant_id: str, by: str, **_: Any) -> None:
    provision_tenant(Tenant.objects.get(pk=tenant_id), by=system(f"provisioning for {by}"))


@shared_task(name="tenants.fill_pool")
def fill_pool(**_: Any) -> None:
    fill()


@shared_task(name="tenants.resume_provisioning")
def resume_provisioning(**_: Any) -> None:
    resume_interrupted()


@shared_task(name="tenants.remove")
def remove(*, slug: str, **_: Any) -> None:
    remove_tenant(slug=slug, by=system("removal"))


@shared_task(name="tenants.remove_due")
def remove_due(**_: Any) -> None:
    enqueue_due()
