"""Supplier invoices: the document, what was read, found and matched, and what became of it."""

from decimal import Decimal
from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from controlplane.core.classification import Classification
from controlplane.core.models import Row
from controlplane.core.money import Money
from controlplane.invoices.procurement.models import (
    GoodsReceipt,
    GoodsReceiptLine,
    PurchaseOrder,
    PurchaseOrderLine,
)

__all__ = [
    "GoodsReceipt",
    "GoodsReceiptLine",
    "Invoice",
    "InvoiceLine",
    "PurchaseOrder",
    "PurchaseOrderLine",
]


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    def with_status(self, status: str) -> Self:
        return self.filter(status=status)

    def recent(self) -> Self:
        return self.order_by("-created_at", "-id")

    def taking_from_orders(self) -> Self:
        """Invoices that use up what was ordered: accepted, or judged so and not recorded yet."""
        return self.filter(Q(outcome="accepted") | Q(outcome="", verdict="accept"))


class Invoice(Row):
    """One document of a supplier. Columns are for lists; `normal` is the whole invoice as read.

    `sha256` names the tenant's file, `xml_sha256` the XML that was in it and that rules run on.
    `fields` are what was found in the text of a plain PDF, with its confidence: proposals only.
    `needs_check` until a person has confirmed what could not be read for sure.
    """

    class Format(models.TextChoices):
        UBL = "ubl", "UBL"
        CII = "cii", "CII"
        HYBRID = "hybrid", _("PDF with XML inside")
        PDF = "pdf", "PDF"
        UNKNOWN = "unknown", _("Unknown")

    class Status(models.TextChoices):
        RECEIVED = "received", _("Received")
        READ = "read", _("Read")
        TO_CHECK = "to_check", _("To be checked")
        QUARANTINED = "quarantined", _("Quarantined")
        MATCHED = "matched", _("Matched")
        HELD = "held", _("Held for a person")
        ACCEPTED = "accepted", _("Accepted")
        REJECTED = "rejected", _("Rejected")

    class Channel(models.TextChoices):
        PORTAL = "portal", _("Portal")
        API = "api", "API"
        SOURCE = "source", _("Source")

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", _("Accepted")
        REJECTED = "rejected", _("Rejected")

    sha256 = models.CharField(max_length=64)
    filename = models.CharField(max_length=200, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    size = models.PositiveBigIntegerField()
    channel = models.CharField(max_length=10, choices=Channel)
    source_slug = models.CharField(max_length=40, blank=True)
    event_id = models.UUIDField(null=True, blank=True)

    status = models.CharField(max_length=12, choices=Status, default=Status.RECEIVED)
    format = models.CharField(max_length=10, choices=Format, blank=True)
    syntax = models.CharField(max_length=10, blank=True)
    xml_name = models.CharField(max_length=200, blank=True)
    xml_sha256 = models.CharField(max_length=64, blank=True)
    pages = models.PositiveIntegerField(default=0)
    read_at = models.DateTimeField(null=True, blank=True)
    needs_check = models.BooleanField(default=False)
    quarantine_code = models.CharField(max_length=40, blank=True)
    quarantine_reason = models.TextField(blank=True)
    problems = models.JSONField(default=list, blank=True)
    normal = models.JSONField(null=True, blank=True)
    text = models.TextField(blank=True)
    fields = models.JSONField(default=list, blank=True)

    number = models.CharField(max_length=100, blank=True)
    type_code = models.CharField(max_length=10, blank=True)
    is_credit_note = models.BooleanField(default=False)
    issue_date = models.DateField(null=True, blank=True)
    due_date = models.DateField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    net = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    tax = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    gross = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    payable = models.DecimalField(max_digits=20, decimal_places=4, null=True, blank=True)
    supplier_name = models.CharField(max_length=200, blank=True)
    supplier_vat_id = models.CharField(max_length=40, blank=True)
    supplier_key = models.CharField(max_length=200, blank=True, editable=False)
    buyer_name = models.CharField(max_length=200, blank=True)
    order_reference = models.CharField(max_length=100, blank=True)
    iban = models.CharField(max_length=40, blank=True)
    duplicate_of = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="duplicates"
    )

    findings = models.JSONField(null=True, blank=True)
    rule_set = models.CharField(max_length=60, blank=True)
    validated_at = models.DateTimeField(null=True, blank=True)

    match = models.JSONField(null=True, blank=True)
    verdict = models.CharField(max_length=10, blank=True)
    reasons = models.JSONField(default=list, blank=True)
    decision_id = models.UUIDField(null=True, blank=True)
    matched_at = models.DateTimeField(null=True, blank=True)

    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    outcome_note = models.TextField(blank=True)
    outcome_at = models.DateTimeField(null=True, blank=True)
    outcome_sequence = models.BigIntegerField(null=True, blank=True)

    classified = Classification(
        health=(
            "sha256 content_type size channel source_slug event_id status format syntax "
            "xml_sha256 pages read_at needs_check quarantine_code number type_code "
            "is_credit_note currency duplicate_of rule_set validated_at verdict decision_id "
            "matched_at outcome outcome_at outcome_sequence"
        ),
        payload=(
            "filename xml_name quarantine_reason problems normal text fields issue_date "
            "due_date net tax gross payable supplier_name supplier_vat_id supplier_key "
            "buyer_name order_reference iban findings match reasons outcome_note"
        ),
    )

    objects = InvoiceQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        constraints = [
            models.UniqueConstraint(fields=["sha256"], name="invoice_once_per_content"),
            models.CheckConstraint(
                name="invoice_quarantine_has_a_reason",
                condition=Q(quarantine_code="") | Q(status__in=["quarantined", "rejected"]),
            ),
            models.CheckConstraint(
                name="invoice_outcome_is_whole",
                condition=Q(outcome="", outcome_at__isnull=True, outcome_sequence__isnull=True)
                | Q(
                    outcome=models.F("status"),
                    outcome_at__isnull=False,
                    outcome_sequence__isnull=False,
                ),
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-created_at"], name="invoice_status"),
            models.Index(fields=["-created_at"], name="invoice_received"),
            models.Index(fields=["supplier_key", "number"], name="invoice_of_supplier"),
            models.Index(fields=["event_id"], name="invoice_event"),
        ]

    def __str__(self) -> str:
        return self.number or self.filename or str(self.pk)

    @property
    def total(self) -> Money | None:
        """What is to be paid, by the invoice's currency; None until that was read."""
        if self.payable is None or not self.currency:
            return None
        return Money(Decimal(self.payable), self.currency)

    @property
    def original(self) -> "Invoice | None":
        """The invoice that this one repeats; one that was rejected may be sent again."""
        first = self.duplicate_of
        return None if first is None or first.outcome == self.Outcome.REJECTED else first

    @property
    def is_finished(self) -> bool:
        return bool(self.outcome)

    @property
    def reading_status(self) -> str:
        """How far it was read: read, to_check or quarantined, whatever became of it since."""
        if self.quarantine_code:
            return self.Status.QUARANTINED.value
        return (self.Status.TO_CHECK if self.needs_check else self.Status.READ).value

    @property
    def is_valid(self) -> bool:
        """Whether rules were run on it and none is broken."""
        return bool(self.rule_set) and self.errors == 0

    @property
    def errors(self) -> int:
        return sum(finding["severity"] == "fatal" for finding in self.findings or ())

    @property
    def warnings(self) -> int:
        return len(self.findings or ()) - self.errors

    def attach_match(
        self, *, match: dict[str, Any] | None, reasons: list[dict[str, Any]], decision: Any
    ) -> None:
        """Take over a decision. What waits for a person's eyes, or has an outcome, stays that."""
        self.match, self.matched_at = match, decision.created_at
        self.verdict, self.reasons = decision.verdict, reasons
        self.decision_id = decision.pk
        if self.status in {self.Status.READ, self.Status.MATCHED, self.Status.HELD}:
            self.status = self.Status.HELD if self.verdict == "hold" else self.Status.MATCHED


class InvoiceLine(Row):
    """A line as invoiced. `order_line` is what the newest match found it to belong to."""

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    line_id = models.CharField(max_length=100, blank=True)
    seller_item_id = models.CharField(max_length=100, blank=True)
    buyer_item_id = models.CharField(max_length=100, blank=True)
    standard_item_id = models.CharField(max_length=100, blank=True)
    name = models.CharField(max_length=500, blank=True)
    quantity = models.DecimalField(max_digits=24, decimal_places=8)
    unit = models.CharField(max_length=10, blank=True)
    unit_price = models.DecimalField(max_digits=28, decimal_places=10, null=True, blank=True)
    price_base_quantity = models.DecimalField(max_digits=24, decimal_places=8, default=1)
    net = models.DecimalField(max_digits=20, decimal_places=4)
    order_number = models.CharField(max_length=100, blank=True)
    order_line_reference = models.CharField(max_length=100, blank=True)
    order_line = models.ForeignKey(
        PurchaseOrderLine,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="invoice_lines",
    )

    classified = Classification(
        health="invoice position order_line",
        payload=(
            "line_id seller_item_id buyer_item_id standard_item_id name quantity unit "
            "unit_price price_base_quantity net order_number order_line_reference"
        ),
    )

    class Meta:
        ordering = ["position"]
        verbose_name = _("invoice line")
        verbose_name_plural = _("invoice lines")
        constraints = [
            models.UniqueConstraint(fields=["invoice", "position"], name="invoice_line_position")
        ]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} × {self.name or self.seller_item_id}"
