"""What a trigger wants of the events of its types, and an event to try it with."""

import uuid
from dataclasses import dataclass

from django.db import transaction

from controlplane.core.actor import Actor
from controlplane.events import delivery, listening, places
from controlplane.events.models import Delivery, Event, Subscription

LOOKED_THROUGH = 500


@dataclass(frozen=True)
class Wanted:
    """Empty: all. `sources` are short names; in `subject` a star stands for any text."""

    sources: frozenset[str] = frozenset()
    subject: str = ""

    def takes(self, event: Event) -> bool:
        if self.sources and event.source.slug not in self.sources:
            return False
        return not self.subject or fits(event.subject, self.subject)


def fits(text: str, pattern: str) -> bool:
    """Whether the whole text is as the pattern says, whichever way letters are written."""
    text, (first, *rest) = text.casefold(), pattern.casefold().split("*")
    if not rest:
        return text == first
    if not text.startswith(first):
        return False
    *middle, last = rest
    at = len(first)
    for part in middle:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return len(text) - len(last) >= at and text.endswith(last)


@transaction.atomic
def claim_wanted(
    *, delivery_id: uuid.UUID, token: str, wanted: Wanted, by: Actor
) -> Delivery | None:
    """As `delivery.claim`. One that is not wanted is settled and starts nothing: None.

    Raises DeliveryUnknown or DeliveryClaimed.
    """
    found = delivery.claim(delivery_id=delivery_id, token=token, by=by)
    is_wanted = wanted.takes(found.event)
    if not is_wanted:
        delivery.mark_delivered(found)
    assert found.subscription is not None  # claim saw to it
    places.fill(found.subscription)
    return found if is_wanted else None


@transaction.atomic
def offer_newest(subscription: Subscription, wanted: Wanted) -> Delivery | None:
    """Send an editor that listens the newest event that it would get; None where there is none.

    It came in before and may have been handled: the trigger marks it a test.
    """
    newest = Event.objects.recent().filter(type__in=subscription.event_types).defer("body")
    for event in newest[:LOOKED_THROUGH]:
        if wanted.takes(event):
            # Somebody who listens once more wants it once more.
            subscription.deliveries.filter(event=event).delete()
            return listening.start(event, subscription)
    return None
