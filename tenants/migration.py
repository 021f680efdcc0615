"""Bringing one tenant's schema up to date, when a person asks for it."""

from django.conf import settings

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.locks import alone
from tenants.context import inside
from tenants.fingerprint import current_fingerprint
from tenants.models import Tenant
from tenants.provisioning import build_schema


def enqueue_migration(tenant: Tenant, *, by: Actor) -> None:
    enqueue_on_commit("tenants.migrate", tenant_id=str(tenant.pk), by=by.label)


def migrate_tenant(tenant: Tenant, *, by: Actor) -> None:
    """Apply what its schema lacks, and note which release it stands at. May be repeated."""
    with alone("tenants.provision", str(tenant.pk)):
        build_schema(tenant)
    Tenant.objects.filter(pk=tenant.pk).update(
        schema_fingerprint=current_fingerprint(), release=settings.RELEASE
    )
    with inside(tenant):
        record(
            action="tenant.migrated",
            subject_type="tenant",
            subject_id=str(tenant.pk),
            data={"release": settings.RELEASE},
            by=by,
        )
