"""What each door has done once the input is valid."""

from decimal import Decimal
from typing import Any

from django.db import transaction

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.orders.contexts import CONTEXT, facts_of
from controlplane.orders.models import Order, OrderLine
from controlplane.orders.normal import ZERO, Address, Buyer, Line, NormalOrder, Totals
from controlplane.policies.engine import Facts, compiled
from controlplane.policies.services import evaluate

# Money in minor units, as rules read it.
RULE = "total > 1000000 || lines.exists(line, line.quantity > 500 || line.price < 0)"


@transaction.atomic
def take_order(
    *, number: str, currency: str, lines: list[dict[str, Any]], by: Actor
) -> dict[str, Any]:
    """One rule over the lines, one row, one audit entry: mostly what the doors themselves cost."""
    total = sum((Decimal(line["unit_price"]) * line["quantity"] for line in lines), ZERO)
    facts = Facts(
        {
            "lines": [
                {
                    "sku": line["sku"],
                    "quantity": line["quantity"],
                    "price": int(Decimal(line["unit_price"]) * 100),
                }
                for line in lines
            ],
            "total": int(total * 100),
        }
    )
    verdict = "hold" if facts.satisfy(compiled(RULE)) else "accept"
    order = Order(source_slug="bench", number=number, currency=currency, total=total)
    order.external_id, order.placed_at = str(order.pk), order.created_at
    order.verdict, order.status = verdict, Order.Status.REVIEWED
    order.save(force_insert=True)
    record(
        action="order.reviewed",
        subject_type="order",
        subject_id=str(order.pk),
        data={"number": number, "verdict": verdict, "lines": [line["sku"] for line in lines]},
        by=by,
    )
    return {"order_id": str(order.pk), "verdict": verdict}


@transaction.atomic
def review_order(
    *, number: str, currency: str, lines: list[dict[str, Any]], by: Actor
) -> dict[str, Any]:
    """As Pergola's own Order → Review: the tenant's published policy, decision and lines kept."""
    total = sum((Decimal(line["unit_price"]) * line["quantity"] for line in lines), ZERO)
    order = Order(source_slug="bench", number=number, currency=currency, total=total)
    order.external_id = str(order.pk)
    order.placed_at = order.created_at
    normal = _normal(order, lines)
    decision = evaluate(
        context=CONTEXT,
        subject_type="order",
        subject_id=order.pk,
        data=facts_of(normal),
        parameters={},
        event_id=None,
        by=by,
    )
    order.attach_review(verdict=decision.verdict, reasons=decision.reasons, decision_id=decision.pk)
    order.save(force_insert=True)
    OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            position=position,
            sku=line.sku,
            title=line.title,
            quantity=line.quantity,
            unit_price=line.unit_price,
        )
        for position, line in enumerate(normal.lines, start=1)
    )
    record(
        action="order.reviewed",
        subject_type="order",
        subject_id=str(order.pk),
        data={"number": number, "verdict": decision.verdict},
        by=by,
    )
    return {"order_id": str(order.pk), "verdict": decision.verdict}


def _normal(order: Order, lines: list[dict[str, Any]]) -> NormalOrder:
    at = Address(name="Ada Sample", address1="Quay 1", city="Hamburg", country="DE")
    return NormalOrder(
        external_id=order.external_id,
        number=order.number,
        placed_at=order.placed_at,
        currency=order.currency,
        totals=Totals(subtotal=order.total, total=order.total),
        financial_status="paid",
        fulfillment_status="",
        buyer=Buyer(name="Ada Sample", email="ada@example.com"),
        ship_to=at,
        bill_to=at,
        lines=tuple(
            Line(
                line["sku"],
                line["title"],
                line["quantity"],
                Decimal(line["unit_price"]),
                ZERO,
                ZERO,
                True,
                False,
            )
            for line in lines
        ),
        tags=(),
        note="",
        is_test=False,
        cancelled_at=None,
        adds_up=True,
        problems=(),
    )
