"""What was decided, by which rules and on what; and what people made of it later."""

import uuid
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.core.classification import Classification
from controlplane.core.models import Row
from controlplane.policies.models.policies import VERDICTS


class DecisionQuerySet(models.QuerySet["Decision"]):
    def of_event(
        self, context: str, subject_type: str, subject_id: uuid.UUID, event_id: uuid.UUID
    ) -> "Decision | None":
        """The one that was taken because of the event, if there is one."""
        return self.filter(
            context=context, subject_type=subject_type, subject_id=subject_id, event_id=event_id
        ).first()

    def said(self, *, context: str = "", verdict: str = "") -> Self:
        """Only about this, and only with this verdict, where they are named."""
        asked = {"context": context, "verdict": verdict}
        return self.filter(**{name: value for name, value in asked.items() if value})

    def before(self, decided_at: datetime, pk: uuid.UUID) -> Self:
        """For going through many, the newest first: what comes after this one."""
        earlier = Q(decided_at=decided_at, pk__lt=pk) | Q(decided_at__lt=decided_at)
        return self.filter(earlier, decided_at__lte=decided_at)


class Decision(Row):
    """What the policies said about one thing because of one event, and what they looked at.

    `input_sha256` is taken over the RFC 8785 canonical JSON of the input, so that the decision can
    be computed again from the same input, versions, parameters and settings of the tenant; settings
    are null in decisions of before they were kept. `engine` names what read the rules,
    `policy_versions` the versions of all layers in the order in which they spoke; `models_used` and
    `snapshot` are the caller's: which model and prompt made the facts, of what.
    """

    context = models.CharField(max_length=40)
    subject_type = models.CharField(max_length=40)
    subject_id = models.UUIDField()
    event_id = models.UUIDField(null=True)
    verdict = models.CharField(max_length=10, choices=VERDICTS)
    reasons = models.JSONField(default=list)
    input_sha256 = models.CharField(max_length=64)
    policy_versions = models.JSONField(default=list)
    parameters = models.JSONField(default=dict)
    settings = models.JSONField(null=True)
    input = models.JSONField(null=True)
    engine = models.CharField(max_length=80, db_default="")
    models_used = models.JSONField(null=True)
    snapshot = models.CharField(max_length=200, db_default="")
    decided_at = models.DateTimeField(default=timezone.now)

    classified = Classification(
        health=(
            "context subject_type subject_id event_id verdict input_sha256 policy_versions "
            "parameters settings decided_at engine models_used snapshot"
        ),
        payload="reasons input",
    )

    objects = DecisionQuerySet.as_manager()

    class Meta:
        ordering = ["-decided_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["context", "subject_type", "subject_id", "event_id"],
                name="decision_once_per_event",
            )
        ]
        indexes = [models.Index(fields=["-decided_at"], name="decision_decided")]

    def __str__(self) -> str:
        return f"{self.get_verdict_display()} ({self.subject_type} {self.subject_id})"


class DecisionEntry(Row):
    """What came after a decision: a person's other verdict with the reason why, or the outcome.

    Never changed: a second override stands beside the first, and the last one counts.
    """

    class Kind(models.TextChoices):
        OVERRIDE = "override", _("Override")
        OUTCOME = "outcome", _("Outcome")

    decision = models.ForeignKey(Decision, on_delete=models.CASCADE, related_name="entries")
    kind = models.CharField(max_length=10, choices=Kind)
    value = models.CharField(max_length=40)
    why = models.TextField(blank=True)
    by = models.CharField(max_length=200)
    by_id = models.CharField(max_length=80)
    at = models.DateTimeField(default=timezone.now)

    classified = Classification(health="decision kind value by by_id at", payload="why")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["decision"], name="decision_entry_of")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.value}"
