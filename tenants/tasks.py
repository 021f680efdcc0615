"""Celery's door to tenants."""

from typing import Any

from celery import shared_task

from controlplane.core.actor import system
from tenants.environments import copying
from tenants.environments import services as environments
from tenants.models import Tenant
from tenants.provisioning import provision_tenant


@shared_task(name="tenants.provision")
def provision(*, tenant_id: str, by: str, **_: Any) -> None:
    provision_tenant(Tenant.objects.get(pk=tenant_id), by=system(f"provisioning for {by}"))


@shared_task(name="tenants.make_sandbox")
def make_sandbox(*, tenant_id: str, by: str, **_: Any) -> None:
    environments.make_now(Tenant.objects.get(pk=tenant_id), by=system(f"sandbox for {by}"))


@shared_task(name="tenants.reset_sandbox")
def reset_sandbox(*, tenant_id: str, by: str, **_: Any) -> None:
    environments.reset_now(Tenant.objects.get(pk=tenant_id), by=system(f"sandbox for {by}"))


@shared_task(name="tenants.remove_sandbox")
def remove_sandbox(*, tenant_id: str, by: str, **_: Any) -> None:
    environments.remove_now(Tenant.objects.get(pk=tenant_id), by=system(f"sandbox for {by}"))


@shared_task(name="tenants.copy_to_sandbox")
def copy_to_sandbox(*, tenant_id: str, what: str, by: str, **_: Any) -> None:
    copying.copy_now(Tenant.objects.get(pk=tenant_id), what.split(), by=system(f"copy for {by}"))
