"""Operations that use every kind of field; declared by hand, so that nothing is registered."""

import uuid
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from controlplane.nodes.operation import Operation, OperationInput, OperationOutput


class Priority(StrEnum):
    LOW = "low"
    HIGH = "high"


class Address(BaseModel):
    city: str = Field(description="The city")


class EveryKindInput(OperationInput):
    text: str = Field(description="Some text. It may be long")
    flag: bool = Field(description="Whether to be quick.")
    count: int = Field(description="How many", ge=1, le=9)
    amount: Decimal = Field(description="How much")
    outcome: Literal["rejected", "accepted"] = Field(description="How it ended")
    priority: Priority = Field(description="How urgent it is")
    tags: list[str] = Field(description="Words for it")
    data: dict[str, Any] = Field(description="Anything else")
    address: Address = Field(description="Where")
    event_id: uuid.UUID = Field(
        description="Which event", json_schema_extra={"n8n": {"default": "={{ $json.event_id }}"}}
    )
    due_at: datetime = Field(description="By when")
    note: str | None = Field(
        default=None, description="It's a note", json_schema_extra={"n8n": {"multiline": True}}
    )
    expires_in_hours: int = Field(default=72, description="How long it stays open", ge=1)
    kind: str = Field(
        default="order", description="Which kind", json_schema_extra={"n8n": {"shown": True}}
    )
    resume_url: str = Field(
        default="", description="Where to go on", json_schema_extra={"n8n": {"hidden": True}}
    )


class Reason(BaseModel):
    code: str = Field(description="The reason's name")


class SampleOutput(OperationOutput):
    reasons: list[Reason] = Field(description="Why")
    total: Decimal | None = Field(description="How much")


class GetInput(OperationInput):
    thing_id: uuid.UUID = Field(
        description="Which one", json_schema_extra={"n8n": {"label": "The Thing"}}
    )


def _handle(data: OperationInput, *, by: object) -> SampleOutput:
    raise NotImplementedError


@pytest.fixture(scope="module")
def every_kind() -> Operation:
    return Operation(
        resource="sample",
        name="try_all",
        title="Try All",
        action="Try all kinds.",
        description="Try every kind of field.",
        scope="samples:write",
        input_model=EveryKindInput,
        output_model=SampleOutput,
        handler=_handle,
    )


@pytest.fixture(scope="module")
def get_thing() -> Operation:
    return Operation(
        resource="sample",
        name="get",
        title="Get",
        action="Get a thing",
        description="Get a thing.",
        scope="samples:read",
        input_model=GetInput,
        output_model=SampleOutput,
        handler=_handle,
        read_only=True,
    )
