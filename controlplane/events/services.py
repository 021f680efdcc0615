"""Changes to sources, subscriptions and events that people and triggers ask for."""

import json
import secrets
import uuid

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor, Execution
from controlplane.core.errors import DomainError, FieldError
from controlplane.events import delivery, shopify
from controlplane.events.intake import Received, receive
from controlplane.events.models import Event, Source, Subscription
from controlplane.events.samples import sample_order
from controlplane.events.types import EVENT_TYPES
from controlplane.instances.models import Workspace
from controlplane.instances.services import assert_own_url


class EventUnknown(DomainError):
    code = "event_unknown"
    status = 404
    title = "No such event"


class EventTypeUnknown(DomainError):
    code = "event_type_unknown"
    status = 422
    title = "The event type is not known"


class SourceExists(DomainError):
    code = "source_exists"
    status = 409
    title = "The source exists already"


def intake_url(tenant_slug: str, source: Source) -> str:
    """Where the outside system sends its events."""
    return f"{settings.PUBLIC_URL}/in/{tenant_slug}/{source.slug}"


@transaction.atomic
def create_source(*, slug: str, name: str, by: Actor, secret: str = "") -> tuple[Source, str]:
    """A new source and its secret, which is shown this once. Raises SourceExists.

    `secret` is for a shop that signs with one of its own; else one is made.
    """
    if Source.objects.filter(slug=slug).exists():
        raise SourceExists(
            f"There is a source “{slug}” already. Choose another address or open that one.",
            errors=(FieldError("slug", "is taken"),),
        )
    secret = secret or secrets.token_hex(32)
    source = Source(slug=slug, name=name, secret=secret)
    source.full_clean()
    source.save()
    _note("source.created", source, by)
    return source, secret


@transaction.atomic
def replace_secret(*, source: Source, by: Actor, secret: str = "") -> str:
    """A new secret, valid at once; the old one ends. Shown this once."""
    source.secret = new = secret or secrets.token_hex(32)
    source.save(update_fields=["secret", "updated_at"])
    _note("source.secret_replaced", source, by)
    return new


def _note(action: str, source: Source, by: Actor) -> None:
    record(
        action=action,
        subject_type="source",
        subject_id=str(source.pk),
        data={"slug": source.slug, "kind": source.kind},
        by=by,
    )


def send_test_event(*, source: Source) -> Received:
    """A sample order, signed as the shop would, through the same door; marked as a test."""
    order = sample_order(timezone.now())
    body = json.dumps(order, ensure_ascii=False).encode()
    headers = {
        shopify.SIGNATURE_HEADER: shopify.sign(body, source.secret),
        shopify.TOPIC_HEADER: "orders/create",
        shopify.ID_HEADER: f"test-{uuid.uuid4()}",
    }
    return receive(source=source, body=body, headers=headers, is_test=True)


def get_event(event_id: uuid.UUID) -> Event:
    """Raises EventUnknown."""
    try:
        return Event.objects.select_related("source").get(pk=event_id)
    except Event.DoesNotExist:
        raise EventUnknown(
            f"This tenant has no event {event_id}. Pass on the event_id of the Pergola Trigger.",
            errors=(FieldError("event_id", "names no event"),),
        ) from None


def attach_execution(event: Event, execution: Execution) -> None:
    """Remember which n8n execution handles the event; the first to say so stays."""
    Event.objects.filter(pk=event.pk, execution_id="").update(
        workflow_id=execution.workflow_id, execution_id=execution.execution_id
    )


@transaction.atomic
def subscribe(
    *, webhook_url: str, event_types: list[str], workflow_id: str, is_test: bool, by: Actor
) -> Subscription:
    """Have events delivered to a trigger; asked again at each start of n8n, with the same effect.

    Events that waited for a listener are delivered. Raises EventTypeUnknown, ForeignUrl.
    """
    if unknown := sorted(set(event_types) - set(EVENT_TYPES)):
        raise EventTypeUnknown(
            f"{', '.join(unknown)}: choose from {', '.join(EVENT_TYPES)}.",
            errors=(FieldError("event_types", "is not known"),),
        )
    assert_own_url(Workspace.current(), webhook_url)
    delivery.hold_listeners(alone=True)
    subscription, _created = Subscription.objects.update_or_create(
        webhook_url=webhook_url,
        defaults={
            "installation_id": by.installation_id,
            "event_types": sorted(set(event_types)),
            "workflow_id": workflow_id,
            "is_test": is_test,
        },
    )
    delivery.catch_up(subscription)
    return subscription


@transaction.atomic
def unsubscribe(*, subscription_id: uuid.UUID, by: Actor) -> None:
    """Stop delivering; what was not delivered yet waits for the next listener."""
    delivery.hold_listeners(alone=True)
    Subscription.objects.filter(pk=subscription_id, installation_id=by.installation_id).delete()


@transaction.atomic
def unsubscribe_installation(installation_id: uuid.UUID) -> None:
    """Stop delivering to a workflow that is taken away, also where n8n did not say so itself."""
    delivery.hold_listeners(alone=True)
    Subscription.objects.filter(installation_id=installation_id).delete()


def subscriptions_at(webhook_url: str, *, by: Actor) -> list[Subscription]:
    """The caller's own, so that one installation learns nothing of another's."""
    found = Subscription.objects.filter(webhook_url=webhook_url, installation_id=by.installation_id)
    return list(found)
