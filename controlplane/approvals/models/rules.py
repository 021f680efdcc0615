"""A tenant's own rules: which terms apply to what, who is in a named group, who stands in."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.approvals.terms import Terms, read_terms
from controlplane.core.classification import Classification
from controlplane.core.models import Row


class Route(Row):
    """Which terms an approval gets. Every condition that is set has to fit; empty fits all.

    `reasons` are codes of the verdict, of which one has to be there. The amount counts from
    `amount_from` up to, and without, `amount_below`, in `currency` alone.
    """

    name = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=40, blank=True)
    reasons = models.JSONField(default=list, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    amount_from = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    amount_below = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    terms = models.JSONField()
    is_active = models.BooleanField(default=True)

    classified = Classification(
        health=("name subject_type reasons currency amount_from amount_below terms is_active"),
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"],
                name="route_name_once",
                violation_error_message=_("There is a route of this name already."),
            ),
            models.CheckConstraint(
                name="route_amount_has_a_currency",
                condition=Q(amount_from__isnull=True, amount_below__isnull=True) | ~Q(currency=""),
            ),
            models.CheckConstraint(
                name="route_amounts_in_order",
                condition=Q(amount_from__isnull=True)
                | Q(amount_below__isnull=True)
                | Q(amount_from__lt=F("amount_below")),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rules(self) -> Terms:
        return read_terms(self.terms)


class Group(Row):
    """Named people who decide together, such as a joint council of partners and customer."""

    slug = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=300, blank=True)

    classified = Classification(health="slug name description")

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["slug"],
                name="group_slug_once",
                violation_error_message=_("There is a group of this short name already."),
            )
        ]

    def __str__(self) -> str:
        return self.name


class GroupMember(Row):
    """`member_id` is the person's user id, as in votes: people are shared rows."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="members")
    member_id = models.CharField(max_length=120)
    member_label = models.CharField(max_length=200)

    classified = Classification(health="group member_id member_label")

    class Meta:
        ordering = ["member_label"]
        constraints = [
            models.UniqueConstraint(fields=["group", "member_id"], name="group_member_once")
        ]

    def __str__(self) -> str:
        return self.member_label


class DelegationQuerySet(models.QuerySet["Delegation"]):
    def in_force(self, *, at: datetime) -> Self:
        return self.filter(starts_at__lte=at, ends_at__gt=at, revoked_at__isnull=True)


class Delegation(Row):
    """The principal lets the delegate decide in their place between two times. No further."""

    principal_id = models.CharField(max_length=120)
    principal_label = models.CharField(max_length=200)
    delegate_id = models.CharField(max_length=120)
    delegate_label = models.CharField(max_length=200)
    starts_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    classified = Classification(
        health=(
            "principal_id principal_label delegate_id delegate_label starts_at ends_at reason "
            "revoked_at"
        ),
    )

    objects = DelegationQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(
                name="delegation_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))
            ),
            models.CheckConstraint(
                name="delegation_to_another", condition=~Q(principal_id=F("delegate_id"))
            ),
        ]
        indexes = [models.Index(fields=["delegate_id", "ends_at"], name="delegation_delegate")]

    def __str__(self) -> str:
        return f"{self.delegate_label} for {self.principal_label}"

    @property
    def state(self) -> str:
        """over, coming or in_force: as of now."""
        now = timezone.now()
        if self.revoked_at is not None or self.ends_at <= now:
            return "over"
        return "coming" if self.starts_at > now else "in_force"
