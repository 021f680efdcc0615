"""Rules above a tenant's own: the platform's bind every tenant, a partner's those that it serves.

`LayerPolicy` and `LayerVersion` are shared rows that no tenant's role may read. What binds a tenant
is found at its door; `BoundVersion` is the tenant's own copy of each version that judged for it, so
that a decision can be explained and recomputed without anybody else's rows.
"""

from typing import Any, Never

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.core.classification import Classification
from controlplane.core.models import Row
from controlplane.policies.models.policies import Immutable, VersionStatus
from tenants.models import Partner


class Layer(models.TextChoices):
    PLATFORM = "platform", _("Platform")
    PARTNER = "partner", _("Partner")
    TENANT = "tenant", _("Own")


class LayerPolicy(Row):
    """A shared rule set. `rules` is the draft: dicts of code, verdict, expression and message."""

    layer = models.CharField(
        max_length=10, choices=[(one.value, one.label) for one in (Layer.PLATFORM, Layer.PARTNER)]
    )
    partner = models.ForeignKey(
        Partner, on_delete=models.PROTECT, null=True, blank=True, related_name="policies"
    )
    context = models.CharField(max_length=40)
    slug = models.SlugField(max_length=60, db_index=False)
    title = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    rules = models.JSONField(default=list, blank=True)
    live_version = models.UUIDField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["layer", "context", "title"]
        verbose_name = _("rules for many tenants")
        verbose_name_plural = _("rules for many tenants")
        constraints = [
            models.CheckConstraint(
                name="layer_has_its_owner",
                condition=Q(layer="platform", partner__isnull=True)
                | Q(layer="partner", partner__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["partner", "context", "slug"],
                nulls_distinct=False,
                name="layer_policy_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class LayerVersion(Row):
    """As published; `status` and `steps` (status, by, note, at) go on, the rules never change."""

    policy = models.ForeignKey(LayerPolicy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    rules = models.JSONField()
    status = models.CharField(max_length=10, choices=VersionStatus)
    steps = models.JSONField(default=list)

    class Meta:
        ordering = ["policy", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="layer_version_unique")
        ]

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            kwargs["update_fields"] = ["status", "steps", "updated_at"]
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        raise Immutable(f"{self} was published and decisions refer to it")


class BoundVersion(Row):
    """A layer's version that judged for this tenant, under the key that it has there."""

    layer = models.CharField(max_length=10, choices=Layer)
    owner = models.CharField(max_length=200)
    context = models.CharField(max_length=40)
    slug = models.CharField(max_length=60)
    title = models.CharField(max_length=120)
    number = models.PositiveIntegerField()
    rules = models.JSONField()
    bound_at = models.DateTimeField(default=timezone.now)

    classified = Classification(health="layer owner context slug title number rules bound_at")

    class Meta:
        ordering = ["-bound_at"]

    def __str__(self) -> str:
        return f"{self.title} v{self.number}"
