"""Pergola's door: a node operation as any other."""

from decimal import Decimal

from pydantic import Field

from bench.shop.work import review_order, take_order
from controlplane.core.actor import Actor
from controlplane.nodes.declaration import OperationInput, OperationOutput, operation


class LineInput(OperationInput):
    sku: str = Field(description="The article", max_length=200)
    title: str = Field(description="Its name", max_length=200)
    quantity: int = Field(description="How many", gt=0)
    unit_price: Decimal = Field(description="For one", ge=0, max_digits=20, decimal_places=4)


class OrderInput(OperationInput):
    number: str = Field(description="The order's number", max_length=60)
    currency: str = Field(description="ISO 4217", pattern=r"^[A-Z]{3}$")
    lines: list[LineInput] = Field(description="What was ordered", min_length=1, max_length=100)


class OrderOutput(OperationOutput):
    order_id: str = Field(description="Its ID")
    verdict: str = Field(description="What the policy says")


@operation(resource="bench", name="take", action="Take an order", scope="orders:review")
def take(data: OrderInput, *, by: Actor) -> OrderOutput:
    """Judge an order by one rule and keep it."""
    return OrderOutput(**take_order(**data.model_dump(), by=by))


@operation(resource="bench", name="review", action="Review an order", scope="orders:review")
def review(data: OrderInput, *, by: Actor) -> OrderOutput:
    """Judge an order by the tenant's policy and keep it with decision and lines."""
    return OrderOutput(**review_order(**data.model_dump(), by=by))
