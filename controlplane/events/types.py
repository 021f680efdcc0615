"""The business events that Pergola knows: what a trigger can listen to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EventType:
    """`name` is `<noun>.<past participle>`, stable, and part of every template."""

    name: str
    label: str
    description: str


_KNOWN = (
    EventType("order.created", "Order Created", "A shop reports a new order"),
    EventType("order.updated", "Order Updated", "A shop reports that an order was changed"),
    EventType("order.cancelled", "Order Cancelled", "A shop reports that an order was cancelled"),
    EventType("invoice.received", "Invoice Received", "An invoice of a supplier came in"),
    EventType("ticket.received", "Ticket Received", "A customer asks for help"),
)

EVENT_TYPES: dict[str, EventType] = {event_type.name: event_type for event_type in _KNOWN}
