"""From a host, a slug, a schema or a key to the tenant.

A process keeps what it found for a few seconds: the question is asked on every request, and a
suspended tenant may be served that much longer.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import wraps

from django.http.request import split_domain_port
from django.utils import timezone

from controlplane.core.errors import DomainError
from tenants.context import outside
from tenants.models import ApiKey, Tenant

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
        tenant = Tenant.objects.active().get(**lookup)
        # Kept on the row: inside the tenant neither can be read.
        _ = tenant.host, tenant.allowances
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
    """The usable key that `pgl_<prefix>_<secret>` names, its tenant loaded. Raises KeyRefused."""
    kind, _sep, rest = text.partition("_")
    prefix, _sep, secret = rest.partition("_")
    key = (
        ApiKey.objects.usable(at=timezone.now())
        .select_related("tenant")
        .filter(prefix=prefix, tenant__status=Tenant.Status.ACTIVE)
        .first()
        if kind == "pgl"
        else None
    )
    if key is None or not key.matches(secret):
        raise KeyRefused(
            "This API key is unknown, was revoked or has expired. Ask for a new one in Pergola's "
            "admin and put it into the Pergola credential."
        )
    key.tenant = tenant_by_schema(key.tenant.schema_name)
    _note_use(key)
    return key


def _note_use(key: ApiKey) -> None:
    """So that a person sees which keys are in use; to the minute, to spare the row."""
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > timedelta(minutes=1):
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
