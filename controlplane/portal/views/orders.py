"""Orders as Pergola read them: to look at, also from an approval and from n8n."""

import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from controlplane.approvals.models import Approval
from controlplane.orders import services
from controlplane.orders.models import Order
from controlplane.portal import lists
from controlplane.portal.doors import member_page, requires
from controlplane.portal.reasons import told
from tenants.permissions import Permission

EVERY = "all"


@require_GET
@member_page
def index(request: HttpRequest) -> HttpResponse:
    status = lists.chosen(request, "status", [EVERY, *Order.Status.values], default=EVERY)
    rows = Order.objects.all() if status == EVERY else Order.objects.with_status(status)
    shown = lists.listing(
        request,
        rows,
        search_in=["number", "buyer_name", "buyer_email", "buyer_company", "external_id"],
        sorts={
            "number": "number",
            "buyer": "buyer_name",
            "total": "total",
            "placed": "placed_at",
            "status": "status",
        },
        default_sort="-placed",
    )
    context = {
        "section": "orders",
        "listing": shown,
        "list_id": "orders",
        "status": status,
        "statuses": [(EVERY, _("All")), *Order.Status.choices],
    }
    return lists.page_or_part(
        request, "portal/orders/list.html", "portal/orders/_table.html", context
    )


@require_GET
@member_page
@requires(Permission.PAYLOAD)
def detail(request: HttpRequest, order_id: uuid.UUID) -> HttpResponse:
    order = services.get_order(order_id)
    asked = Approval.objects.filter(subject_type=services.SUBJECT, subject_id=order_id)
    context = {
        "section": "orders",
        "approvals": asked,
        "reasons": told(order.reasons, order),
        **shown_order(order_id),
    }
    return TemplateResponse(request, "portal/orders/detail.html", context)


def shown_order(order_id: uuid.UUID | None) -> dict[str, Any]:
    """For `_order.html`: the order, and each line with what it comes to before tax."""
    order = Order.objects.filter(pk=order_id).first() if order_id else None
    if order is None:
        return {"order": None, "lines": []}
    lines = [(line, line.quantity * line.unit_price - line.discount) for line in order.lines.all()]
    return {"order": order, "lines": lines}
