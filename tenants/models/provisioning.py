"""How a tenant comes to be: the steps done for it, what it is copied from, and what waits ready."""

from typing import Self

from django.db import models
from django.db.models import Value
from django.utils.translation import gettext_lazy as _

from controlplane.core.models import Row
from tenants.models.tenants import Tenant


class ProvisioningStepQuerySet(models.QuerySet["ProvisioningStep"]):
    def unfinished(self) -> Self:
        return self.exclude(status=ProvisioningStep.Status.DONE)


class ProvisioningStep(Row):
    """One step for one tenant: kept, so that a rerun goes on and a person sees where it stands.

    `error` says why it failed; of one that is done, what it did not do all the same.
    """

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

    objects = ProvisioningStepQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="provisioning_step_once")
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.get_status_display()}"


class Blueprint(Row):
    """What every new tenant is a copy of: compiled from the template schema, kept until it changes.

    Each release has one fingerprint; a copy is made only by code of the same.
    """

    fingerprint = models.CharField(max_length=64)
    statements = models.JSONField()
    grants = models.JSONField()
    rows = models.JSONField()
    entries = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(Value(1), name="blueprint_only_one")]

    def __str__(self) -> str:
        return f"blueprint {self.fingerprint[:12]}"


class SpareQuerySet(models.QuerySet["Spare"]):
    def ready(self, fingerprint: str) -> Self:
        """Those that new tenants of this fingerprint may become."""
        return self.filter(fingerprint=fingerprint, is_ready=True)


class Spare(Row):
    """A schema with its role that waits to become a tenant. The row goes when it has.

    Its audit trail tells already of its starter rows; `head_…` say where it goes on.
    """

    schema_name = models.CharField(max_length=63)
    fingerprint = models.CharField(max_length=64)
    is_ready = models.BooleanField(default=False)
    head_sequence = models.BigIntegerField(default=0)
    head_hash = models.CharField(max_length=64, blank=True)

    objects = SpareQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["schema_name"], name="spare_schema_unique")]

    def __str__(self) -> str:
        return self.schema_name
