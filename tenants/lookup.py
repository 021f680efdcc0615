"""From a host, a slug, a schema or a key to the tenant.

A process keeps what it found for a few seconds: the question is asked on every request, and a
suspended tenant may be served that much longer.
"""

import time
from collections.abc import Callable
from functools import wraps

from django.http.request import split_domain_port
from django.utils import timezone

from controlplane.core.errors import DomainError
from tenants.context import outside
from tenants.models import ApiKey, Tenant
from tenants.models.keys import KeyText

KEPT_FOR_SECONDS = 5.0


class TenantUnknown(DomainError):
    code = "tenant_unknown"
    status = 404
    title = "No such tenant"


class KeyRefused(DomainError):
    code = "key_refused"
    status = 401
    title = "The API key was refused"


_clearers: list[Callable[[], None]] = []


def _kept(find: Callable[[str], Tenant]) -> Callable[[str], Tenant]:
    found: dict[str, tuple[float, Tenant]] = {}
    _clearers.append(found.clear)

    @wraps(find)
    def wrapper(name: str) -> Tenant:
        now = time.monotonic()
        if (hit := found.get(name)) and now - hit[0] < KEPT_FOR_SECONDS:
            return hit[1]
        with outside():
            tenant = find(name)
        found[name] = (now, tenant)
        return tenant

    return wrapper


def forget_tenants() -> None:
    """Drop what this process remembers; called when a tenant is saved here."""
    for clear in _clearers:
        clear()


def _one(name: str, **lookup: str) -> Tenant:
    try:
        tenant = Tenant.objects.active().select_related("sandbox_of").get(**lookup)
        # Where production is taken out of service, so is its sandbox.
        if tenant.customer.status != Tenant.Status.ACTIVE:
            raise Tenant.DoesNotExist
        # Kept on the rows: inside the tenant, shared tables cannot be read.
        for row in (tenant, tenant.customer, tenant.sandbox):
            _ = row and (row.host, row.allowances)
        return tenant
    except Tenant.DoesNotExist:
        raise TenantUnknown(
            f"There is no active tenant “{name}”. Check the address; a tenant that was suspended "
            "or is still being set up does not answer."
        ) from None


@_kept
def tenant_by_slug(slug: str) -> Tenant:
    """Raises TenantUnknown."""
    return _one(slug, slug=slug)


@_kept
def tenant_by_schema(schema: str) -> Tenant:
    """Raises TenantUnknown."""
    return _one(schema, schema_name=schema)


@_kept
def tenant_by_host(host: str) -> Tenant:
    """From a Host header, with or without a port. Raises TenantUnknown."""
    name = split_domain_port(host)[0]
    return _one(name, domains__domain=name)


def key_from_text(text: str) -> ApiKey:
    """The usable key that `pgl_<environment>_<prefix>_<secret>` names, its tenant loaded.

    Raises KeyRefused, also where the environment is another than the tenant's. A key of before
    keys named it is taken without.
    """
    parsed = KeyText.parse(text)
    key = (
        ApiKey.objects.usable(at=timezone.now())
        .select_related("tenant")
        .filter(prefix=parsed.prefix, tenant__status=Tenant.Status.ACTIVE)
        .first()
        if parsed
        else None
    )
    if key is None or parsed is None or not key.matches(parsed):
        raise KeyRefused(
            "This API key is unknown, was revoked or has expired. Ask for a new one in the portal "
            "under “API keys” and put it into the Pergola credential."
        )
    key.tenant = tenant_by_schema(key.tenant.schema_name)
    return key
