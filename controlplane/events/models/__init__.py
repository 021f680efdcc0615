"""Sources, the events that came in, who listens, what was delivered, and what went wrong.

All stand in the tenant's schema but the outbox, which one relay reads for every tenant.
"""

from controlplane.events.models.events import (
    Delivery,
    Event,
    LedgerEntry,
    OutboxMessage,
    Pause,
    Source,
    Subscription,
)
from controlplane.events.models.exceptions import ExceptionCase, ExceptionNote
from controlplane.events.models.failures import Failure

__all__ = [
    "Delivery",
    "Event",
    "ExceptionCase",
    "ExceptionNote",
    "Failure",
    "LedgerEntry",
    "OutboxMessage",
    "Pause",
    "Source",
    "Subscription",
]
