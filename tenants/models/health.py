"""How each tenant's work stands: one shared row a tenant, so that nobody has to visit them all."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from controlplane.core.models import Row
from tenants.models.tenants import Tenant


class TenantHealth(Row):
    """Counts and times only, never customer data. `tenants.health` refreshes it."""

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, related_name="health")
    installations_active = models.PositiveIntegerField(default=0)
    installations_failed = models.PositiveIntegerField(default=0)
    approvals_waiting = models.PositiveIntegerField(default=0)
    last_event_at = models.DateTimeField(null=True, blank=True)
    refreshed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("tenant health")
        verbose_name_plural = _("tenant health")

    def __str__(self) -> str:
        return f"health of {self.tenant}"
