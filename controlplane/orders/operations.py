"""Node operations on orders."""

import uuid
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from controlplane.core.actor import Actor
from controlplane.events.services import EventUnknown
from controlplane.nodes.declaration import OperationInput, OperationOutput, operation
from controlplane.orders import services
from controlplane.orders.normal import amount_text
from controlplane.orders.payload import OrderUnreadable


class ReviewInput(OperationInput):
    event_id: uuid.UUID = Field(
        description="The event that brought the order, from the Pergola Trigger",
        json_schema_extra={"n8n": {"label": "Event ID", "default": "={{ $json.event_id }}"}},
    )


class OrderReasonOutput(BaseModel):
    model_config = ConfigDict(frozen=True)

    code: str = Field(description="Stable name of the reason, for example over_limit")
    message: str = Field(description="The reason in a sentence")
    verdict: Literal["hold", "reject"] = Field(description="What this reason alone asks for")
    policy: str = Field(description="The policy that gave it; empty where none could")


class OrderAmountOutput(BaseModel):
    model_config = ConfigDict(frozen=True)

    amount: str = Field(description="In major units, as text, so that it stays exact: 12.50")
    currency: str = Field(description="ISO 4217 code; XXX where the shop named none")


class ReviewOutput(OperationOutput):
    order_id: uuid.UUID = Field(description="The order in Pergola; later nodes ask for it")
    number: str = Field(description="The shop's number for the order, for example #1001")
    verdict: Literal["accept", "hold", "reject"] = Field(
        description="The strictest of all reasons: accept, hold for a person, or reject"
    )
    reasons: list[OrderReasonOutput] = Field(
        description="Why it is not accepted, every reason listed"
    )
    total: OrderAmountOutput = Field(description="What the buyer was asked for")
    decision_id: uuid.UUID = Field(description="The decision, kept with its input's hash")
    url: str = Field(description="The order's page in the portal")


class RecordOrderOutcomeInput(OperationInput):
    order_id: uuid.UUID = Field(
        description="The order, from Review or from what was approved",
        json_schema_extra={
            "n8n": {
                "label": "Order ID",
                "default": "={{ $json.order_id || $json.subject_id }}",
            }
        },
    )
    outcome: Literal["accepted", "rejected"] = Field(description="What became of the order")
    note: str = Field(
        default="",
        description="What should be remembered about it",
        max_length=2000,
        json_schema_extra={"n8n": {"multiline": True}},
    )


class RecordOrderOutcomeOutput(OperationOutput):
    order_id: uuid.UUID = Field(description="The order in Pergola")
    number: str = Field(description="The shop's number for the order")
    outcome: Literal["accepted", "rejected"] = Field(description="What was recorded")
    recorded_at: datetime = Field(description="When it was recorded first")
    audit_sequence: int = Field(description="The entry's number in the tenant's audit trail")


@operation(
    resource="order",
    name="review",
    action="Review an order",
    scope="orders:review",
    errors=(EventUnknown, services.EventHoldsNoOrder, OrderUnreadable),
)
def review(data: ReviewInput, *, by: Actor) -> ReviewOutput:
    """Judge an order by the tenant's policies: accept, hold or reject, with reasons."""
    reviewed = services.review_order(event_id=data.event_id, by=by)
    order, decision = reviewed.order, reviewed.decision
    return ReviewOutput.model_validate(
        {
            "order_id": order.pk,
            "number": order.number,
            "verdict": decision.verdict,
            "reasons": decision.reasons,
            "total": {"amount": amount_text(order.money), "currency": order.currency},
            "decision_id": decision.pk,
            "url": services.order_link(order),
        }
    )


@operation(
    resource="order",
    name="record_outcome",
    action="Record what became of an order",
    scope="orders:record",
    errors=(services.OrderUnknown, services.OutcomeRecorded, services.OutcomeNotAllowed),
)
def record_outcome(data: RecordOrderOutcomeInput, *, by: Actor) -> RecordOrderOutcomeOutput:
    """Record that an order was accepted or rejected, once and for all."""
    order = services.record_outcome(
        order_id=data.order_id, outcome=data.outcome, note=data.note, by=by
    )
    return RecordOrderOutcomeOutput.model_validate(
        {
            "order_id": order.pk,
            "number": order.number,
            "outcome": order.outcome,
            "recorded_at": order.outcome_at,
            "audit_sequence": order.outcome_sequence,
        }
    )
