"""Issuing and revoking API keys, also from inside a tenant, whose role may not see them."""

import uuid

from django.utils import timezone

from tenants.context import outside
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


def revoke_keys_of(installation_id: uuid.UUID) -> int:
    """Returns how many were still valid."""
    with outside():
        return ApiKey.objects.filter(
            installation_id=installation_id, revoked_at__isnull=True
        ).update(revoked_at=timezone.now())
