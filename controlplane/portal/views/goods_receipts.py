"""Goods receipts and despatch advices: what arrived, and what the supplier says was sent."""

import uuid
from collections.abc import Iterable
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.invoices import services
from controlplane.invoices.models import GoodsReceipt, PurchaseOrder
from controlplane.portal import lists
from controlplane.portal.doors import member_page, requires
from controlplane.portal.views.imports import Import, example_table, imported
from tenants.permissions import Permission

EVERY = "all"
LINES_PER_PAGE = 50

# Names of columns and figures, so in no language.
EXAMPLE = """\
receipt_number,order_number,order_line_id,received_at,seller_item_id,description,quantity,rejected,unit
GR-5001,PO-2026-0101,10,2026-03-09,NW-A4-80,Copy paper A4 80 g,90,0,C62
GR-5001,PO-2026-0101,20,2026-03-09,NW-ENV-C5,Envelopes C5,40,2,C62
"""


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    kind = lists.chosen(request, "status", [EVERY, *GoodsReceipt.Kind.values], default=EVERY)
    rows = GoodsReceipt.objects.annotate(
        line_count=Count("lines"),
        # From a table the orders stand at the lines.
        first_order=Min("lines__order_number"),
        order_count=Count("lines__order_number", distinct=True),
    )
    shown = lists.listing(
        request,
        rows if kind == EVERY else rows.filter(kind=kind),
        search_in=["number", "first_order", "supplier_name"],
        sorts={
            "number": "number",
            "order": "first_order",
            "supplier": "supplier_name",
            "received": "received_at",
        },
        default_sort="-received",
    )
    context = {
        "section": "invoices",
        "part": "goods_receipts",
        "listing": shown,
        "list_id": "goods-receipts",
        "status": kind,
        "statuses": [(EVERY, _("All")), *GoodsReceipt.Kind.choices],
    }
    _name_suppliers(shown.page.object_list)
    return lists.page_or_part(
        request, "portal/procurement/receipts.html", "portal/procurement/_receipts.html", context
    )


def _name_suppliers(receipts: Iterable[Any]) -> None:
    """A table from the warehouse seldom names the supplier; its order does."""
    nameless = {each: each.first_order.lower() for each in receipts if _lacks_supplier(each)}
    orders = PurchaseOrder.objects.numbered(set(nameless.values()))
    suppliers = {order.number.lower(): order.supplier_name for order in orders}
    for receipt, number in nameless.items():
        receipt.supplier_name = suppliers.get(number, "")


def _lacks_supplier(receipt: Any) -> bool:
    return bool(receipt.first_order) and not receipt.supplier_name


@require_GET
@member_page
@requires(Permission.PAYLOAD)
def detail(request: HttpRequest, goods_receipt_id: uuid.UUID) -> HttpResponse:
    receipt = get_object_or_404(GoodsReceipt, pk=goods_receipt_id)
    lines = Paginator(receipt.lines.all(), LINES_PER_PAGE).get_page(request.GET.get("page"))
    numbers = {receipt.order_number, *(line.order_number for line in lines.object_list)}
    orders = PurchaseOrder.objects.numbered(numbers - {""})
    context = {
        "section": "invoices",
        "receipt": receipt,
        "lines": lines,
        "orders": orders,
        "suppliers": sorted({order.supplier_name for order in orders} - {""}),
    }
    return TemplateResponse(request, "portal/procurement/receipt.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def import_file(request: HttpRequest) -> HttpResponse:
    return imported(
        request,
        Import(
            part="goods_receipts",
            title=_("Import goods receipts"),
            intro=_(
                "A CSV file with one row for each line, or a ReceiptAdvice or DespatchAdvice in "
                "UBL. A receipt that is here already is brought to what the file says."
            ),
            run=services.import_goods_receipts,
        ),
    )


@require_GET
@member_page
def example(request: HttpRequest) -> HttpResponse:
    return example_table(EXAMPLE, "goods-receipts.csv")
