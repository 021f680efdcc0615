"""Judging an order, and recording what became of it."""

import uuid
from dataclasses import asdict, dataclass, replace

from django.db import transaction
from django.utils import timezone

from controlplane.approvals.standing import why_not_approved
from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.events.models import Event
from controlplane.events.services import attach_execution, get_event
from controlplane.orders.contexts import CONTEXT, facts_of
from controlplane.orders.models import Order, OrderLine
from controlplane.orders.normal import NormalOrder, amount_text
from controlplane.orders.shops import normalize_order
from controlplane.policies.models import Decision
from controlplane.policies.parameters import parameters_for
from controlplane.policies.services import evaluate, record_decision_outcome
from controlplane.policies.verdicts import Verdict
from tenants.context import current_tenant

SUBJECT = "order"


class EventHoldsNoOrder(DomainError):
    code = "event_holds_no_order"
    status = 422
    title = "The event is not about an order"


class OrderUnknown(DomainError):
    code = "order_unknown"
    status = 404
    title = "No such order"


class OutcomeRecorded(DomainError):
    code = "outcome_recorded"
    status = 409
    title = "The order has another outcome already"


class OutcomeNotAllowed(DomainError):
    code = "outcome_not_allowed"
    status = 409
    title = "The order cannot be accepted"


@dataclass(frozen=True)
class Review:
    """The order and what was decided on it because of one event."""

    order: Order
    decision: Decision


@transaction.atomic
def review_order(*, event_id: uuid.UUID, by: Actor) -> Review:
    """Read the event's order, keep it, and judge it by the tenant's policies.

    The same event again is answered with the decision that was taken, and changes nothing.
    Raises EventUnknown, EventHoldsNoOrder, OrderUnreadable.
    """
    event = get_event(event_id)
    if not event.type.startswith("order."):
        raise EventHoldsNoOrder(
            f"Event {event_id} is {event.type}. Have the Pergola Trigger listen to order events.",
            errors=(FieldError("event_id", f"is {event.type}"),),
        )
    normal = normalize_order(event.body)
    normal = replace(normal, is_test=normal.is_test or event.is_test)
    if by.execution:
        attach_execution(event, by.execution)
    order = _locked_order(normal, event)
    decided = Decision.objects.of_event(CONTEXT, SUBJECT, order.pk, event.pk)
    if decided is not None:
        return Review(order, decided)
    decision = evaluate(
        context=CONTEXT,
        subject_type=SUBJECT,
        subject_id=order.pk,
        data=facts_of(normal),
        parameters=parameters_for(by.installation_id),
        event_id=event.pk,
        by=by,
    )
    _keep(order, normal, event, decision)
    record(
        action="order.reviewed",
        subject_type=SUBJECT,
        subject_id=str(order.pk),
        data={
            "number": order.number,
            "verdict": decision.verdict,
            "reasons": [reason["code"] for reason in decision.reasons],
            "decision_id": str(decision.pk),
            "event_id": str(event.pk),
            "total": f"{amount_text(order.money)} {order.currency}",
        },
        by=by,
    )
    return Review(order, decision)


@transaction.atomic
def record_outcome(*, order_id: uuid.UUID, outcome: str, note: str, by: Actor) -> Order:
    """Say what became of the order, once; the same again is answered with what was recorded.

    An order that policies hold is accepted only with an approval of that very decision, and one
    that they reject never is. Raises OrderUnknown, OutcomeRecorded, OutcomeNotAllowed.
    """
    get_order(order_id)
    order = Order.objects.select_for_update().get(pk=order_id)
    if order.outcome == outcome:
        return order
    if order.outcome:
        raise OutcomeRecorded(
            f"Order {order.number} was {order.outcome} on {order.outcome_at:%Y-%m-%d %H:%M} UTC, "
            f"so it cannot become {outcome}. Nothing was changed.",
            errors=(FieldError("outcome", f"is {order.outcome} already"),),
        )
    if outcome == Order.Outcome.ACCEPTED:
        _assert_acceptable(order)
    entry = record(
        action=f"order.{outcome}",
        subject_type=SUBJECT,
        subject_id=str(order.pk),
        data={
            "number": order.number,
            "verdict": order.verdict,
            "decision_id": str(order.decision_id) if order.decision_id else "",
            "note": note,
        },
        by=by,
    )
    order.outcome, order.outcome_note, order.status = outcome, note, Order.Status(outcome)
    order.outcome_at, order.outcome_sequence = timezone.now(), entry.sequence
    order.save()
    record_decision_outcome(decision_id=order.decision_id, outcome=outcome, note=note, by=by)
    return order


def get_order(order_id: uuid.UUID) -> Order:
    """Raises OrderUnknown."""
    try:
        return Order.objects.get(pk=order_id)
    except Order.DoesNotExist:
        raise OrderUnknown(
            f"This tenant has no order {order_id}. Pass on the order_id of Review an order.",
            errors=(FieldError("order_id", "names no order"),),
        ) from None


def order_link(order: Order) -> str:
    """The order's page on the tenant's host; the tenant is the one that is entered."""
    return f"{current_tenant().portal_url}/orders/{order.pk}/"


def _assert_acceptable(order: Order) -> None:
    if order.verdict == Verdict.ACCEPT:
        return
    if order.verdict != Verdict.HOLD:
        judged = "rejected by the tenant's policies" if order.verdict else "not judged yet"
        raise OutcomeNotAllowed(
            f"Order {order.number} was {judged}, so it cannot be accepted. Record it as rejected, "
            "or have the event reviewed again after the order was changed in the shop.",
            errors=(FieldError("outcome", "cannot be accepted"),),
        )
    state = why_not_approved(
        SUBJECT, order.pk, order.decision_id, changed="the order was judged again"
    )
    if not state:
        return
    raise OutcomeNotAllowed(
        f"Order {order.number} is held by the tenant's policies, and {state}. Use Approval → "
        "Request and Wait first, and record accepted only where its status is approved.",
        errors=(FieldError("outcome", "needs an approval"),),
    )


def _locked_order(normal: NormalOrder, event: Event) -> Order:
    """The order's row, made if need be, held until the commit so that reviews queue up."""
    key = {"source_slug": event.source.slug, "external_id": normal.external_id}
    Order.objects.get_or_create(
        **key,
        defaults={
            "number": normal.number,
            "currency": normal.currency,
            "placed_at": normal.placed_at or event.received_at,
        },
    )
    return Order.objects.select_for_update().get(**key)


def _keep(order: Order, normal: NormalOrder, event: Event, decision: Decision) -> None:
    """Bring the row and its lines to what the event says, and attach the decision."""
    order.number, order.currency = normal.number, normal.currency
    order.placed_at = normal.placed_at or event.received_at
    order.financial_status = normal.financial_status
    order.fulfillment_status = normal.fulfillment_status
    for name, amount in asdict(normal.totals).items():
        setattr(order, name, amount)
    for name, text in asdict(normal.buyer).items():
        setattr(order, f"buyer_{name}", text)
    order.ship_to = asdict(normal.ship_to) if normal.ship_to else None
    order.bill_to = asdict(normal.bill_to) if normal.bill_to else None
    order.tags, order.note = list(normal.tags), normal.note
    order.is_test, order.cancelled_at = normal.is_test, normal.cancelled_at
    order.problems = [asdict(problem) for problem in normal.problems]
    order.event_id = event.pk
    order.attach_review(verdict=decision.verdict, reasons=decision.reasons, decision_id=decision.pk)
    order.save()
    order.lines.all().delete()
    OrderLine.objects.bulk_create(
        OrderLine(order=order, position=position, **asdict(line))
        for position, line in enumerate(normal.lines, start=1)
    )
