"""The business events that Pergola knows: what a trigger can listen to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class EventType:
    """`name` is `<noun>.<past participle>`, stable, and part of every template."""

    name: str
    label: str
    description: str


MESSAGE_RECEIVED = "message.received"
MAIL_RECEIVED = "mail.received"
FILE_RECEIVED = "file.received"

_KNOWN = (
    EventType("order.created", "Order Created", "A shop reports a new order"),
    EventType("order.updated", "Order Updated", "A shop reports that an order was changed"),
    EventType("order.cancelled", "Order Cancelled", "A shop reports that an order was cancelled"),
    EventType("invoice.received", "Invoice Received", "An invoice of a supplier came in"),
    EventType("ticket.received", "Ticket Received", "A customer asks for help"),
    EventType(MESSAGE_RECEIVED, "Message Received", "A system reports something of its own"),
    EventType(MAIL_RECEIVED, "Mail Received", "An e-mail came in"),
    EventType(FILE_RECEIVED, "File Received", "A file was dropped"),
)

EVENT_TYPES: dict[str, EventType] = {event_type.name: event_type for event_type in _KNOWN}
