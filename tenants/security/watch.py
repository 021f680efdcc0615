"""What the doors ask about machines and strangers: one call each, noted where it is odd."""

from datetime import timedelta

from django.http import HttpRequest
from django.utils import timezone

from tenants import lookup
from tenants.environments.marks import assert_environment
from tenants.models import ApiKey, SecurityEvent, Tenant
from tenants.models.keys import KeyText
from tenants.security.bursts import Bursts
from tenants.security.events import note
from tenants.security.networks import network_behind, note_network

_bursts = Bursts()


def key_of(request: HttpRequest, text: str) -> ApiKey:
    """The key that the request brought, good for its host.

    Raises KeyRefused, and KeyOfOtherEnvironment where it is the same customer's.
    """
    network = network_behind(request)
    try:
        key = lookup.key_from_text(text)
    except lookup.KeyRefused:
        _note_refusal(request, text, network)
        raise
    host: Tenant | None = getattr(request, "tenant", None)
    if host is not None and host != key.tenant:
        if host.customer_id == key.tenant.customer_id:
            assert_environment(host.environment, key.tenant)
        kind = SecurityEvent.Kind.FOREIGN_TENANT
        note(kind, tenant=key.tenant, key=key, network=network)
        note(kind, tenant=host, network=network)
        raise lookup.KeyRefused("This API key belongs to another tenant than this host.")
    _note_use(key, network)
    note_network(network, tenant=key.tenant, key=key)
    if _bursts.begins(str(key.pk)):
        note(SecurityEvent.Kind.BURST, tenant=key.tenant, key=key, network=network)
    return key


def note_stranger(request: HttpRequest) -> None:
    """Somebody who is logged in, and no member of the tenant whose host they ask at."""
    note(
        SecurityEvent.Kind.FOREIGN_TENANT,
        tenant=request.tenant,  # type: ignore[attr-defined]
        user=request.user,  # type: ignore[arg-type]  # the door saw that it is no anonymous one
        network=network_behind(request),
    )


def _note_refusal(request: HttpRequest, text: str, network: str) -> None:
    """At the key's own tenant where the key is known: its managers can look for it."""
    parsed = KeyText.parse(text)
    key = (
        ApiKey.objects.select_related("tenant").filter(prefix=parsed.prefix).first()
        if parsed
        else None
    )
    tenant = key.tenant if key else getattr(request, "tenant", None)
    note(SecurityEvent.Kind.KEY_REFUSED, tenant=tenant, key=key, network=network)


def _note_use(key: ApiKey, network: str) -> None:
    """So that a person sees which keys are in use; to the minute, to spare the row."""
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > timedelta(minutes=1):
        lookup.note_use(key, at=now, network=network)
