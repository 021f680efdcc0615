"""Domains of a tenant's own, beside the host below the platform's that each has."""

from django.db import IntegrityError, transaction

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from tenants import lookup
from tenants.context import inside
from tenants.models import Domain, Tenant
from tenants.provisioning.names import check_domain, domain_taken


class DomainStays(DomainError):
    code = "domain_stays"
    status = 409
    title = "This domain stays with the tenant"


def add_domain(*, tenant: Tenant, domain: str, by: Actor) -> Domain:
    """The tenant answers under this host too, once DNS and ALLOWED_HOSTS lead it here.

    One that it has already is returned. Raises DomainRefused, DomainTaken.
    """
    host = check_domain(domain)
    with transaction.atomic():
        try:
            with transaction.atomic():
                row, is_new = Domain.objects.get_or_create(
                    domain=host, defaults={"tenant": tenant, "is_primary": False}
                )
        except IntegrityError as error:
            raise domain_taken(host) from error
        if row.tenant_id != tenant.pk:
            raise domain_taken(host)
        if is_new:
            _note("tenant.domain_added", tenant, host, by)
    lookup.forget_tenants()
    return row


def remove_domain(*, tenant: Tenant, domain: str, by: Actor) -> bool:
    """False where the tenant has no such domain. Raises DomainStays for its primary one."""
    with transaction.atomic():
        row = Domain.objects.filter(tenant=tenant, domain=domain.lower()).first()
        if row is None:
            return False
        if row.is_primary:
            raise DomainStays(f"{row.domain} is what {tenant} is reached by: it needs one.")
        row.delete()
        _note("tenant.domain_removed", tenant, row.domain, by)
    lookup.forget_tenants()
    return True


def _note(action: str, tenant: Tenant, host: str, by: Actor) -> None:
    with inside(tenant):
        record(
            action=action,
            subject_type="tenant",
            subject_id=str(tenant.pk),
            data={"domain": host},
            by=by,
        )
