"""An event as the trigger hands it to the workflow: a reference, with the payload on request."""

import json
from typing import Any

from controlplane.events import cloudevents
from controlplane.events.models import Delivery
from tenants.context import current_tenant


def present_delivery(
    delivery: Delivery, *, include_payload: bool, as_cloudevent: bool = False
) -> dict[str, Any]:
    """`as_cloudevent` adds that form of it, with the payload where that is included."""
    event = delivery.event
    presented: dict[str, Any] = {
        "event_id": str(event.pk),
        "type": event.type,
        "source": event.source.slug,
        "subject": event.subject,
        "received_at": event.received_at.isoformat(),
        "environment": current_tenant().environment,
        "test": event.is_test or bool(delivery.subscription and delivery.subscription.is_test),
        "delivery_id": str(delivery.pk),
    }
    if include_payload:
        presented["payload"] = json.loads(event.body)
    if as_cloudevent:
        presented["cloudevent"] = cloudevents.presented(event, with_data=include_payload)
    return presented
