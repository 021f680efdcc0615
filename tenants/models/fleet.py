"""Runs of `migrate_fleet`, and how each tenant came out of one."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from controlplane.core.models import Row
from tenants.models.tenants import Tenant


class FleetRun(Row):
    """One migration of the shared schema and of the tenants that were behind."""

    started_at = models.DateTimeField(editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)
    fingerprint = models.CharField(
        max_length=64, editable=False, help_text=_("That each tenant had to reach.")
    )
    shared_rights = models.CharField(
        max_length=64, editable=False, help_text=_("Digest of those in the shared schema.")
    )
    release = models.CharField(max_length=40, editable=False)
    total = models.PositiveIntegerField(default=0, editable=False)
    done = models.PositiveIntegerField(default=0, editable=False)
    failed = models.PositiveIntegerField(default=0, editable=False)
    skipped = models.PositiveIntegerField(
        default=0, editable=False, help_text=_("Tenants at which nothing was to do.")
    )

    class Meta:
        ordering = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.release}, {self.started_at:%Y-%m-%d %H:%M}"


class FleetResult(Row):
    """That a tenant was migrated, or why it was not."""

    run = models.ForeignKey(FleetRun, on_delete=models.CASCADE, related_name="results")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="fleet_results")
    seconds = models.FloatField(editable=False)
    error = models.TextField(blank=True, editable=False, help_text=_("Empty: it was migrated."))

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["run", "tenant"], name="fleet_result_once"),
        ]

    def __str__(self) -> str:
        return f"{self.tenant}: {self.error or _('migrated')}"
