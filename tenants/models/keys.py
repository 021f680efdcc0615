"""API keys: how machines come in."""

import hashlib
import re
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.core.models import Row
from tenants.models.partners import Partner
from tenants.models.tenants import Tenant

# The environment stands in the text so that a person sees it; keys from before it did, have none.
KEY_TEXT = re.compile(
    r"pgl_(?:(?P<environment>live|test)_)?(?P<prefix>[0-9a-f]{12})_(?P<secret>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class KeyText:
    """What a machine sends, taken apart."""

    environment: str
    """`live`, `test`, or empty for a key of before environments stood in keys."""
    prefix: str
    secret: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        found = KEY_TEXT.fullmatch(text)
        return cls(found["environment"] or "", found["prefix"], found["secret"]) if found else None


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self, *, at: datetime) -> Self:
        return self.filter(revoked_at__isnull=True).filter(
            Q(expires_at__isnull=True) | Q(expires_at__gt=at)
        )


class ApiKey(Row):
    """A machine's way in: to one tenant, which is one environment, and there to some operations.

    Only the SHA-256 of the secret is kept: it has 256 bits of entropy, so a slow hash adds nothing.
    """

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="api_keys")
    partner = models.ForeignKey(
        Partner,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="api_keys",
        help_text=_("Whose machine it is: revoked when this partner's engagement ends."),
    )
    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=12, editable=False)
    secret_sha256 = models.CharField(max_length=64, editable=False)
    scopes = ArrayField(models.CharField(max_length=60), default=list)
    operations = ArrayField(
        models.CharField(max_length=60),
        default=list,
        db_default=[],
        blank=True,
        help_text=_("Only these, such as order.review. Empty: whatever the scopes permit."),
    )
    installation_id = models.UUIDField(null=True, blank=True, editable=False)
    issued_by = models.CharField(max_length=200, blank=True, db_default="", editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    replaced_by = models.OneToOneField(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="replaces",
    )
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_network = models.CharField(max_length=43, blank=True, db_default="", editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = [models.UniqueConstraint(fields=["prefix"], name="api_key_prefix_unique")]

    def __str__(self) -> str:
        return f"{self.beginning}_… ({self.name})"

    @property
    def beginning(self) -> str:
        """What a person may see of the text, to tell keys apart."""
        return f"pgl_{environment_of(self.tenant)}_{self.prefix}"

    @property
    def status(self) -> str:
        """`revoked`, `expired`, `replaced` (still valid, for the overlap) or `active`."""
        if self.revoked_at:
            return "revoked"
        if self.expires_at and self.expires_at <= timezone.now():
            return "expired"
        return "replaced" if self.replaced_by_id else "active"

    @property
    def is_usable(self) -> bool:
        """As `ApiKeyQuerySet.usable` chooses them."""
        return self.status in {"active", "replaced"}

    @classmethod
    def issue(
        cls,
        *,
        tenant: Tenant,
        name: str,
        scopes: Sequence[str],
        operations: Sequence[str] = (),
        installation_id: uuid.UUID | None = None,
        expires_at: datetime | None = None,
        partner_id: uuid.UUID | None = None,
        issued_by: str = "",
        using: str | None = None,
    ) -> tuple["ApiKey", str]:
        """A new key and its text, which is shown this once and kept nowhere."""
        prefix, secret = secrets.token_hex(6), secrets.token_hex(32)
        key = cls.objects.using(using).create(
            tenant=tenant,
            partner_id=partner_id,
            name=name,
            prefix=prefix,
            secret_sha256=hashlib.sha256(secret.encode()).hexdigest(),
            scopes=sorted(scopes),
            operations=sorted(operations),
            installation_id=installation_id,
            expires_at=expires_at,
            issued_by=issued_by,
        )
        return key, f"{key.beginning}_{secret}"

    def matches(self, text: KeyText) -> bool:
        """Whether it is this key's secret, and of this key's environment."""
        is_its_own = secrets.compare_digest(
            self.secret_sha256, hashlib.sha256(text.secret.encode()).hexdigest()
        )
        return is_its_own and text.environment in {"", environment_of(self.tenant)}

    def revoke(self) -> None:
        self.revoked_at = timezone.now()
        self.save(update_fields=["revoked_at", "updated_at"])


def environment_of(tenant: Tenant) -> str:
    return "test" if tenant.is_sandbox else "live"
