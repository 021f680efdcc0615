"""What was ordered and what arrived, as the tenant's purchasing system says."""

from decimal import Decimal
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from controlplane.core.classification import Classification
from controlplane.core.models import Row


class PurchaseOrderQuerySet(models.QuerySet["PurchaseOrder"]):
    def numbered(self, numbers: set[str]) -> Self:
        """By number, whatever the case: suppliers type them."""
        return self.annotate(lowered=Lower("number")).filter(
            lowered__in={number.lower() for number in numbers}
        )


class PurchaseOrder(Row):
    """`content_sha256` is over what was imported, so that the same order again changes nothing."""

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        CLOSED = "closed", _("Closed")
        CANCELLED = "cancelled", _("Cancelled")

    number = models.CharField(max_length=100)
    supplier_name = models.CharField(max_length=200, blank=True)
    supplier_vat_id = models.CharField(max_length=40, blank=True)
    buyer_name = models.CharField(max_length=200, blank=True)
    currency = models.CharField(max_length=3)
    ordered_at = models.DateField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    content_sha256 = models.CharField(max_length=64, editable=False)

    classified = Classification(
        health="number currency ordered_at status content_sha256",
        payload="supplier_name supplier_vat_id buyer_name",
    )

    objects = PurchaseOrderQuerySet.as_manager()

    class Meta:
        app_label = "invoices"
        ordering = ["-ordered_at", "-created_at"]
        verbose_name = _("purchase order")
        verbose_name_plural = _("purchase orders")
        constraints = [
            models.UniqueConstraint(Lower("number"), name="purchase_order_number"),
        ]
        indexes = [models.Index(fields=["-ordered_at"], name="purchase_order_ordered")]

    def __str__(self) -> str:
        return self.number


class PurchaseOrderLine(Row):
    """`unit_price` is for `price_base_quantity` units, without tax."""

    order = models.ForeignKey(PurchaseOrder, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    line_id = models.CharField(max_length=100)
    seller_item_id = models.CharField(max_length=100, blank=True)
    buyer_item_id = models.CharField(max_length=100, blank=True)
    standard_item_id = models.CharField(max_length=100, blank=True)
    description = models.CharField(max_length=500, blank=True)
    quantity = models.DecimalField(max_digits=24, decimal_places=8)
    unit = models.CharField(max_length=10, blank=True)
    unit_price = models.DecimalField(max_digits=28, decimal_places=10, null=True, blank=True)
    price_base_quantity = models.DecimalField(max_digits=24, decimal_places=8, default=1)

    classified = Classification(
        health="order position line_id",
        payload=(
            "seller_item_id buyer_item_id standard_item_id description quantity unit unit_price "
            "price_base_quantity"
        ),
    )

    class Meta:
        app_label = "invoices"
        ordering = ["position"]
        verbose_name = _("purchase order line")
        verbose_name_plural = _("purchase order lines")
        constraints = [
            models.UniqueConstraint(fields=["order", "line_id"], name="purchase_order_line_id")
        ]

    def __str__(self) -> str:
        return f"{self.quantity.normalize():f} × {self.description or self.seller_item_id}"


class GoodsReceipt(Row):
    """What arrived, or what the supplier says was sent: only the first counts as received."""

    class Kind(models.TextChoices):
        RECEIPT = "receipt", _("Receipt")
        DESPATCH = "despatch", _("Despatch advice")

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.RECEIPT)
    number = models.CharField(max_length=100)
    order_number = models.CharField(max_length=100, blank=True)
    supplier_name = models.CharField(max_length=200, blank=True)
    received_at = models.DateField(null=True, blank=True)
    content_sha256 = models.CharField(max_length=64, editable=False)

    classified = Classification(
        health="kind number order_number received_at content_sha256",
        payload="supplier_name",
    )

    class Meta:
        app_label = "invoices"
        ordering = ["-received_at", "-created_at"]
        verbose_name = _("goods receipt")
        verbose_name_plural = _("goods receipts")
        constraints = [
            # A receipt's number is the tenant's own, a despatch advice's is the supplier's.
            models.UniqueConstraint(
                fields=["number"], condition=Q(kind="receipt"), name="goods_receipt_number"
            ),
            models.UniqueConstraint(
                fields=["supplier_name", "number"],
                condition=Q(kind="despatch"),
                name="despatch_advice_number",
            ),
        ]
        indexes = [models.Index(fields=["-received_at"], name="goods_receipt_received")]

    def __str__(self) -> str:
        return self.number


class GoodsReceiptLineQuerySet(models.QuerySet["GoodsReceiptLine"]):
    def of_orders(self, numbers: set[str]) -> Self:
        return self.annotate(lowered=Lower("order_number")).filter(
            lowered__in={number.lower() for number in numbers}
        )


class GoodsReceiptLine(Row):
    """`quantity` arrived, `rejected` of it was not taken. It may come before its order does."""

    receipt = models.ForeignKey(GoodsReceipt, on_delete=models.CASCADE, related_name="lines")
    position = models.PositiveIntegerField()
    line_id = models.CharField(max_length=100, blank=True)
    order_number = models.CharField(max_length=100, blank=True)
    order_line_reference = models.CharField(max_length=100, blank=True)
    seller_item_id = models.CharField(max_length=100, blank=True)
    buyer_item_id = models.CharField(max_length=100, blank=True)
    standard_item_id = models.CharField(max_length=100, blank=True)
    description = models.CharField(max_length=500, blank=True)
    quantity = models.DecimalField(max_digits=24, decimal_places=8)
    rejected = models.DecimalField(max_digits=24, decimal_places=8, default=0)
    unit = models.CharField(max_length=10, blank=True)

    classified = Classification(
        health="receipt position line_id order_number",
        payload=(
            "order_line_reference seller_item_id buyer_item_id standard_item_id "
            "description quantity rejected unit"
        ),
    )

    objects = GoodsReceiptLineQuerySet.as_manager()

    class Meta:
        app_label = "invoices"
        ordering = ["position"]
        verbose_name = _("goods receipt line")
        verbose_name_plural = _("goods receipt lines")
        constraints = [
            models.UniqueConstraint(fields=["receipt", "position"], name="goods_receipt_position")
        ]
        indexes = [models.Index(Lower("order_number"), name="goods_receipt_of_order")]

    def __str__(self) -> str:
        return f"{self.accepted.normalize():f} × {self.description or self.seller_item_id}"

    @property
    def accepted(self) -> Decimal:
        return self.quantity - self.rejected
