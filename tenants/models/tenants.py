"""Tenants, one row for each environment, and the hosts under which they answer."""

import uuid
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin, TenantMixin

from controlplane.core.models import Row
from tenants.limits.plans import allowances_of
from tenants.models.names import (
    currency_is_known,
    language_is_offered,
    region_is_a_label,
    slug_is_a_host_label,
    zone_is_known,
)
from tenants.models.partners import Partner
from tenants.profile import Profile, profile_of


class TenantQuerySet(models.QuerySet["Tenant"]):
    def active(self) -> Self:
        return self.filter(status=Tenant.Status.ACTIVE)

    def served_by(self, user: Any) -> Self:
        """Customers' production rows, by the engagements of every partner the person belongs to."""
        return self.filter(
            sandbox_of__isnull=True, engagements__partner__members__user=user.pk
        ).distinct()


class Tenant(TenantMixin, Row):  # type: ignore[django-manager-missing]  # `domains`
    """One customer's isolated workspace: a schema, a role, one or more domains.

    A customer has a row for production and may have another for a sandbox. Who may come in, which
    partner leads and whose brand is shown is said at the production row: ask `customer`.
    """

    class Status(models.TextChoices):
        PROVISIONING = "provisioning", _("Provisioning")
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Suspended")
        LEAVING = "leaving", _("Leaving: removed after its time of grace")

    class Environment(models.TextChoices):
        PRODUCTION = "production", _("Production")
        SANDBOX = "sandbox", _("Sandbox")

    class TaxRegime(models.TextChoices):
        STANDARD = "standard", _("Standard: it charges tax and deducts what it paid")
        REVERSE_CHARGE = "reverse_charge", _("Reverse charge: its customers account for the tax")
        EXEMPT = "exempt", _("Exempt: what it sells bears no tax")
        SMALL_BUSINESS = "small_business", _("Small business: it charges none and deducts none")

    class Fulfilment(models.TextChoices):
        OWN_WAREHOUSE = "own_warehouse", _("From its own warehouse")
        DROP_SHIP = "drop_ship", _("Drop shipping: suppliers send to the customer")
        THIRD_PARTY = "third_party", _("By a logistics provider")
        MIXED = "mixed", _("Mixed")

    auto_create_schema = False  # the owner's connection makes it: tenants.provisioning

    # Redefined without db_index: a unique constraint is an index already.
    schema_name = models.CharField(max_length=63, editable=False)
    slug = models.CharField(max_length=40, validators=[slug_is_a_host_label])
    name = models.CharField(max_length=120)
    status = models.CharField(max_length=12, choices=Status, default=Status.PROVISIONING)
    language = models.CharField(max_length=10, default="en", validators=[language_is_offered])
    time_zone = models.CharField(max_length=64, default="UTC", validators=[zone_is_known])
    environment = models.CharField(
        max_length=10,
        choices=Environment,
        default=Environment.PRODUCTION,
        db_default="production",
        editable=False,
    )
    sandbox_of = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="sandboxes",
    )
    region = models.CharField(
        max_length=20,
        blank=True,
        db_default="",
        validators=[region_is_a_label],
        help_text=_("Where its data must stay, such as eu. Empty: anywhere."),
    )
    currency = models.CharField(
        max_length=3,
        blank=True,
        default="",
        db_default="",
        validators=[currency_is_known],
        help_text=_("That it keeps its books in: an ISO 4217 code, such as EUR."),
    )
    tax_regime = models.CharField(
        max_length=14, choices=TaxRegime, blank=True, default="", db_default=""
    )
    fulfilment = models.CharField(
        _("fulfilment model"),
        max_length=13,
        choices=Fulfilment,
        blank=True,
        default="",
        db_default="",
    )
    schema_fingerprint = models.CharField(
        max_length=64,
        blank=True,
        db_default="",
        editable=False,
        help_text=_("Of the migrations that its schema has; empty while it is being made."),
    )
    release = models.CharField(
        max_length=40,
        blank=True,
        db_default="",
        editable=False,
        help_text=_("Pergola's, that migrated it last."),
    )
    last_active_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["slug"], name="tenant_slug_unique"),
            models.UniqueConstraint(fields=["schema_name"], name="tenant_schema_unique"),
            models.UniqueConstraint(fields=["sandbox_of"], name="tenant_one_sandbox"),
            models.CheckConstraint(
                name="tenant_sandbox_of_production",
                condition=Q(environment="sandbox") ^ Q(sandbox_of__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_sandbox(self) -> bool:
        return self.environment == self.Environment.SANDBOX

    @property
    def customer(self) -> "Tenant":
        """The production row, whose members and engagements count in the sandbox too."""
        return self.sandbox_of or self

    @property
    def customer_id(self) -> uuid.UUID:
        """The key of `customer`, without asking for the row."""
        return self.sandbox_of_id or self.pk

    @property
    def lead_partner(self) -> Partner | None:
        """The partner whose brand the tenant sees."""
        engagement = (
            self.customer.engagements.filter(is_lead=True).select_related("partner").first()
        )
        return engagement.partner if engagement else None

    @cached_property
    def engaged_partners(self) -> list[uuid.UUID]:
        """Keys of the partners that work for the customer. `tenants.lookup` asks before."""
        return list(self.customer.engagements.order_by("partner").values_list("partner", flat=True))

    @cached_property
    def attached(self) -> dict[str, Any]:
        """What apps above asked to be found with the row: see `lookup.attach`."""
        return {}

    @cached_property
    def host(self) -> str:
        """The portal's host, without a port. `tenants.lookup` asks before the tenant is entered."""
        # Chosen here and not by a query: a list has its tenants' domains prefetched.
        return next(str(each.domain) for each in self.domains.all() if each.is_primary)

    @cached_property
    def allowances(self) -> dict[str, int]:
        """By `limits.plans.Resource`. `tenants.lookup` asks before the tenant is entered."""
        return allowances_of(self)

    @cached_property
    def profile(self) -> Profile:
        """`tenants.lookup` asks before the tenant is entered."""
        return profile_of(self)

    @property
    def portal_url(self) -> str:
        scheme, _sep, rest = settings.PUBLIC_URL.partition("://")
        port = f":{rest.rpartition(':')[2]}" if ":" in rest else ""
        return f"{scheme}://{self.host}{port}"


class Domain(DomainMixin):
    """A host name under which a tenant's portal answers."""
