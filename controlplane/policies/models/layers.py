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
from controlplane.policies.models.policies import (
    EXPRESSION_HELP,
    MESSAGE_HELP,
    RULE_CODE_HELP,
    VERDICTS,
    Immutable,
    Schedule,
    VersionStatus,
    code_is_a_name,
)
from controlplane.policies.verdicts import Verdict
from tenants.models import Partner


class Layer(models.TextChoices):
    PLATFORM = "platform", _("Platform")
    PARTNER = "partner", _("Partner")
    TENANT = "tenant", _("Own")


class LayerPolicy(Row):
    """A shared rule set. Its rules and examples are the draft; what binds is `live_version`.

    `draft_by_id`: whoever edited it last, who counts as an author of the next version.
    """

    layer = models.CharField(
        max_length=10, choices=[(one.value, one.label) for one in (Layer.PLATFORM, Layer.PARTNER)]
    )
    partner = models.ForeignKey(
        Partner, on_delete=models.PROTECT, null=True, blank=True, related_name="policies"
    )
    context = models.CharField(max_length=40)
    slug = models.SlugField(max_length=60, db_index=False)
    title = models.CharField(max_length=120)
    is_active = models.BooleanField(
        default=True, help_text=_("An inactive one takes no part in decisions; at once.")
    )
    draft_by = models.CharField(max_length=200, blank=True, db_default="", editable=False)
    draft_by_id = models.CharField(max_length=80, blank=True, db_default="", editable=False)
    draft_note = models.CharField(max_length=500, blank=True, db_default="", editable=False)
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


class LayerRule(Row):
    """A rule of the draft, in the words of a tenant's own."""

    policy = models.ForeignKey(LayerPolicy, on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveSmallIntegerField(default=0)
    code = models.CharField(max_length=60, validators=[code_is_a_name], help_text=RULE_CODE_HELP)
    expression = models.TextField(help_text=EXPRESSION_HELP)
    verdict = models.CharField(max_length=10, choices=VERDICTS[1:], default=Verdict.HOLD.value)
    message = models.CharField(max_length=300, help_text=MESSAGE_HELP)
    enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "code"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "code"], name="layer_rule_code_unique"),
            models.CheckConstraint(
                name="layer_rule_holds_or_rejects", condition=Q(verdict__in=["hold", "reject"])
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def as_published(self) -> dict[str, str]:
        """What a version keeps of it."""
        return {
            "code": self.code,
            "expression": self.expression,
            "verdict": self.verdict,
            "message": self.message,
        }


class LayerExample(Row):
    """A case that the rules must go on answering as it says; of nobody's data."""

    policy = models.ForeignKey(LayerPolicy, on_delete=models.CASCADE, related_name="examples")
    position = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(max_length=120)
    facts = models.JSONField(default=dict, blank=True)
    verdict = models.CharField(max_length=10, choices=VERDICTS)
    codes = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["position", "name"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "name"], name="layer_example_name_unique")
        ]

    def __str__(self) -> str:
        return self.name

    def as_published(self) -> dict[str, Any]:
        """What a version keeps of it."""
        return {
            "name": self.name,
            "facts": self.facts,
            "verdict": self.verdict,
            "codes": self.codes,
        }


class LayerVersion(Row):
    """As handed in; `status` and `steps` (status, by, by_id, note, at) go on, the rest never.

    A step with `alone` was taken without a second person, by the only one who was there.
    """

    policy = models.ForeignKey(LayerPolicy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    rules = models.JSONField()
    examples = models.JSONField(null=True, default=list)
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
        raise Immutable(f"{self} was handed in, and decisions may refer to it")


class LayerSchedule(Row):
    """A publication that waits for its time; `detail` says why it was refused then."""

    version = models.ForeignKey(LayerVersion, on_delete=models.PROTECT, related_name="schedules")
    due_at = models.DateTimeField()
    status = models.CharField(
        max_length=10, choices=Schedule.Status, default=Schedule.Status.WAITING
    )
    note = models.CharField(max_length=500, blank=True)
    by = models.CharField(max_length=200)
    by_id = models.CharField(max_length=80)
    detail = models.TextField(blank=True)

    class Meta:
        ordering = ["-due_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["version"],
                condition=Q(status="waiting"),
                name="layer_schedule_once_waiting",
            )
        ]

    def __str__(self) -> str:
        return f"{self.version} at {self.due_at:%Y-%m-%d %H:%M}"


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
