"""Celery's door to tenants."""

import uuid
from typing import Any

from celery import shared_task

from controlplane.audit.checkpoints import make_checkpoint
from controlplane.core.actor import system
from tenants import measures, support_access, support_mail
from tenants.environments import copying
from tenants.environments import services as environments
from tenants.fleet import run_everywhere
from tenants.health import refresh_health
from tenants.leaving import remove_tenant
from tenants.leaving.departure import enqueue_unfinished, finish_leaving
from tenants.leaving.removal import enqueue_due
from tenants.migration import migrate_tenant
from tenants.models import Tenant
from tenants.provisioning import provision_tenant
from tenants.provisioning.creation import resume_interrupted
from tenants.provisioning.spares import fill_pool as fill
from tenants.retention.purge import purge_entered_tenant
from tenants.security.retention import forget_old


@shared_task(name="tenants.provision")
def provision(*, tenant_id: str, by: str, **_: Any) -> None:
    provision_tenant(Tenant.objects.get(pk=tenant_id), by=system(f"provisioning for {by}"))


@shared_task(name="tenants.purge")
def purge(**_: Any) -> None:
    # What is not used any more grows old all the same.
    run_everywhere(lambda: purge_entered_tenant(by=system("purge")), suspended=True)


@shared_task(name="tenants.sign_audit")
def sign_audit(**_: Any) -> None:
    # One chain that does not hold keeps no other from being signed.
    try:
        run_everywhere(make_checkpoint, suspended=True)
    finally:
        make_checkpoint()  # of the platform's own


@shared_task(name="tenants.migrate")
def migrate(*, tenant_id: str, by: str, **_: Any) -> None:
    migrate_tenant(Tenant.objects.get(pk=tenant_id), by=system(f"migration for {by}"))


@shared_task(name="tenants.close_support_entries")
def close_support_entries(**_: Any) -> None:
    support_access.close_overdue()


@shared_task(name="tenants.mail_support_entered")
def mail_support_entered(*, entry_id: str, **_: Any) -> None:
    support_mail.mail_entered(uuid.UUID(entry_id))


@shared_task(name="tenants.refresh_health_everywhere")
def refresh_health_everywhere(**_: Any) -> None:
    run_everywhere(refresh_health)


@shared_task(name="tenants.refresh_measures_everywhere")
def refresh_measures_everywhere(**_: Any) -> None:
    measures.refresh_everywhere()


@shared_task(name="tenants.forget_security_events")
def forget_security_events(**_: Any) -> None:
    forget_old()


@shared_task(name="tenants.fill_pool")
def fill_pool(**_: Any) -> None:
    fill()


@shared_task(name="tenants.make_sandbox")
def make_sandbox(*, tenant_id: str, by: str, **_: Any) -> None:
    environments.make_now(Tenant.objects.get(pk=tenant_id), by=system(f"sandbox for {by}"))


@shared_task(name="tenants.reset_sandbox")
def reset_sandbox(*, tenant_id: str, by: str, **_: Any) -> None:
    environments.reset_now(Tenant.objects.get(pk=tenant_id), by=system(f"sandbox for {by}"))


@shared_task(name="tenants.remove_sandbox")
def remove_sandbox(*, tenant_id: str, by: str, **_: Any) -> None:
    # Asked for twice, the second finds it gone.
    for sandbox in Tenant.objects.filter(pk=tenant_id):
        environments.remove_now(sandbox, by=system(f"sandbox for {by}"))


@shared_task(name="tenants.copy_to_sandbox")
def copy_to_sandbox(*, tenant_id: str, what: str, by: str, **_: Any) -> None:
    copying.copy_now(Tenant.objects.get(pk=tenant_id), what.split(), by=system(f"copy for {by}"))


@shared_task(name="tenants.resume_provisioning")
def resume_provisioning(**_: Any) -> None:
    resume_interrupted()
    environments.resume_sandboxes()


@shared_task(name="tenants.remove")
def remove(*, slug: str, **_: Any) -> None:
    remove_tenant(slug=slug, by=system("removal"))


@shared_task(name="tenants.leave")
def leave(*, tenant_id: str, **_: Any) -> None:
    finish_leaving(Tenant.objects.get(pk=tenant_id))


@shared_task(name="tenants.remove_due")
def remove_due(**_: Any) -> None:
    enqueue_unfinished()
    enqueue_due()
