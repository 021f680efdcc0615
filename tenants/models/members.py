"""People with a role in a partner or in a tenant."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.postgres.expressions import ArraySubquery
from django.db import models
from django.db.models import OuterRef, Q
from django.utils.translation import gettext_lazy as _

from controlplane.core.models import Row
from tenants.models.engagements import Ownership
from tenants.models.names import language_is_offered, zone_is_known
from tenants.models.partners import Partner
from tenants.models.tenants import Tenant

if TYPE_CHECKING:
    from tenants.models.support import SupportEntry
    from tenants.permissions import Grant
# In the session of somebody who came in by a partner's own identity provider: the partner's id.
VOUCHED_BY = "vouched_by_partner"


class MemberQuerySet(models.QuerySet["Member"]):
    def of_tenant(self, tenant: Tenant) -> Self:
        """Its own members, and those of every partner that is engaged there.

        Each with `areas`: what the member's partner owns of the tenant's work.
        """
        customer = tenant.customer_id
        owned = Ownership.objects.filter(
            tenant=customer, engagement__partner=OuterRef("partner_id")
        ).values("area")
        return (
            self.filter(user__is_active=True)
            .filter(Q(tenant=customer) | Q(partner__engagements__tenant=customer))
            .annotate(areas=ArraySubquery(owned))
        )

    def of_session(self, session: Mapping[str, Any]) -> Self:
        """Those that count in a session: all, or only the partner's whose provider vouches.

        A partner's provider says who somebody is for that partner, and for nobody else.
        """
        if partner_id := session.get(VOUCHED_BY):
            return self.filter(partner_id=partner_id)
        return self

    def asked_for_factor(self, user: AbstractBaseUser) -> Self:
        """The user's, in partners whose members need a second factor."""
        return self.filter(user_id=user.pk, partner__requires_mfa=True)


class Member(Row):
    """A person with a role in one partner or in one tenant.

    What that allows in a tenant is asked of `tenants.permissions`; `tenants.access` finds it out
    and leaves it in `grant`. `areas` is what `of_tenant` adds.
    """

    areas: list[str]
    grant: "Grant"

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

    visit: "SupportEntry | None" = None
    """Of a platform admin who is here by support access: such a member is never saved."""

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
    def is_partners(self) -> bool:
        return self.partner_id is not None
