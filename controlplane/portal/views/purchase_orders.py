"""Purchase orders: what was ordered, and how much of it arrived and was invoiced so far."""

import uuid

from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from controlplane.invoices import services
from controlplane.invoices.models import GoodsReceipt, GoodsReceiptLine, Invoice, PurchaseOrder
from controlplane.invoices.procurement.progress import progress_of
from controlplane.portal import lists
from controlplane.portal.doors import member_page, requires
from controlplane.portal.invoices.bars import progress_bars
from controlplane.portal.views.imports import Import, example_table, imported
from tenants.permissions import Permission

EVERY = "all"
LINES_PER_PAGE = 50
MOST_LINKED = 50

# Names of columns and figures, so in no language.
EXAMPLE = """\
order_number,supplier_name,currency,ordered_at,line_id,seller_item_id,description,quantity,unit,unit_price
PO-2026-0101,Nordwind Papier GmbH,EUR,2026-03-02,10,NW-A4-80,Copy paper A4 80 g,100,C62,3.90
PO-2026-0101,Nordwind Papier GmbH,EUR,2026-03-02,20,NW-ENV-C5,Envelopes C5,40,C62,7.25
"""


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    status = lists.chosen(request, "status", [EVERY, *PurchaseOrder.Status.values], default=EVERY)
    rows = PurchaseOrder.objects.annotate(line_count=Count("lines"))
    shown = lists.listing(
        request,
        rows if status == EVERY else rows.filter(status=status),
        search_in=["number", "supplier_name"],
        sorts={"number": "number", "supplier": "supplier_name", "ordered": "ordered_at"},
        default_sort="-ordered",
    )
    context = {
        "section": "invoices",
        "part": "purchase_orders",
        "listing": shown,
        "list_id": "purchase-orders",
        "status": status,
        "statuses": [(EVERY, _("All")), *PurchaseOrder.Status.choices],
    }
    return lists.page_or_part(
        request, "portal/procurement/orders.html", "portal/procurement/_orders.html", context
    )


@require_GET
@member_page
@requires(Permission.PAYLOAD)
def detail(request: HttpRequest, purchase_order_id: uuid.UUID) -> HttpResponse:
    order = get_object_or_404(PurchaseOrder, pk=purchase_order_id)
    lines = Paginator(progress_of(order), LINES_PER_PAGE).get_page(request.GET.get("page"))
    received = GoodsReceiptLine.objects.of_orders({order.number})
    context = {
        "section": "invoices",
        "order": order,
        "lines": lines,
        "rows": [
            (
                each.line,
                progress_bars(each.line.quantity, each.received, each.announced, each.invoiced),
                each.announced,
            )
            for each in lines.object_list
        ],
        "receipts": GoodsReceipt.objects.filter(pk__in=received.values("receipt"))[:MOST_LINKED],
        "invoices": Invoice.objects.filter(
            pk__in=Invoice.objects.filter(lines__order_line__order=order).values("pk")
        ).defer("text", "normal", "fields", "findings", "match")[:MOST_LINKED],
    }
    return TemplateResponse(request, "portal/procurement/order.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def import_file(request: HttpRequest) -> HttpResponse:
    return imported(
        request,
        Import(
            part="purchase_orders",
            title=_("Import purchase orders"),
            intro=_(
                "A CSV file with one row for each line, or an Order in UBL. An order that is here "
                "already is brought to what the file says."
            ),
            run=services.import_purchase_orders,
        ),
    )


@require_GET
@member_page
def example(request: HttpRequest) -> HttpResponse:
    return example_table(EXAMPLE, "purchase-orders.csv")
