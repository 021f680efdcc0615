"""n8n servers (shared) and the workspace that a tenant has on one of them (the tenant's own)."""

from typing import Any, Self

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import ExpressionWrapper, Q, Value
from django.utils.translation import gettext_lazy as _

from controlplane.core.classification import Classification
from controlplane.core.crypto import EncryptedTextField
from controlplane.core.errors import DomainError
from controlplane.core.models import Row
from tenants.models import Partner, Tenant, region_is_a_label
from tenants.residency import allows

BASE_URL = r"^https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._~\-]+)*\Z"
url_is_a_base = RegexValidator(
    BASE_URL, _("Write http:// or https://, a host and nothing after it, without a final slash.")
)


class NoWorkspace(DomainError):
    code = "workspace_missing"
    status = 409
    title = "There is no n8n workspace"


OWN_FIRST = (models.F("tenant").asc(nulls_last=True), "created_at")
"""A tenant's own before those of the partner that leads it."""


class InstanceQuerySet(models.QuerySet["Instance"]):
    def of(self, tenant: Tenant) -> Self:
        """Its own before those of the partner that leads it, in whatever region."""
        whose = Q(tenant=tenant.customer)
        if tenant.lead_partner is not None:
            whose |= Q(partner=tenant.lead_partner)
        return self.filter(whose).order_by(*OWN_FIRST)

    def of_rows(self, customer: Any, lead: Any, region: Any) -> Self:
        """As `serving`, of one row of a query: the expressions name its columns by OuterRef."""
        found = self.annotate(wanted=ExpressionWrapper(region, models.CharField())).filter(
            Q(tenant=customer) | Q(partner=lead),
            Q(wanted="") | Q(region=models.F("wanted")),
        )
        return found.order_by(*OWN_FIRST)

    def serving(self, tenant: Tenant) -> Self:
        """Those that the tenant may use: `of` it, and in its region where it has one."""
        found = self.of(tenant)
        return found.filter(region=tenant.region) if tenant.region else found


class Instance(Row):
    """An n8n server, and Pergola's key to it.

    The owner's key is used to make members (an n8n that we started) or for everything (one that
    was brought); tenants' code never sees this table.
    """

    class Shape(models.TextChoices):
        SHARED = "shared", _("Shared by a partner's tenants, started by Pergola")
        DEDICATED = "dedicated", _("Of one tenant, started by Pergola")
        BROUGHT = "brought", _("Brought: somebody else's, by address and key")

    class Health(models.TextChoices):
        UNKNOWN = "unknown", _("Not checked yet")
        OK = "ok", _("OK")
        DEGRADED = "degraded", _("Degraded")
        DOWN = "down", _("Down")

    name = models.CharField(max_length=80)
    base_url = models.CharField(
        max_length=200,
        validators=[url_is_a_base],
        help_text=_("Where Pergola reaches n8n, for example https://n8n.example.com"),
    )
    webhook_base_url = models.CharField(
        max_length=200,
        blank=True,
        validators=[url_is_a_base],
        help_text=_("n8n's N8N_WEBHOOK_URL, where it differs from the address above."),
    )
    editor_base_url = models.CharField(
        max_length=200,
        blank=True,
        validators=[url_is_a_base],
        help_text=_("Where people open n8n's editor, where it differs from the first address."),
    )
    shape = models.CharField(max_length=9, choices=Shape)
    partner = models.ForeignKey(
        Partner, on_delete=models.PROTECT, null=True, blank=True, related_name="instances"
    )
    tenant = models.ForeignKey(
        Tenant, on_delete=models.PROTECT, null=True, blank=True, related_name="instances"
    )
    project_id = models.CharField(
        max_length=36,
        blank=True,
        help_text=_("Of a brought n8n with Projects: where new workflows and credentials go."),
    )
    region = models.CharField(
        max_length=20,
        blank=True,
        db_default="",
        validators=[region_is_a_label],
        help_text=_("Where it stands, such as eu. Tenants with a region use no other."),
    )
    owner_key = EncryptedTextField()
    version = models.CharField(max_length=20, blank=True, editable=False)
    health = models.CharField(max_length=8, choices=Health, default=Health.UNKNOWN, editable=False)
    health_detail = models.CharField(max_length=500, blank=True, editable=False)
    health_checked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = InstanceQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        verbose_name = _("n8n instance")
        verbose_name_plural = _("n8n instances")
        constraints = [
            models.UniqueConstraint(fields=["name"], name="instance_name_unique"),
            models.UniqueConstraint(
                fields=["base_url"],
                condition=~Q(shape="brought"),
                name="instance_started_once",
                violation_error_message=_("This n8n is registered already."),
            ),
            models.UniqueConstraint(
                fields=["tenant"],
                condition=Q(shape="dedicated"),
                name="instance_one_dedicated",
                violation_error_message=_("This tenant has a dedicated n8n already."),
            ),
            models.CheckConstraint(
                name="instance_belongs_by_shape",
                condition=Q(shape="shared", partner__isnull=False, tenant__isnull=True)
                | Q(shape="dedicated", partner__isnull=True, tenant__isnull=False)
                | Q(shape="brought", partner__isnull=False, tenant__isnull=True)
                | Q(shape="brought", partner__isnull=True, tenant__isnull=False),
                violation_error_message=_(
                    "A shared n8n belongs to a partner, a dedicated one to a tenant, a brought "
                    "one to either: fill in exactly that."
                ),
            ),
            models.CheckConstraint(
                name="instance_base_url_plain", condition=Q(base_url__regex=BASE_URL)
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_ours(self) -> bool:
        """Whether Pergola started it, and so may make members there."""
        return self.shape != self.Shape.BROUGHT

    @property
    def webhook_base(self) -> str:
        return self.webhook_base_url or self.base_url

    @property
    def editor_base(self) -> str:
        return self.editor_base_url or self.base_url

    def serves(self, tenant: Tenant) -> bool:
        return self.belongs_to(tenant) and self.is_in_region_of(tenant)

    def is_in_region_of(self, tenant: Tenant) -> bool:
        return allows(tenant.region, self.region)

    def belongs_to(self, tenant: Tenant) -> bool:
        lead = tenant.lead_partner
        return self.tenant_id == tenant.customer.pk or (
            lead is not None and self.partner_id == lead.pk
        )


class Workspace(Row):
    """The tenant's place on an instance: written in steps, usable once it has a key.

    Holds copies of what the tenant's code needs, since a tenant's role cannot read the instance.
    """

    instance_id = models.UUIDField()
    base_url = models.CharField(max_length=200)
    webhook_base_url = models.CharField(max_length=200)
    editor_base_url = models.CharField(max_length=200)
    n8n_version = models.CharField(max_length=20, blank=True)
    prefix = models.CharField(max_length=40)
    tag = models.CharField(max_length=24, blank=True)
    member_id = models.CharField(max_length=36, blank=True)
    member_email = models.CharField(max_length=120, blank=True)
    member_password = EncryptedTextField(blank=True)
    api_key = EncryptedTextField(blank=True)
    project_id = models.CharField(max_length=36, blank=True)

    classified = Classification(
        health=(
            "instance_id base_url webhook_base_url editor_base_url n8n_version prefix tag "
            "member_id member_email project_id"
        ),
        secrets="member_password api_key",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(Value(1), name="workspace_one_per_tenant"),
        ]

    def __str__(self) -> str:
        return f"{self.prefix} on {self.base_url}"

    @classmethod
    def current(cls) -> Self:
        """The workspace of the tenant that is entered. Raises NoWorkspace."""
        workspace = cls.objects.first()
        if workspace is None or not workspace.is_ready:
            raise NoWorkspace(
                "This tenant has no n8n workspace yet. Ask the platform's operator to bind the "
                "tenant to an n8n instance."
            )
        return workspace

    @property
    def is_ready(self) -> bool:
        return bool(self.api_key)

    @property
    def is_member(self) -> bool:
        """Whether n8n keeps it apart by a user of its own, rather than by tag and name alone."""
        return bool(self.member_email)

    def workflow_name(self, name: str) -> str:
        """As it is called in n8n: where others' workflows stand beside it, ours say whose."""
        return name if self.is_member else f"[{self.prefix}] {name}"[:128]
