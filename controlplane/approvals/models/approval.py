"""Requests for a person's decision, the votes on them, and the executions that wait."""

from datetime import datetime
from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.approvals.terms import Terms, read_terms
from controlplane.core.classification import Classification
from controlplane.core.crypto import EncryptedTextField
from controlplane.core.models import Row
from controlplane.core.money import Money


class ApprovalQuerySet(models.QuerySet["Approval"]):
    def pending(self) -> Self:
        return self.filter(status=Approval.Status.PENDING)

    def overdue(self, *, at: datetime) -> Self:
        return self.pending().filter(expires_at__lte=at)

    def due(self, *, at: datetime) -> Self:
        """What time may change: those that end, go a step further, or are to be reminded of."""
        return self.pending().filter(
            Q(expires_at__lte=at) | Q(step_due_at__lte=at) | Q(remind_at__lte=at)
        )


class Approval(Row):
    """One thing that waits for people, or did.

    `terms` say who decides it, and are its own from the day it was asked; None: the default.
    `requesters` are dicts of id and label: the people who caused it and may not decide it.
    `step` counts from 0; it and its times say what was done, so that no clock does it twice.
    """

    class Status(models.TextChoices):
        PENDING = "pending", _("Waiting")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        EXPIRED = "expired", _("Expired")
        CANCELLED = "cancelled", _("Cancelled")

    subject_type = models.CharField(max_length=40)
    subject_id = models.UUIDField()
    revision = models.CharField(max_length=64, blank=True)
    title = models.CharField(max_length=200)
    summary = models.TextField(blank=True)
    note = models.TextField(blank=True)
    reasons = models.JSONField(default=list)
    amount = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    currency = models.CharField(max_length=3, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    requested_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by_id = models.CharField(max_length=120, blank=True)
    decided_by = models.CharField(max_length=200, blank=True)
    comment = models.TextField(blank=True)
    terms = models.JSONField(null=True)
    route = models.CharField(max_length=80, blank=True, default="", db_default="")
    requesters = models.JSONField(null=True)
    step = models.PositiveSmallIntegerField(default=0, db_default=0)
    step_due_at = models.DateTimeField(null=True)
    remind_at = models.DateTimeField(null=True)
    reminded_at = models.DateTimeField(null=True)

    classified = Classification(
        health=(
            "subject_type subject_id revision currency status requested_at expires_at "
            "decided_at decided_by_id decided_by terms route requesters step step_due_at "
            "remind_at reminded_at"
        ),
        payload="title summary note reasons amount comment",
    )

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject_type", "subject_id", "revision"], name="approval_once_per_revision"
            ),
            models.CheckConstraint(
                name="approval_ended_has_a_time",
                condition=Q(status="pending") ^ Q(decided_at__isnull=False),
            ),
        ]
        indexes = [models.Index(fields=["status", "-requested_at"], name="approval_inbox")]

    def __str__(self) -> str:
        return self.title

    @property
    def rules(self) -> Terms:
        return read_terms(self.terms)

    @property
    def requester_ids(self) -> frozenset[str]:
        return frozenset(each["id"] for each in self.requesters or ())

    @property
    def is_pending(self) -> bool:
        return self.status == self.Status.PENDING

    @property
    def money(self) -> Money | None:
        return None if self.amount is None else Money(Decimal(self.amount), self.currency)


class Vote(Row):
    """What one member answered, maybe for another: then `principal` is whose vote it is.

    It counts for the revision that was shown, and for the `steps` that the principal may decide.
    """

    class Decision(models.TextChoices):
        APPROVE = "approve", _("Approve")
        REJECT = "reject", _("Reject")

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="votes")
    member_id = models.CharField(max_length=120)
    member_label = models.CharField(max_length=200)
    decision = models.CharField(max_length=7, choices=Decision)
    comment = models.TextField(blank=True)
    voted_at = models.DateTimeField(default=timezone.now)
    revision = models.CharField(max_length=64, blank=True, default="", db_default="")
    principal_id = models.CharField(max_length=120, blank=True, default="", db_default="")
    principal_label = models.CharField(max_length=200, blank=True, default="", db_default="")
    organisation = models.CharField(max_length=60, blank=True, default="", db_default="")
    steps = models.JSONField(null=True)

    classified = Classification(
        health=(
            "approval member_id member_label decision voted_at revision principal_id "
            "principal_label organisation steps"
        ),
        payload="comment",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["approval", "revision", "member_id"], name="vote_once_per_member"
            ),
            models.UniqueConstraint(
                fields=["approval", "revision", "principal_id"],
                condition=~Q(principal_id=""),
                name="vote_once_per_principal",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.member_label}: {self.get_decision_display()}"

    @property
    def is_for_another(self) -> bool:
        return self.principal_id not in {"", self.member_id}


class Waiter(Row):
    """An n8n execution that waits for the answer. Its resume URL is a capability: encrypted."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RESUMED = "resumed", _("Resumed")
        GONE = "gone", _("No longer waiting")

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="waiters")
    workflow_id = models.CharField(max_length=64, blank=True)
    execution_id = models.CharField(max_length=64)
    resume_url = EncryptedTextField()
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    resumed_at = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True)

    classified = Classification(
        health="approval workflow_id execution_id status attempts resumed_at last_error",
        secrets="resume_url",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["approval", "execution_id"], name="waiter_once")
        ]

    def __str__(self) -> str:
        return f"execution {self.execution_id} ({self.get_status_display()})"
