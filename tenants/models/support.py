"""Support access: a platform admin in a tenant, for a reason and for a time."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.core.validators import MinLengthValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.core.models import Row
from tenants.models.members import Member
from tenants.models.tenants import Tenant


class SupportEntryQuerySet(models.QuerySet["SupportEntry"]):
    def open(self, *, at: datetime | None = None) -> Self:
        """Those that let somebody in at that moment; expired ones are not among them."""
        return self.filter(ended_at__isnull=True, expires_at__gt=at or timezone.now())


class SupportEntry(Row):
    """Lets one platform admin into one tenant until it expires or is ended.

    The person stays who they are and gets what `as_role` permits; the tenant reads the reason. Only
    the SHA-256 of the link's token is kept, until it was used.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="support_entries",
    )
    person = models.CharField(max_length=200, help_text=_("As the tenant reads it."))
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="support_entries")
    reason = models.CharField(max_length=500, validators=[MinLengthValidator(10)])
    as_role = models.CharField(max_length=10, choices=Member.Role, default=Member.Role.VIEWER)
    started_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=200, blank=True)
    link_sha256 = models.CharField(max_length=64, blank=True, editable=False)

    objects = SupportEntryQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at"]
        verbose_name = _("support entry")
        verbose_name_plural = _("support entries")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "tenant"],
                condition=Q(ended_at__isnull=True),
                name="support_entry_one_open",
            ),
            models.CheckConstraint(
                name="support_entry_has_a_time", condition=Q(expires_at__gt=F("started_at"))
            ),
        ]
        indexes = [models.Index(fields=["tenant", "-started_at"], name="support_entry_of_tenant")]

    def __str__(self) -> str:
        return f"{self.person} in {self.tenant}"

    @property
    def is_open(self) -> bool:
        return self.ended_at is None and self.expires_at > timezone.now()

    @property
    def left_at(self) -> datetime:
        """When it ended, or is to end."""
        return min(self.ended_at or self.expires_at, self.expires_at)
