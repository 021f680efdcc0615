"""Issuing and revoking API keys, also from inside a tenant, whose role may not see them."""

import uuid

from django.utils import timezone

from tenants.context import current_tenant, outside
from tenants.models import ApiKey, Tenant


def issue_key(
    *, tenant: Tenant, name: str, scopes: list[str], installation_id: uuid.UUID | None = None
) -> str:
    """The key's text, which is shown this once and kept nowhere."""
    with outside():
        _key, text = ApiKey.issue(
            tenant=tenant, name=name, scopes=scopes, installation_id=installation_id
        )
    return text


def has_key(installation_id: uuid.UUID) -> bool:
    """Whether the entered tenant has a key of the installation's that is still good."""
    tenant = current_tenant()
    with outside():
        keys = ApiKey.objects.usable(at=timezone.now())
        return keys.filter(tenant=tenant, installation_id=installation_id).exists()


def revoke_keys_of(installation_id: uuid.UUID) -> int:
    """In the entered tenant; returns how many were still valid.

    A copy of a tenant has installations of the same id: each has keys of its own.
    """
    tenant = current_tenant()
    with outside():
        return ApiKey.objects.filter(
            tenant=tenant, installation_id=installation_id, revoked_at__isnull=True
        ).update(revoked_at=timezone.now())
