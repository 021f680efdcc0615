"""How long a tenant keeps its data, and what the purges did."""

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from controlplane.core.models import Row
from tenants.models.tenants import Tenant
from tenants.retention.terms import TERMS


class RetentionRule(Row):
    """A tenant's own number of days for a class of data, in place of the default."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="retention_rules")
    data_class = models.CharField(max_length=20)
    days = models.PositiveIntegerField(help_text=_("What is older is removed every night."))

    class Meta:
        ordering = ["data_class"]
        verbose_name = _("retention rule")
        verbose_name_plural = _("retention rules")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "data_class"],
                name="retention_rule_once_per_class",
                violation_error_message=_("There is a rule for this class already."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.data_class}: {self.days}"

    def clean(self) -> None:
        """Raises ValidationError for an unknown class and for days that are not allowed."""
        terms = TERMS.get(self.data_class)
        if terms is None:
            raise ValidationError({"data_class": _("There is no such class of data.")})
        if self.days is not None and not terms.minimum <= self.days <= terms.maximum:
            raise ValidationError(
                {
                    "days": ValidationError(
                        _("Between %(minimum)d and %(maximum)d days are allowed for this class."),
                        params={"minimum": terms.minimum, "maximum": terms.maximum},
                    )
                }
            )


class PurgeRun(Row):
    """One purge of one class in one tenant: what was found, removed, and found again afterwards."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="purge_runs")
    data_class = models.CharField(max_length=20)
    cutoff = models.DateTimeField()
    found = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)
    left = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("purge")
        verbose_name_plural = _("purges")
        indexes = [
            models.Index(fields=["tenant", "data_class", "-created_at"], name="purge_of_class")
        ]

    def __str__(self) -> str:
        return f"{self.data_class} before {self.cutoff:%Y-%m-%d}"

    @property
    def is_clean(self) -> bool:
        """Whether nothing was left that should have gone."""
        return not self.error and not self.left
