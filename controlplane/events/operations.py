"""Node operations on events; those on exceptions stand beside these."""

import json
import uuid

from pydantic import Field, JsonValue

from controlplane.core.actor import Actor
from controlplane.core.keyset import LONGEST, PageUnknown, page_after
from controlplane.events import cloudevents, delivery, services
from controlplane.events.exceptions import operations as exceptions
from controlplane.events.intake import EventIdReused
from controlplane.events.models import Event
from controlplane.events.operation_rows import (
    EventOutput,
    FetchedEventOutput,
    listed_event,
)
from controlplane.nodes.declaration import OperationInput, OperationOutput, operation
from tenants.context import current_tenant

__all__ = ["emit_event", "exceptions", "fetch_event", "get_event", "list_events"]


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
        default="",
        description="Only events of this type, such as order.created",
        max_length=60,
        json_schema_extra={"n8n": {"choices": "event_types"}},
    )
    source: str = Field(
        default="",
        description="Only events of the source with this short name",
        max_length=40,
        json_schema_extra={"n8n": {"choices": "sources"}},
    )
    subject: str = Field(
        default="", description="Only events about this, such as #1001", max_length=200
    )
    cloudevents: bool = Field(
        default=False,
        description="Whether to return them as CloudEvents 1.0, too, without their data",
        json_schema_extra={"n8n": {"label": "CloudEvents"}},
    )
    limit: int = Field(default=50, ge=1, description="Max number of results to return")
    after: str = Field(
        default="",
        description="The next_page of the call before, to go on there; empty: from the start",
        max_length=LONGEST,
    )


class ListEventsOutput(OperationOutput):
    events: list[EventOutput] = Field(description="The newest first")
    cloudevents: list[dict[str, JsonValue]] = Field(
        description="The same as CloudEvents; empty where that was not asked for"
    )
    next_page: str = Field(description="Pass it on as after for more; empty where there are none")


class EmitEventInput(OperationInput):
    type: str = Field(
        default="message.received",
        description="What happened, one of the types that triggers listen to",
        max_length=60,
        json_schema_extra={"n8n": {"choices": "event_types"}},
    )
    subject: str = Field(
        default="", description="What it is about, such as an order's number", max_length=200
    )
    payload: dict[str, JsonValue] = Field(
        description="What to tell the workflows that listen, as an object"
    )
    external_id: str = Field(
        description="A number of its own; again with the same payload it is the same event",
        min_length=1,
        max_length=200,
        json_schema_extra={
            "n8n": {"label": "External ID", "default": "={{ $execution.id }}:{{ $itemIndex }}"}
        },
    )


class EmitEventOutput(EventOutput):
    duplicate: bool = Field(description="Whether it was there before")


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


@operation(
    resource="event",
    name="list",
    action="List events",
    scope="events:read",
    read_only=True,
    rows="events",
    pages="next_page",
    errors=(PageUnknown,),
    simplified=("event_id", "type", "source", "subject", "received_at"),
)
def list_events(data: ListEventsInput, *, by: Actor) -> ListEventsOutput:
    """Find the newest events, by type, source and subject."""
    found = Event.objects.recent().defer("body")
    given = {"type": data.type, "source__slug": data.source, "subject": data.subject}
    found = found.filter(**{name: value for name, value in given.items() if value})
    events, next_page = page_after(
        found, by="-received_at", after=data.after, limit=min(data.limit, 500)
    )
    shown = events if data.cloudevents else []
    return ListEventsOutput.model_validate(
        {
            "events": [listed_event(event) for event in events],
            "cloudevents": [cloudevents.presented(event, with_data=False) for event in shown],
            "next_page": next_page,
        }
    )


@operation(
    resource="event",
    name="emit",
    action="Emit an event",
    scope="events:emit",
    errors=(services.EventTypeUnknown, EventIdReused),
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
