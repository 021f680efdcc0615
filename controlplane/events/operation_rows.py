"""Events and exceptions as the nodes give them out."""

import uuid
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from controlplane.events.models import Event, ExceptionCase
from controlplane.nodes.operation import OperationOutput


class EventOutput(OperationOutput):
    event_id: uuid.UUID = Field(description="The event; later nodes ask for it")
    type: str = Field(description="What happened, such as order.created")
    source: str = Field(description="Short name of the source that it came from")
    subject: str = Field(description="What it is about, such as #1001; may be empty")
    received_at: datetime = Field(description="When Pergola took it in")
    revision: int = Field(description="1 as it came; more for each correction")
    test: bool = Field(description="Whether it was sent by the test button")


class FetchedEventOutput(EventOutput):
    environment: Literal["production", "sandbox"] = Field(description="Where it came in")
    delivery_id: uuid.UUID = Field(description="The delivery that was fetched")


class ExceptionOutput(OperationOutput):
    exception_id: uuid.UUID = Field(description="The exception; later nodes ask for it")
    type: str = Field(description="What sort of failure it is, such as timeout")
    status: Literal["open", "retrying", "resolved"] = Field(description="Where it stands")
    resolution: str = Field(description="What became of it; empty while it is open")
    area: str = Field(description="The part of the work whose owner it belongs to")
    summary: str = Field(description="What went wrong, in a few words")
    detail: str = Field(description="What whoever handles it should know")
    subject: str = Field(description="What it is about; may be empty")
    event_id: uuid.UUID | None = Field(description="The event that it is about; null for none")
    assignee: str = Field(description="Whose it is; empty for nobody's")
    occurrences: int = Field(description="How often it happened so far")
    opened_at: datetime = Field(description="When it happened first")
    due_at: datetime = Field(description="By when somebody should have looked at it")
    is_overdue: bool = Field(description="Whether that has passed")


def listed_event(event: Event) -> dict[str, Any]:
    return {
        "event_id": event.pk,
        "type": event.type,
        "source": event.source.slug,
        "subject": event.subject,
        "received_at": event.received_at,
        "revision": event.revision,
        "test": event.is_test,
    }


def shown_case(case: ExceptionCase) -> dict[str, Any]:
    names = (
        "type", "status", "resolution", "area", "summary", "detail", "subject", "event_id",
        "assignee", "occurrences", "opened_at", "due_at", "is_overdue",
    )  # fmt: skip
    return {"exception_id": case.pk, **{name: getattr(case, name) for name in names}}
