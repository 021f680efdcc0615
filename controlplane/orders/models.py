"""Orders as Pergola understood them, the newest verdict on each, and what became of it."""

import uuid
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _

from controlplane.core.classification import Classification
from controlplane.core.models import Row
from controlplane.core.money import Money


class OrderQuerySet(models.QuerySet["Order"]):
    def with_status(self, status: str) -> Self:
        return self.filter(status=status)

    def recent(self) -> Self:
        return self.order_by("-placed_at", "-id")


class Order(Row):
    """One order of one shop. `event_id` and `decision_id` are those of the newest review."""

    class Status(models.TextChoices):
        RECEIVED = "received", _("Received")
        REVIEWED = "reviewed", _("Judged")
        HELD = "held", _("Held for a person")
        ACCEPTED = "accepted", _("Accepted")
        REJECTED = "rejected", _("Rejected")

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted")
        REJECTED = "rejected", _("Rejected")

    source_slug = models.CharField(max_length=40)
    external_id = models.CharField(max_length=64)
    number = models.CharField(max_length=60)
    placed_at = models.DateTimeField()
    currency = models.CharField(max_length=3)
    subtotal = models.DecimalField(max_digits=20, decimal_places=4, default=0)
    discounts = models.DecimalField(max_digits=20, decimal_places=4, default=0)
    shipping = models.DecimalField(max_digits=20, decimal_places=4, default=0)
    tax = models.DecimalField(max_digits=20, decimal_places=4, default=0)
    total = models.DecimalField(max_digits=20, decimal_places=4, default=0)
    refunded = models.DecimalField(max_digits=20, decimal_places=4, default=0)
    financial_status = models.CharField(max_length=40, blank=True)
    fulfillment_status = models.CharField(max_length=40, blank=True)
    buyer_name = models.CharField(max_length=200, blank=True)
    buyer_email = models.CharField(max_length=200, blank=True)
    buyer_phone = models.CharField(max_length=60, blank=True)
    buyer_company = models.CharField(max_length=200, blank=True)
    ship_to = models.JSONField(null=True, blank=True)
    bill_to = models.JSONField(null=True, blank=True)
    tags = models.JSONField(default=list, blank=True)
    note = models.TextField(blank=True)
    is_test = models.BooleanField(default=False)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    problems = models.JSONField(default=list, blank=True)

    status = models.CharField(max_length=10, choices=Status, default=Status.RECEIVED)
    verdict = models.CharField(max_length=10, blank=True)
    reasons = models.JSONField(default=list, blank=True)
    decision_id = models.UUIDField(null=True, blank=True)
    event_id = models.UUIDField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    outcome_note = models.TextField(blank=True)
    outcome_at = models.DateTimeField(null=True, blank=True)
    outcome_sequence = models.BigIntegerField(null=True, blank=True)

    classified = Classification(
        health=(
            "source_slug external_id number placed_at currency financial_status "
            "fulfillment_status is_test cancelled_at status verdict decision_id event_id "
            "outcome outcome_at outcome_sequence"
        ),
        payload=(
            "subtotal discounts shipping tax total refunded buyer_name buyer_email buyer_phone "
            "buyer_company ship_to bill_to tags note problems reasons outcome_note"
        ),
    )

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-placed_at"]
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            models.UniqueConstraint(
                fields=["source_slug", "external_id"], name="order_once_per_source"
            ),
            models.CheckConstraint(
                name="order_outcome_is_whole",
                condition=Q(outcome="", outcome_at__isnull=True, outcome_sequence__isnull=True)
                | Q(
                    outcome=models.F("status"),
                    outcome_at__isnull=False,
                    outcome_sequence__isnull=False,
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-placed_at"], name="order_status"),
            models.Index(fields=["-placed_at"], name="order_placed"),
            models.Index(fields=["event_id"], name="order_event"),
            models.Index(Upper("buyer_email"), name="order_buyer_email"),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def money(self) -> Money:
        return Money(self.total, self.currency)

    @property
    def is_finished(self) -> bool:
        return bool(self.outcome)

    def attach_review(
        self, *, verdict: str, reasons: list[dict[str, str]], decision_id: uuid.UUID
    ) -> None:
        """Take over a decision. An outcome that was recorded stays."""
        self.verdict, self.reasons, self.decision_id = verdict, reasons, decision_id
        if not self.is_finished:
            self.status = self.Status.HELD if verdict == "hold" else self.Status.REVIEWED


class OrderLine(Row):
    """`unit_price` before discounts; `discount` and `tax` for the whole line."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveSmallIntegerField()
    sku = models.CharField(max_length=200, blank=True)
    title = models.CharField(max_length=200, blank=True)
    quantity = models.PositiveIntegerField()
    unit_price = models.DecimalField(max_digits=20, decimal_places=4)
    discount = models.DecimalField(max_digits=20, decimal_places=4, default=0)
    tax = models.DecimalField(max_digits=20, decimal_places=4, default=0)
    requires_shipping = models.BooleanField(default=True)
    gift_card = models.BooleanField(default=False)

    classified = Classification(
        health="order position",
        payload="sku title quantity unit_price discount tax requires_shipping gift_card",
    )

    class Meta:
        ordering = ["position"]
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="order_line_position")
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku or self.title}"
