"""What a person who approves is shown of an order."""

import uuid

from controlplane.approvals.subjects import Subject, SubjectUnknown
from controlplane.core.errors import FieldError
from controlplane.orders.models import Order
from controlplane.orders.services import SUBJECT
from controlplane.policies.services import overriders_of

_LINES_SHOWN = 20


def describe_order(order_id: uuid.UUID) -> Subject:
    """Raises SubjectUnknown. A new decision on the order needs a new approval: the revision."""
    try:
        order = Order.objects.get(pk=order_id)
    except Order.DoesNotExist:
        raise SubjectUnknown(
            f"This tenant has no order {order_id}. Pass on the order_id of Review an order.",
            errors=(FieldError("subject_id", "names no order"),),
        ) from None
    return Subject(
        kind=SUBJECT,
        id=order.pk,
        title=f"Order {order.number}",
        summary=_summary(order),
        revision=str(order.decision_id or ""),
        caused_by=overriders_of(order.decision_id),
        reasons=order.reasons,
        amount=order.money,
    )


def _summary(order: Order) -> str:
    """Who, where to, what: a line of text each."""
    buyer = ", ".join(filter(None, (order.buyer_name, order.buyer_company, order.buyer_email)))
    place = order.ship_to or {}
    names = ("name", "company", "address1", "address2", "postal_code", "city", "country")
    ship_to = ", ".join(place[name] for name in names if place.get(name))
    lines = list(order.lines.all()[: _LINES_SHOWN + 1])
    told = [f"{line.quantity} × {line.title or line.sku}" for line in lines[:_LINES_SHOWN]]
    if len(lines) > _LINES_SHOWN:
        told.append(f"and {order.lines.count() - _LINES_SHOWN} more lines")
    parts = (
        f"Buyer: {buyer}" if buyer else "",
        f"Ship to: {ship_to}" if ship_to else "No shipping address",
        *told,
        f"Note: {order.note}" if order.note else "",
    )
    return "\n".join(filter(None, parts))
