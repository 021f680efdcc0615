"""What a tenant may use where its plan does not say it, and what its models have cost."""

from django.db import models
from django.db.models import Q

from controlplane.core.models import Row
from tenants.limits.plans import Resource, written
from tenants.models.tenants import Tenant


class Quota(Row):
    """An allowance of one tenant that differs from its plan's. Units as `Resource` names them."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="quotas")
    resource = models.CharField(max_length=12, choices=Resource)
    amount = models.BigIntegerField()

    class Meta:
        ordering = ["resource"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "resource"], name="quota_once_per_resource"),
            models.CheckConstraint(name="quota_not_negative", condition=Q(amount__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{Resource(self.resource).name.lower()}: {written(self.resource, self.amount)}"


class ModelSpend(Row):
    """What a tenant's language models cost in one month, in millionths of a US dollar."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="model_spend")
    month = models.DateField()
    amount = models.BigIntegerField(default=0)

    class Meta:
        ordering = ["-month"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "month"], name="model_spend_once_a_month")
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}: {self.amount}"
