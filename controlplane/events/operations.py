"""Node operations on events and exceptions."""

import json
import uuid
from typing import Any, Literal

from pydantic import Field, JsonValue

from controlplane.core.actor import Actor
from controlplane.events import cloudevents, delivery, services
from controlplane.events.exceptions import handling
from controlplane.events.exceptions.opening import open_case
from controlplane.events.models import Event, ExceptionCase
from controlplane.events.operation_rows import (
    EventOutput,
    ExceptionOutput,
    FetchedEventOutput,
    listed_event,
    shown_case,
)
from controlplane.nodes.declaration import OperationInput, OperationOutput, operation
from tenants.context import current_tenant

Failures = Literal[
    "connection", "timeout", "rate_limit", "rejected", "policy", "missing_data", "duplicate",
    "parse", "vanished_run",
]  # fmt: skip


def _exception_id() -> Any:
    return Field(
        description="The exception, from Open or List",
        json_schema_extra={
            "n8n": {"label": "Exception ID", "default": "={{ $json.exception_id }}"}
        },
    )


def _limit() -> Any:
    return Field(default=50, ge=1, description="Max number of results to return")


class GetEventInput(OperationInput):
    event_id: uuid.UUID = Field(
        description="The event, from the Pergola Trigger",
        json_schema_extra={"n8n": {"label": "Event ID", "default": "={{ $json.event_id }}"}},
    )
    cloudevent: bool = Field(
        default=False,
        description="Whether to return it in the form of CloudEvents 1.0, too",
        json_schema_extra={"n8n": {"label": "CloudEvent"}},
    )


class GetEventOutput(EventOutput):
    payload: dict[str, JsonValue] = Field(description="The body as the source sent it")
    cloudevent: dict[str, JsonValue] = Field(
        description="The event as a CloudEvent; empty where that was not asked for"
    )


class FetchEventInput(OperationInput):
    delivery_id: uuid.UUID = Field(
        description="The delivery, from the body that reached the Webhook",
        json_schema_extra={
            "n8n": {"label": "Delivery ID", "default": "={{ $json.body.delivery_id }}"}
        },
    )
    token: str = Field(
        description="Its one-time token, from there too",
        min_length=1,
        max_length=200,
        json_schema_extra={"n8n": {"default": "={{ $json.body.token }}", "secret": True}},
    )


class ListEventsInput(OperationInput):
    type: str = Field(
        default="", description="Only events of this type, such as order.created", max_length=60
    )
    source: str = Field(
        default="", description="Only events of the source with this short name", max_length=40
    )
    subject: str = Field(
        default="", description="Only events about this, such as #1001", max_length=200
    )
    cloudevents: bool = Field(
        default=False,
        description="Whether to return them as CloudEvents 1.0, too, without their data",
        json_schema_extra={"n8n": {"label": "CloudEvents"}},
    )
    limit: int = _limit()


class ListEventsOutput(OperationOutput):
    events: list[EventOutput] = Field(description="The newest first")
    cloudevents: list[dict[str, JsonValue]] = Field(
        description="The same as CloudEvents; empty where that was not asked for"
    )


class EmitEventInput(OperationInput):
    type: str = Field(
        default="message.received",
        description="What happened, one of the types that triggers listen to",
        max_length=60,
    )
    subject: str = Field(
        default="", description="What it is about, such as an order's number", max_length=200
    )
    payload: dict[str, JsonValue] = Field(
        description="What to tell the workflows that listen, as an object"
    )
    external_id: str = Field(
        description="A number of its own: the same one again is the same event",
        min_length=1,
        max_length=200,
        json_schema_extra={
            "n8n": {"label": "External ID", "default": "={{ $execution.id }}:{{ $itemIndex }}"}
        },
    )


class EmitEventOutput(EventOutput):
    duplicate: bool = Field(description="Whether it was there before")


class OpenExceptionInput(OperationInput):
    type: Failures = Field(default="missing_data", description="What sort of failure it is")
    summary: str = Field(
        description="What went wrong, in a few words", min_length=1, max_length=300
    )
    detail: str = Field(
        default="",
        description="What whoever handles it should know",
        max_length=10_000,
        json_schema_extra={"n8n": {"multiline": True}},
    )
    event_id: uuid.UUID | None = Field(
        default=None,
        description="The event that it is about; it is sent again on a retry",
        json_schema_extra={"n8n": {"label": "Event ID"}},
    )
    subject: str = Field(
        default="", description="What it is about, where that is no event", max_length=200
    )


class GetExceptionInput(OperationInput):
    exception_id: uuid.UUID = _exception_id()


class ListExceptionsInput(OperationInput):
    status: Literal["unresolved", "open", "retrying", "resolved", "all"] = Field(
        default="unresolved", description="Only those in this state"
    )
    type: Literal["", "connection", "timeout", "rate_limit", "rejected", "policy", "missing_data",
                  "duplicate", "parse", "vanished_run"] = Field(
        default="", description="Only those of this type; empty for every"
    )  # fmt: skip
    overdue: bool = Field(default=False, description="Whether to return only overdue ones")
    limit: int = _limit()


class ListExceptionsOutput(OperationOutput):
    exceptions: list[ExceptionOutput] = Field(description="The soonest due first")


class AssignExceptionInput(OperationInput):
    exception_id: uuid.UUID = _exception_id()
    assignee: str = Field(
        default="", description="Name of the person; empty for nobody", max_length=200
    )


class CommentExceptionInput(OperationInput):
    exception_id: uuid.UUID = _exception_id()
    text: str = Field(
        description="What to say",
        min_length=1,
        max_length=4000,
        json_schema_extra={"n8n": {"multiline": True}},
    )


class ResolveExceptionInput(OperationInput):
    exception_id: uuid.UUID = _exception_id()
    resolution: Literal["by_hand", "dismissed"] = Field(
        default="by_hand", description="What became of it"
    )
    text: str = Field(
        default="",
        description="How it was handled",
        max_length=2000,
        json_schema_extra={"n8n": {"multiline": True}},
    )


class RetryExceptionInput(OperationInput):
    exception_id: uuid.UUID = _exception_id()


@operation(
    resource="event",
    name="get",
    action="Get an event",
    scope="events:read",
    read_only=True,
    errors=(services.EventUnknown,),
)
def get_event(data: GetEventInput, *, by: Actor) -> GetEventOutput:
    """Read an event with its body, as it came in or as a CloudEvent."""
    event = services.get_event(data.event_id)
    return GetEventOutput.model_validate(
        {
            **listed_event(event),
            "payload": json.loads(event.body),
            "cloudevent": cloudevents.presented(event) if data.cloudevent else {},
        }
    )


@operation(
    resource="event",
    name="fetch",
    action="Fetch the event of a delivery",
    scope="events:subscribe",
    errors=(delivery.DeliveryUnknown, delivery.DeliveryClaimed),
)
def fetch_event(data: FetchEventInput, *, by: Actor) -> FetchedEventOutput:
    """Take what a Webhook was called for: the first step of a workflow that begins with one."""
    fetched = services.fetch_delivered(delivery_id=data.delivery_id, token=data.token, by=by)
    return FetchedEventOutput.model_validate(
        {
            **listed_event(fetched.event),
            "environment": current_tenant().environment,
            "delivery_id": fetched.pk,
        }
    )


@operation(resource="event", name="list", action="List events", scope="events:read", read_only=True)
def list_events(data: ListEventsInput, *, by: Actor) -> ListEventsOutput:
    """Find the newest events, by type, source and subject."""
    found = Event.objects.recent().defer("body")
    given = {"type": data.type, "source__slug": data.source, "subject": data.subject}
    found = found.filter(**{name: value for name, value in given.items() if value})
    events = list(found[: min(data.limit, 500)])
    shown = events if data.cloudevents else []
    return ListEventsOutput.model_validate(
        {
            "events": [listed_event(event) for event in events],
            "cloudevents": [cloudevents.presented(event, with_data=False) for event in shown],
        }
    )


@operation(
    resource="event",
    name="emit",
    action="Emit an event",
    scope="events:emit",
    errors=(services.EventTypeUnknown,),
)
def emit_event(data: EmitEventInput, *, by: Actor) -> EmitEventOutput:
    """Tell every workflow that listens that something happened."""
    received = services.emit(
        type=data.type,
        subject=data.subject,
        body=dict(data.payload),
        external_id=data.external_id,
        by=by,
    )
    return EmitEventOutput.model_validate(
        {**listed_event(received.event), "duplicate": received.is_duplicate}
    )


@operation(
    resource="exception",
    name="open",
    action="Open an exception",
    scope="exceptions:open",
    errors=(services.EventUnknown,),
)
def open_exception(data: OpenExceptionInput, *, by: Actor) -> ExceptionOutput:
    """Say that something went wrong, so that it has an owner and a clock."""
    event = services.get_event(data.event_id) if data.event_id else None
    execution = by.execution
    what = f"event:{event.pk}" if event else f"subject:{data.subject}:{data.summary}"[:150]
    case = open_case(
        type=data.type,
        fingerprint=f"workflow:{by.installation_id or by.id}:{data.type}:{what}"[:200],
        event=event,
        subject=data.subject,
        summary=data.summary,
        detail=data.detail,
        workflow_id=execution.workflow_id if execution else "",
        execution_id=execution.execution_id if execution else "",
        by=by,
    )
    return ExceptionOutput.model_validate(shown_case(case))


@operation(
    resource="exception",
    name="get",
    action="Get an exception",
    scope="exceptions:read",
    read_only=True,
    errors=(handling.ExceptionUnknown,),
)
def get_exception(data: GetExceptionInput, *, by: Actor) -> ExceptionOutput:
    """Read an exception: what it is, whose it is and by when."""
    return ExceptionOutput.model_validate(shown_case(handling.get_case(data.exception_id)))


@operation(
    resource="exception",
    name="list",
    action="List exceptions",
    scope="exceptions:read",
    read_only=True,
)
def list_exceptions(data: ListExceptionsInput, *, by: Actor) -> ListExceptionsOutput:
    """Find exceptions by state and type, the soonest due first."""
    found = ExceptionCase.objects.select_related("event").defer("body", "headers")
    if data.status == "unresolved":
        found = found.unresolved()
    elif data.status != "all":
        found = found.filter(status=data.status)
    found = found.filter(type=data.type) if data.type else found
    found = found.overdue() if data.overdue else found
    rows = found.order_by("due_at", "pk")[: min(data.limit, 500)]
    return ListExceptionsOutput.model_validate({"exceptions": [shown_case(one) for one in rows]})


@operation(
    resource="exception",
    name="assign",
    action="Assign an exception",
    scope="exceptions:handle",
    errors=(handling.ExceptionUnknown, handling.ExceptionResolved),
)
def assign_exception(data: AssignExceptionInput, *, by: Actor) -> ExceptionOutput:
    """Give an exception to somebody."""
    case = handling.get_case(data.exception_id)
    done = handling.assign(case=case, assignee_id="", assignee=data.assignee, by=by)
    return ExceptionOutput.model_validate(shown_case(done))


@operation(
    resource="exception",
    name="comment",
    action="Comment on an exception",
    scope="exceptions:handle",
    errors=(handling.ExceptionUnknown,),
)
def comment_exception(data: CommentExceptionInput, *, by: Actor) -> ExceptionOutput:
    """Add to an exception's story."""
    case = handling.get_case(data.exception_id)
    return ExceptionOutput.model_validate(
        shown_case(handling.comment(case=case, text=data.text, by=by))
    )


@operation(
    resource="exception",
    name="resolve",
    action="Resolve an exception",
    scope="exceptions:handle",
    errors=(handling.ExceptionUnknown, handling.ExceptionResolved),
)
def resolve_exception(data: ResolveExceptionInput, *, by: Actor) -> ExceptionOutput:
    """Close an exception that was handled, or that needs nothing."""
    case = handling.get_case(data.exception_id)
    done = handling.resolve(case=case, resolution=data.resolution, text=data.text, by=by)
    return ExceptionOutput.model_validate(shown_case(done))


@operation(
    resource="exception",
    name="retry",
    action="Retry an exception",
    scope="exceptions:handle",
    errors=(
        handling.ExceptionUnknown,
        handling.ExceptionResolved,
        handling.NothingToRetry,
    ),
)
def retry_exception(data: RetryExceptionInput, *, by: Actor) -> ExceptionOutput:
    """Send the event of an exception to its workflow once more."""
    case = handling.get_case(data.exception_id)
    return ExceptionOutput.model_validate(shown_case(handling.retry(case=case, by=by)))
