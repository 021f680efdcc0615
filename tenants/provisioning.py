"""From a name to a working tenant. Every step may be repeated, so a crash is mended by a rerun."""

from collections.abc import Callable

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.locks import alone
from tenants import grants, lookup
from tenants.models import Domain, Engagement, Partner, Tenant

Progress = Callable[[str], None]


class PartnerTaken(DomainError):
    code = "tenant_led_by_other_partner"
    status = 409
    title = "The tenant is led by another partner"


# What higher floors add, in the order of their floors: (name, what to do for the tenant).
# A step enters the tenant itself where it needs to, since some need shared tables first.
_steps: list[tuple[str, Callable[[Tenant, Actor], None]]] = []


def register_step(name: str, run: Callable[[Tenant, Actor], None]) -> None:
    """From AppConfig.ready: `run(tenant, by)` once the schema stands; must be repeatable."""
    _steps.append((name, run))


def start_tenant(
    *, slug: str, name: str, partner: Partner, language: str = "en", time_zone: str = "UTC"
) -> Tenant:
    """The rows that say that there is to be a tenant; `provision_tenant` does the rest.

    Raises ValidationError for a bad slug, PartnerTaken.
    """
    tenant, _created = Tenant.objects.get_or_create(
        slug=slug,
        defaults={
            "schema_name": f"t_{slug.replace('-', '_')}",
            "name": name,
            "language": language,
            "time_zone": time_zone,
        },
    )
    lead = tenant.lead_partner
    if lead not in (None, partner):
        raise PartnerTaken(f"{tenant} is led by {lead}. Change the engagement first.")
    Domain.objects.get_or_create(
        domain=f"{slug}.{settings.PLATFORM_HOST}", defaults={"tenant": tenant, "is_primary": True}
    )
    Engagement.objects.get_or_create(partner=partner, tenant=tenant, defaults={"is_lead": True})
    return tenant


def enqueue_provisioning(tenant: Tenant, *, by: Actor) -> None:
    enqueue_on_commit("tenants.provision", tenant_id=str(tenant.pk), by=by.label)


def provision_tenant(
    tenant: Tenant, *, by: Actor, progress: Progress = lambda step: None
) -> Tenant:
    """Schema, role, grants, then the steps of higher floors; finishes what was interrupted.

    Called in no transaction, since steps call the outside world.
    """
    # Asked for twice, the second would create tables that the first is just creating.
    with alone("tenants.provision", str(tenant.pk)):
        progress("schema, role and grants")
        build_schema(tenant)
        for step, run in _steps:
            progress(step)
            run(tenant, by)
    Tenant.objects.filter(pk=tenant.pk).update(status=Tenant.Status.ACTIVE)
    tenant.refresh_from_db()
    lookup.forget_tenants()
    return tenant


def build_schema(tenant: Tenant) -> None:
    """The tenant's schema at the newest migration, with its role and grants."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(tenant.schema_name))
        )
    call_command(
        "migrate_schemas",
        schema_name=tenant.schema_name,
        database="owner",
        interactive=False,
        verbosity=0,
    )
    grants.grant_tenant(tenant)
