"""The shared rows that say that there is to be a tenant, and who leads it."""

from dataclasses import dataclass

from django.db import IntegrityError, transaction

from controlplane.core.errors import DomainError, FieldError
from tenants.models import Domain, Engagement, Ownership, Partner, Tenant
from tenants.provisioning.names import (
    check_slug,
    domain_taken,
    platform_domain,
    schema_named,
)
from tenants.provisioning.steps import plan_steps


class PartnerTaken(DomainError):
    code = "tenant_led_by_other_partner"
    status = 409
    title = "The tenant is led by another partner"


class TenantLeaving(DomainError):
    code = "tenant_leaving"
    status = 409
    title = "The tenant is leaving"


class SandboxNotPossible(DomainError):
    code = "sandbox_not_possible"
    status = 409
    title = "There can be no such sandbox"


@dataclass(frozen=True)
class Wanted:
    """What is asked for: a production with the partner that leads it, or a sandbox with neither."""

    slug: str
    name: str
    partner: Partner | None = None
    language: str = "en"
    time_zone: str = "UTC"
    region: str = ""
    sandbox_of: Tenant | None = None


def start_tenant(
    *,
    slug: str,
    name: str,
    partner: Partner | None = None,
    language: str = "en",
    time_zone: str = "UTC",
    region: str = "",
    sandbox_of: Tenant | None = None,
) -> Tenant:
    """The rows that say that there is to be a tenant; `provision_tenant` does the rest.

    Asked for again by the same partner it is the same tenant; of two at once one makes it, and the
    other gets it or hears why not. A sandbox has no partner: its production's leads there too.
    Raises SlugRefused, DomainTaken, PartnerTaken, SandboxNotPossible, TenantLeaving.
    """
    wanted = Wanted(slug, name, partner, language, time_zone, region, sandbox_of)
    check(wanted)
    with transaction.atomic():
        tenant, is_new = insert_tenant(wanted, using="default")
        if is_new:
            furnish(tenant, partner, using="default")
        plan_steps(tenant)
    return tenant


def check(wanted: Wanted) -> None:
    """What can be seen without writing. Raises SlugRefused, PartnerTaken, SandboxNotPossible."""
    check_slug(wanted.slug, sandbox_of=wanted.sandbox_of)
    _assert_owned(wanted)


def insert_tenant(wanted: Wanted, *, using: str) -> tuple[Tenant, bool]:
    """In a transaction of this connection: the tenant, and whether it was made here.

    Raises PartnerTaken, SandboxNotPossible, TenantLeaving where one is there that cannot be it.
    """
    environments = Tenant.Environment
    tenant = Tenant(
        slug=wanted.slug,
        schema_name=schema_named(wanted.slug),
        name=wanted.name,
        language=wanted.language,
        time_zone=wanted.time_zone,
        region=wanted.region,
        environment=environments.SANDBOX if wanted.sandbox_of else environments.PRODUCTION,
        sandbox_of=wanted.sandbox_of,
        # Said here, since the row is not read back.
        schema_fingerprint="",
        release="",
    )
    # Waits for whoever is just making the same, and then finds it.
    Tenant.objects.using(using).bulk_create([tenant], ignore_conflicts=True)
    there = Tenant.objects.using(using).filter(slug=wanted.slug)
    if there.values_list("pk", flat=True).first() == tenant.pk:
        return tenant, True
    found = there.first()
    if found is None:
        raise SandboxNotPossible(f"{wanted.sandbox_of} has a sandbox under another name already.")
    _assert_same(found, wanted)
    return found, False


def _assert_owned(wanted: Wanted) -> None:
    production = wanted.sandbox_of
    if production is None:
        if wanted.partner is None:
            raise ValueError("a tenant needs the partner that leads it")
    elif wanted.partner not in (None, production.lead_partner):
        raise PartnerTaken(
            f"{production} is led by {production.lead_partner}, and so is its sandbox."
        )
    elif production.is_sandbox or production.status != Tenant.Status.ACTIVE:
        raise SandboxNotPossible(
            f"{production} is {production.get_environment_display()} and "
            f"{production.get_status_display()}: only an active production can have a sandbox."
        )


def furnish(tenant: Tenant, partner: Partner | None, *, using: str) -> None:
    """A new tenant's host and lead; reads nothing. Raises DomainTaken."""
    host = platform_domain(tenant.slug)
    domain = Domain(domain=host, tenant=tenant, is_primary=True)
    try:
        # Not by save(), which asks what other domains a new tenant may have.
        Domain.objects.using(using).bulk_create([domain])
    except IntegrityError as error:
        raise domain_taken(host) from error
    if partner is None:
        return
    engagement = Engagement(partner_id=partner.pk, tenant=tenant, is_lead=True)
    engagement.save(using=using, force_insert=True)
    # Who leads a new tenant owns all of its work, until somebody else is engaged.
    Ownership.objects.using(using).bulk_create(
        Ownership(engagement=engagement, tenant=tenant, area=area) for area in Ownership.Area.values
    )


def _assert_same(tenant: Tenant, wanted: Wanted) -> None:
    if tenant.status == Tenant.Status.LEAVING:
        raise TenantLeaving(
            f"{tenant} is leaving. Take it back, or wait until it is removed.",
            errors=(FieldError("slug", "is a leaving tenant's"),),
        )
    production = wanted.sandbox_of
    if tenant.sandbox_of_id != (production.pk if production else None):
        raise SandboxNotPossible(
            f"{tenant.slug} is there already, and is no sandbox of {production}.",
            errors=(FieldError("slug", "is another tenant's"),),
        )
    if wanted.partner is not None and tenant.lead_partner != wanted.partner:
        raise PartnerTaken(
            f"{tenant} is led by {tenant.lead_partner}. Change the engagement first.",
            errors=(FieldError("slug", "is another partner's tenant"),),
        )
