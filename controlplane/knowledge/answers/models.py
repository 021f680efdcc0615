"""Every answer that was drafted, with all that led to it: passages, prompt, model and verdict."""

import uuid
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from controlplane.core.classification import Classification
from controlplane.core.models import Row


class AnswerQuerySet(models.QuerySet["Answer"]):
    def about(self, subject_type: str, subject_id: uuid.UUID) -> Self:
        return self.filter(subject_type=subject_type, subject_id=subject_id)

    def recent(self) -> Self:
        return self.order_by("-created_at", "-id")


class Answer(Row):
    """Written once and never changed; asked again, a subject has one more.

    `text` is kept also where the verdict is reject, but it is shown to operators only. `passages`
    are what was found, as it read then; `sentences` what was answered, each with its citations;
    `citations` all of them once. `prompt` is null where no model was asked.
    """

    class Verdict(models.TextChoices):
        ACCEPT = "accept", _("Answer it")
        HOLD = "hold", _("A person reads the draft")
        REJECT = "reject", _("Hand over")

    question = models.TextField()
    subject_type = models.CharField(max_length=40, blank=True)
    subject_id = models.UUIDField(null=True, blank=True)
    language = models.CharField(max_length=10, blank=True)
    passages = models.JSONField(default=list, blank=True)

    text = models.TextField(blank=True)
    sentences = models.JSONField(default=list, blank=True)
    citations = models.JSONField(default=list, blank=True)
    dropped = models.JSONField(default=list, blank=True)

    by_model = models.BooleanField(default=False)
    model = models.CharField(max_length=120, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    prompt = models.JSONField(null=True, blank=True)
    raw_output = models.TextField(blank=True)
    fallback = models.CharField(max_length=40, blank=True)
    fallback_detail = models.TextField(blank=True)
    tokens_in = models.PositiveIntegerField(null=True, blank=True)
    tokens_out = models.PositiveIntegerField(null=True, blank=True)
    seconds = models.FloatField(default=0)

    confidence = models.FloatField(default=0)
    features = models.JSONField(default=dict, blank=True)
    verdict = models.CharField(max_length=10, choices=Verdict)
    reasons = models.JSONField(default=list, blank=True)
    decision_id = models.UUIDField()

    answered_by = models.CharField(max_length=200)
    workflow_id = models.CharField(max_length=64, blank=True)
    execution_id = models.CharField(max_length=64, blank=True)
    audit_sequence = models.BigIntegerField()

    classified = Classification(
        health=(
            "subject_type subject_id language by_model model parameters fallback tokens_in "
            "tokens_out seconds confidence verdict decision_id answered_by workflow_id "
            "execution_id audit_sequence"
        ),
        payload=(
            "question passages text sentences citations dropped prompt raw_output "
            "fallback_detail features reasons"
        ),
    )

    objects = AnswerQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        constraints = [
            models.CheckConstraint(
                name="knowledge_answer_subject_is_whole",
                condition=Q(subject_type="", subject_id__isnull=True)
                | (~Q(subject_type="") & Q(subject_id__isnull=False)),
            ),
            models.CheckConstraint(
                name="knowledge_answer_is_a_probability",
                condition=Q(confidence__gte=0, confidence__lte=1),
            ),
        ]
        indexes = [
            models.Index(
                fields=["subject_type", "subject_id", "-created_at"],
                name="knowledge_answer_subject",
            ),
            models.Index(fields=["-created_at"], name="knowledge_answer_new"),
        ]

    def __str__(self) -> str:
        return self.question[:80]

    @property
    def shown_text(self) -> str:
        """What may leave: nothing where the verdict is reject."""
        return "" if self.verdict == self.Verdict.REJECT else self.text

    @property
    def shown_citations(self) -> list[dict[str, Any]]:
        return [] if self.verdict == self.Verdict.REJECT else list(self.citations)
