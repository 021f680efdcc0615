"""Invoices, orders and receipts in a tenant's admin, to look at: only services change them."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from controlplane.core.admin import ReadOnlyInline, ReadOnlyTenantModelAdmin
from controlplane.invoices.contexts import money_text
from controlplane.invoices.models import (
    GoodsReceipt,
    GoodsReceiptLine,
    Invoice,
    InvoiceLine,
    PurchaseOrder,
    PurchaseOrderLine,
)


class InvoiceLineInline(ReadOnlyInline):
    model = InvoiceLine
    fields = ["position", "seller_item_id", "name", "quantity", "unit", "unit_price", "net"]


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyTenantModelAdmin):
    list_display = [
        "__str__",
        "created_at",
        "supplier_name",
        "amount",
        "format",
        "status",
        "verdict",
        "order_reference",
    ]
    list_filter = ["status", "verdict", "format", "channel", "currency"]
    search_fields = ["number", "supplier_name", "supplier_vat_id", "order_reference", "filename"]
    date_hierarchy = "created_at"
    inlines = [InvoiceLineInline]

    @admin.display(description=_("Total"), ordering="payable")
    def amount(self, invoice: Invoice) -> str:
        return money_text(invoice.total) if invoice.total else ""


class PurchaseOrderLineInline(ReadOnlyInline):
    model = PurchaseOrderLine
    fields = ["line_id", "seller_item_id", "description", "quantity", "unit", "unit_price"]


@admin.register(PurchaseOrder)
class PurchaseOrderAdmin(ReadOnlyTenantModelAdmin):
    list_display = ["number", "ordered_at", "supplier_name", "currency", "status"]
    list_filter = ["status", "currency"]
    search_fields = ["number", "supplier_name", "supplier_vat_id"]
    date_hierarchy = "ordered_at"
    inlines = [PurchaseOrderLineInline]


class GoodsReceiptLineInline(ReadOnlyInline):
    model = GoodsReceiptLine
    fields = [
        "order_number",
        "order_line_reference",
        "seller_item_id",
        "description",
        "quantity",
        "rejected",
        "unit",
    ]


@admin.register(GoodsReceipt)
class GoodsReceiptAdmin(ReadOnlyTenantModelAdmin):
    list_display = ["number", "kind", "received_at", "order_number", "supplier_name"]
    list_filter = ["kind"]
    search_fields = ["number", "order_number", "supplier_name"]
    date_hierarchy = "received_at"
    inlines = [GoodsReceiptLineInline]
