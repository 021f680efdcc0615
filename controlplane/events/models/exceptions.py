"""What went wrong and waits for somebody: typed, owned, with a clock."""

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.core.classification import Classification
from controlplane.core.models import Row
from controlplane.events.models.events import Delivery, Event, Source
from controlplane.events.models.failures import Failure
from tenants.models import Ownership


class ExceptionQuerySet(models.QuerySet["ExceptionCase"]):
    def unresolved(self) -> Self:
        return self.exclude(status=ExceptionCase.Status.RESOLVED)

    def overdue(self) -> Self:
        return self.unresolved().filter(due_at__lt=timezone.now())


class ExceptionCase(Row):
    """One thing that went wrong, from the first time until it is well again.

    What fails again while it is open counts up `occurrences`. `fingerprint` says what the
    same is. `body` and `headers` are kept only of what never became an event, so it is not lost.
    """

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        RETRYING = "retrying", _("Being tried again")
        RESOLVED = "resolved", _("Resolved")

    class Resolution(models.TextChoices):
        NONE = "", "—"
        SUCCEEDED = "succeeded", _("Succeeded later")
        REPLACED = "replaced", _("Sent again, corrected")
        BY_HAND = "by_hand", _("Handled by hand")
        DISMISSED = "dismissed", _("Nothing to do")

    type = models.CharField(max_length=12, choices=Failure)
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    resolution = models.CharField(max_length=10, choices=Resolution, blank=True, default="")
    area = models.CharField(max_length=14, choices=Ownership.Area)
    fingerprint = models.CharField(max_length=200)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, null=True, related_name="+")
    event = models.ForeignKey(Event, on_delete=models.CASCADE, null=True, related_name="exceptions")
    delivery = models.ForeignKey(
        Delivery, on_delete=models.CASCADE, null=True, related_name="exceptions"
    )
    installation_id = models.UUIDField(null=True, blank=True)
    workflow_id = models.CharField(max_length=64, blank=True)
    execution_id = models.CharField(max_length=64, blank=True)
    subject = models.CharField(max_length=200, blank=True)
    summary = models.CharField(max_length=300)
    detail = models.TextField(blank=True)
    body = models.TextField(blank=True)
    headers = models.JSONField(default=dict)
    occurrences = models.PositiveIntegerField(default=1)
    assignee_id = models.CharField(max_length=36, blank=True)
    assignee = models.CharField(max_length=200, blank=True)
    opened_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.CharField(max_length=200, blank=True)

    classified = Classification(
        health=(
            "type status resolution area fingerprint source event delivery installation_id "
            "workflow_id execution_id summary occurrences assignee_id assignee opened_at due_at "
            "resolved_at resolved_by"
        ),
        payload="subject detail body headers",
    )

    objects = ExceptionQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        verbose_name = _("exception")
        verbose_name_plural = _("exceptions")
        constraints = [
            models.UniqueConstraint(
                fields=["fingerprint"],
                condition=~Q(status="resolved"),
                name="exception_open_once",
            ),
            models.CheckConstraint(
                name="exception_resolved_has_a_time",
                condition=Q(status="resolved") ^ Q(resolved_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["status", "due_at"], name="exception_due"),
            models.Index(fields=["-opened_at"], name="exception_opened"),
        ]

    def __str__(self) -> str:
        return f"{self.get_type_display()}: {self.summary}"

    @property
    def is_open(self) -> bool:
        return self.status != self.Status.RESOLVED

    @property
    def is_overdue(self) -> bool:
        return self.is_open and self.due_at < timezone.now()


class ExceptionNote(Row):
    """A line of an exception's story: what was done, by whom, and what was said."""

    class Kind(models.TextChoices):
        OPENED = "opened", _("Opened")
        AGAIN = "again", _("Went wrong again")
        ASSIGNED = "assigned", _("Assigned")
        COMMENT = "comment", _("Comment")
        RETRIED = "retried", _("Tried again")
        EDITED = "edited", _("Corrected and sent again")
        RESOLVED = "resolved", _("Resolved")

    case = models.ForeignKey(ExceptionCase, on_delete=models.CASCADE, related_name="notes")
    kind = models.CharField(max_length=8, choices=Kind)
    by = models.CharField(max_length=200)
    at = models.DateTimeField(default=timezone.now)
    text = models.TextField(blank=True)

    classified = Classification(health="case kind by at", payload="text")

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["case", "at"], name="exception_story")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.by})"
