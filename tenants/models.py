"""Partners, the tenants they serve, who may act there, and with which keys. All shared tables."""

import hashlib
import secrets
import uuid
from datetime import datetime
from typing import Self
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin, TenantMixin

from controlplane.core.models import Row

slug_is_a_host_label = RegexValidator(
    r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$",
    _("Use 1 to 40 lower-case letters, digits and hyphens, starting with a letter."),
)


def zone_is_known(name: str) -> None:
    """Raises ValidationError for what is no IANA time zone."""
    if name not in available_timezones():
        raise ValidationError(
            _("“%(name)s” is no time zone. Write one such as Europe/Berlin."), params={"name": name}
        )


def language_is_offered(code: str) -> None:
    """Raises ValidationError for a language that the portal does not speak."""
    if code not in dict(settings.LANGUAGES):
        raise ValidationError(
            _("“%(code)s” is not offered. Choose one of: %(offered)s."),
            params={"code": code, "offered": ", ".join(dict(settings.LANGUAGES))},
        )


color_is_hex = RegexValidator(r"^#[0-9a-fA-F]{6}$", _("Write the colour as #RRGGBB."))


class Partner(Row):
    """An MSP, ERP partner, system integrator or agency. Its brand is what tenants see."""

    class Kind(models.TextChoices):
        AGENCY = "agency", _("Agency")
        ERP_PARTNER = "erp_partner", _("ERP partner")
        INTEGRATOR = "integrator", _("System integrator")
        MSP = "msp", _("Managed service provider")

    slug = models.CharField(max_length=40, validators=[slug_is_a_host_label])
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=Kind, default=Kind.AGENCY)
    product_name = models.CharField(
        max_length=60, blank=True, help_text=_("What the portal is called. Empty: the name.")
    )
    brand_color = models.CharField(max_length=7, default="#3d5a45", validators=[color_is_hex])
    support_email = models.EmailField(blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["slug"], name="partner_slug_unique")]

    def __str__(self) -> str:
        return self.name

    @property
    def brand_name(self) -> str:
        return self.product_name or self.name


class TenantQuerySet(models.QuerySet["Tenant"]):
    def active(self) -> Self:
        return self.filter(status=Tenant.Status.ACTIVE)


class Tenant(TenantMixin, Row):  # type: ignore[django-manager-missing]  # `domains`
    """One customer's isolated workspace: a schema, a role, one or more domains."""

    class Status(models.TextChoices):
        PROVISIONING = "provisioning", _("Provisioning")
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")

    auto_create_schema = False  # the owner's connection makes it: tenants.provisioning

    # Redefined without db_index: a unique constraint is an index already.
    schema_name = models.CharField(max_length=63, editable=False)
    slug = models.CharField(max_length=40, validators=[slug_is_a_host_label])
    name = models.CharField(max_length=120)
    status = models.CharField(max_length=12, choices=Status, default=Status.PROVISIONING)
    language = models.CharField(max_length=10, default="en", validators=[language_is_offered])
    time_zone = models.CharField(max_length=64, default="UTC", validators=[zone_is_known])

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["slug"], name="tenant_slug_unique"),
            models.UniqueConstraint(fields=["schema_name"], name="tenant_schema_unique"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def lead_partner(self) -> Partner | None:
        """The partner whose brand the tenant sees."""
        engagement = self.engagements.filter(is_lead=True).select_related("partner").first()
        return engagement.partner if engagement else None

    @cached_property
    def host(self) -> str:
        """The portal's host, without a port. `tenants.lookup` asks before the tenant is entered."""
        return str(self.domains.get(is_primary=True).domain)

    @property
    def portal_url(self) -> str:
        scheme, _sep, rest = settings.PUBLIC_URL.partition("://")
        port = f":{rest.rpartition(':')[2]}" if ":" in rest else ""
        return f"{scheme}://{self.host}{port}"


class Domain(DomainMixin):
    """A host name under which a tenant's portal answers."""


class Engagement(Row):
    """What a partner does in a tenant. Exactly one partner leads: its brand is shown."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="engagements")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="engagements")
    is_lead = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["partner", "tenant"], name="engagement_unique"),
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(is_lead=True), name="engagement_one_lead"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.partner} at {self.tenant}"


class MemberQuerySet(models.QuerySet["Member"]):
    def of_tenant(self, tenant: Tenant) -> Self:
        """Its own members, and those of every partner that is engaged there."""
        return self.filter(user__is_active=True).filter(
            Q(tenant=tenant) | Q(partner__engagements__tenant=tenant)
        )


class Member(Row):
    """A person with a role in one partner or in one tenant."""

    class Role(models.TextChoices):
        APPROVER = "approver", _("Approver")
        MANAGER = "manager", _("Manager")
        VIEWER = "viewer", _("Viewer")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    partner = models.ForeignKey(
        Partner, on_delete=models.CASCADE, null=True, blank=True, related_name="members"
    )
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, null=True, blank=True, related_name="members"
    )
    role = models.CharField(max_length=10, choices=Role, default=Role.VIEWER)
    language = models.CharField(
        max_length=10,
        blank=True,
        validators=[language_is_offered],
        help_text=_("Empty: the tenant's language."),
    )
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        validators=[zone_is_known],
        help_text=_("IANA name, such as Europe/Berlin. Empty: the tenant's zone."),
    )

    objects = MemberQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="member_of_partner_or_tenant",
                condition=Q(partner__isnull=True) ^ Q(tenant__isnull=True),
            ),
            models.UniqueConstraint(fields=["user", "partner"], name="member_once_per_partner"),
            models.UniqueConstraint(fields=["user", "tenant"], name="member_once_per_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"

    @property
    def may_decide(self) -> bool:
        """Whether this member may answer approvals."""
        return self.role in {self.Role.APPROVER, self.Role.MANAGER}

    @property
    def may_manage(self) -> bool:
        """Whether this member may set up sources and install templates."""
        return self.role == self.Role.MANAGER


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
