"""A tenant's rules, the versions of them that were published, and what was decided by which."""

import uuid
from typing import Any, Never

from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.core.classification import Classification
from controlplane.core.models import Row
from controlplane.policies.verdicts import Verdict

_VERDICTS = [
    (Verdict.ACCEPT.value, _("Accept")),
    (Verdict.HOLD.value, _("Hold for a person")),
    (Verdict.REJECT.value, _("Reject")),
]
code_is_a_name = RegexValidator(
    r"^[a-z][a-z0-9_]*$", _("Use lower-case letters, digits and underscores: over_limit.")
)


class Immutable(Exception):
    """A row that later rows refer to was about to be changed."""


class Policy(Row):
    """Rules about one kind of thing. What is edited here counts once it is published."""

    context = models.CharField(
        max_length=40, help_text=_("What the rules are about, for example “order”.")
    )
    slug = models.SlugField(max_length=60, db_index=False)
    title = models.CharField(max_length=120)
    is_active = models.BooleanField(
        default=True, help_text=_("An inactive policy takes no part in decisions.")
    )

    classified = Classification(health="context slug title is_active")

    class Meta:
        ordering = ["context", "title"]
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        constraints = [
            models.UniqueConstraint(fields=["context", "slug"], name="policy_slug_unique")
        ]

    def __str__(self) -> str:
        return self.title

    def latest_version(self) -> "PolicyVersion | None":
        return self.versions.order_by("-number").first()


class Rule(Row):
    """A condition in CEL; where it is true, its verdict and message are given as a reason."""

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveSmallIntegerField(default=0)
    code = models.CharField(
        max_length=60,
        validators=[code_is_a_name],
        help_text=_("Stable name of the reason, for workflows and reports: over_limit."),
    )
    expression = models.TextField(
        help_text=_(
            "CEL, true where the rule applies. Amounts are whole minor units: "
            "order.total.minor > 50000 means more than 500.00 in a currency with cents."
        )
    )
    verdict = models.CharField(max_length=10, choices=_VERDICTS[1:], default=Verdict.HOLD.value)
    message = models.CharField(
        max_length=300,
        help_text=_("What people read. {order.number} puts in a value that the rule can see."),
    )
    enabled = models.BooleanField(default=True)

    classified = Classification(health="policy position code expression verdict message enabled")

    class Meta:
        ordering = ["position", "code"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "code"], name="rule_code_unique"),
            models.CheckConstraint(
                name="rule_holds_or_rejects", condition=models.Q(verdict__in=["hold", "reject"])
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


class PolicyVersion(Row):
    """The enabled rules of a policy as they were published; never changed, never deleted."""

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    rules = models.JSONField()
    published_at = models.DateTimeField(default=timezone.now)
    published_by = models.CharField(max_length=200)

    classified = Classification(health="policy number rules published_at published_by")

    class Meta:
        ordering = ["policy", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="policy_version_unique")
        ]

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise Immutable(f"{self} was published; publish a new version instead")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        raise Immutable(f"{self} was published and decisions refer to it")


class DecisionQuerySet(models.QuerySet["Decision"]):
    def of_event(
        self, context: str, subject_type: str, subject_id: uuid.UUID, event_id: uuid.UUID
    ) -> "Decision | None":
        """The one that was taken because of the event, if there is one."""
        return self.filter(
            context=context, subject_type=subject_type, subject_id=subject_id, event_id=event_id
        ).first()


class Decision(Row):
    """What the policies said about one thing because of one event, and what they looked at.

    `input_sha256` is taken over the RFC 8785 canonical JSON of the input, so that the decision
    can be computed again from the same input, versions and parameters.
    """

    context = models.CharField(max_length=40)
    subject_type = models.CharField(max_length=40)
    subject_id = models.UUIDField()
    event_id = models.UUIDField(null=True)
    verdict = models.CharField(max_length=10, choices=_VERDICTS)
    reasons = models.JSONField(default=list)
    input_sha256 = models.CharField(max_length=64)
    policy_versions = models.JSONField(default=list)
    parameters = models.JSONField(default=dict)
    decided_at = models.DateTimeField(default=timezone.now)

    classified = Classification(
        health=(
            "context subject_type subject_id event_id verdict input_sha256 policy_versions "
            "parameters decided_at"
        ),
        payload="reasons",
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
