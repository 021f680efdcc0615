"""Orders that were judged and approvals that wait, made as n8n's nodes have them made."""

import uuid
from datetime import timedelta
from typing import Any

from controlplane.approvals import services
from controlplane.approvals.models import Approval
from controlplane.core.actor import Actor, ActorKind, Execution
from controlplane.orders.models import Order
from controlplane.orders.services import review_order
from tests.factories.events import NOWHERE, make_event


def make_execution_actor(execution_id: str = "71", node: str = "Ask a person") -> Actor:
    """A machine that calls on behalf of an n8n execution."""
    execution = Execution("wf1", execution_id, node)
    return Actor(ActorKind.MACHINE, "key-1", "Test key", execution=execution)


def make_order(number: int = 1001, **changes: Any) -> Order:
    """Received and judged. `refunded=True`-like changes go into Shopify's payload."""
    event = make_event(number=number, **changes)
    return review_order(event_id=event.pk, by=make_execution_actor(node="Review")).order


def make_approval(
    order: Order | None = None,
    *,
    execution_id: str = "71",
    url: str = NOWHERE,
    hours: int = 72,
    subject_id: uuid.UUID | None = None,
) -> Approval:
    """Asked for by an execution that waits at `url`/webhook-waiting/<execution>."""
    return services.request_approval(
        subject_type="order",
        subject_id=subject_id or (order or make_order()).pk,
        note="Please look at the address.",
        expires_in=timedelta(hours=hours),
        resume_url=f"{url}/webhook-waiting/{execution_id}" if execution_id else "",
        by=make_execution_actor(execution_id or "71"),
    )
