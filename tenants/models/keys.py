"""API keys: how machines come in."""

import hashlib
import secrets
import uuid
from datetime import datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.core.models import Row
from tenants.models.tenants import Tenant


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self, *, at: datetime) -> Self:
        return self.filter(revoked_at__isnull=True).filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=at)
        )


class ApiKey(Row):
    """A machine's way in: scoped to a tenant, to operations, and often to one installation.

    Only the SHA-256 of the secret is kept: it has 256 bits of entropy, so a slow hash adds nothing.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=12, editable=False)
    secret_sha256 = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=60), default=list)
    installation_id = models.UUIDField(null=True, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = [models.UniqueConstraint(fields=["prefix"], name="api_key_prefix_unique")]

    def __str__(self) -> str:
        return f"pgl_{self.prefix}_… ({self.name})"

    @classmethod
    def issue(
        cls,
        *,
        tenant: Tenant,
        name: str,
        scopes: list[str],
        installation_id: uuid.UUID | None = None,
        expires_at: datetime | None = None,
    ) -> tuple["ApiKey", str]:
        """A new key and its text, which is shown this once and kept nowhere."""
        prefix, secret = secrets.token_hex(6), secrets.token_hex(32)
        key = cls.objects.create(
            tenant=tenant,
            name=name,
            prefix=prefix,
            secret_sha256=hashlib.sha256(secret.encode()).hexdigest(),
            scopes=sorted(scopes),
            installation_id=installation_id,
            expires_at=expires_at,
        )
        return key, f"pgl_{prefix}_{secret}"

    def matches(self, secret: str) -> bool:
        return secrets.compare_digest(
            self.secret_sha256, hashlib.sha256(secret.encode()).hexdigest()
        )

    def revoke(self) -> None:
        self.revoked_at = timezone.now()
        self.save(update_fields=["revoked_at", "updated_at"])
