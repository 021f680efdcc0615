"""What provisioning has done for a tenant, step by step."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from controlplane.core.models import Row
from tenants.models.tenants import Tenant


class ProvisioningStep(Row):
    """One step for one tenant: kept, so that a rerun goes on and a person sees where it stands."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="provisioning_steps")
    name = models.CharField(max_length=60)
    status = models.CharField(max_length=7, choices=Status, default=Status.PENDING)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="provisioning_step_once")
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.get_status_display()}"
