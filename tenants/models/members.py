"""People with a role in a partner or in a tenant."""

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from controlplane.core.models import Row
from tenants.models.names import language_is_offered, zone_is_known
from tenants.models.partners import Partner
from tenants.models.tenants import Tenant


class MemberQuerySet(models.QuerySet["Member"]):
    def of_tenant(self, tenant: Tenant) -> Self:
        """Its own members, and those of every partner that is engaged there."""
        customer = tenant.customer
        return self.filter(user__is_active=True).filter(
            Q(tenant=customer) | Q(partner__engagements__tenant=customer)
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
