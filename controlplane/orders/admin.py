"""Orders in a tenant's admin, to look at: only operations change them."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from controlplane.core.admin import ReadOnlyInline, ReadOnlyTenantModelAdmin
from controlplane.orders.models import Order, OrderLine
from controlplane.orders.normal import amount_text


class OrderLineInline(ReadOnlyInline):
    model = OrderLine
    fields = ["position", "sku", "title", "quantity", "unit_price", "discount", "tax"]


@admin.register(Order)
class OrderAdmin(ReadOnlyTenantModelAdmin):
    list_display = [
        "number",
        "placed_at",
        "amount",
        "buyer_name",
        "status",
        "verdict",
        "source_slug",
    ]
    list_filter = ["status", "verdict", "source_slug", "currency"]
    search_fields = ["number", "=external_id", "buyer_name", "buyer_email", "buyer_company"]
    date_hierarchy = "placed_at"
    inlines = [OrderLineInline]

    @admin.display(description=_("Total"), ordering="total")
    def amount(self, order: Order) -> str:
        return f"{amount_text(order.money)} {order.currency}"
