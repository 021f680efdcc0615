"""Invitations: how a person becomes a member of a partner or of a tenant."""

import hashlib
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.core.models import Row
from tenants.models.members import Member
from tenants.models.partners import Partner
from tenants.models.tenants import Tenant


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self, *, at: datetime) -> Self:
        """Neither accepted nor revoked nor expired."""
        return self.filter(accepted_at__isnull=True, revoked_at__isnull=True, expires_at__gt=at)

    def to(self, tenant: Tenant) -> Self:
        """To the tenant itself, and to the partners that are engaged there."""
        customer = tenant.customer
        return self.filter(Q(tenant=customer) | Q(partner__engagements__tenant=customer))


class Invitation(Row):
    """Whoever has the mailed link and opens it in time becomes a member.

    Only the SHA-256 of the link's token is kept: it has 256 bits of entropy.
    """

    email = models.EmailField(_("E-mail"))
    partner = models.ForeignKey(
        Partner, on_delete=models.CASCADE, null=True, blank=True, related_name="invitations"
    )
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, null=True, blank=True, related_name="invitations"
    )
    role = models.CharField(max_length=10, choices=Member.Role, default=Member.Role.VIEWER)
    token_sha256 = models.CharField(max_length=64, editable=False)
    invited_by = models.CharField(max_length=200, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True, editable=False)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="accepted_invitations",
    )
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="invitation_to_partner_or_tenant",
                condition=Q(partner__isnull=True) ^ Q(tenant__isnull=True),
            ),
            models.UniqueConstraint(fields=["token_sha256"], name="invitation_token_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.email} to {self.partner or self.tenant}"

    @property
    def status(self) -> str:
        """`accepted`, `revoked`, `expired` or `open`."""
        if self.accepted_at:
            return "accepted"
        if self.revoked_at:
            return "revoked"
        return "open" if self.expires_at > timezone.now() else "expired"


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
