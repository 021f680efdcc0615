"""A tenant's limits, and counters as they were before anybody asked for anything."""

from django.core.cache import cache

from tenants import lookup
from tenants.limits import admission, rates
from tenants.models import Quota, Tenant


def limit(tenant: Tenant, resource: str, amount: int) -> None:
    Quota.objects.update_or_create(tenant=tenant, resource=resource, defaults={"amount": amount})
    tenant.__dict__.pop("allowances", None)
    lookup.forget_tenants()


def forget_counts() -> None:
    """Redis outlives a test that the database rolls back."""
    rates._storage().reset()
    admission._refused.clear()
    cache.clear()
