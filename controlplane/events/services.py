"""Changes to sources, subscriptions and events that people and triggers ask for."""

import hashlib
import json
import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor, Execution
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.logs import get_logger
from controlplane.core.text import made_storable
from controlplane.events import delivery, listening, places
from controlplane.events.intake import keep, receive
from controlplane.events.kinds import INTERNAL, KindUnknown, Received, SourceKind, kind_named
from controlplane.events.models import Delivery, Event, Source, Subscription
from controlplane.events.sources import assert_there, held_source, note_source
from controlplane.events.types import EVENT_TYPES
from controlplane.events.verification.client_certificate import OPTION as CERTIFICATE
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


class OptionInvalid(DomainError):
    code = "source_option_invalid"
    status = 422
    title = "The source cannot be set up so"


class NothingToTry(DomainError):
    code = "nothing_to_try"
    status = 409
    title = "There is no sample to send"


log = get_logger(__name__)

LONGEST_OVERLAP = timedelta(days=7)


def intake_url(tenant_slug: str, source: Source) -> str:
    """Where the outside system sends its events."""
    return f"{settings.PUBLIC_URL}/in/{tenant_slug}/{source.slug}"


@transaction.atomic
def create_source(
    *,
    slug: str,
    name: str,
    by: Actor,
    secret: str = "",
    kind: str = "shopify",
    options: dict[str, str] | None = None,
    is_ordered: bool = False,
) -> tuple[Source, str]:
    """A new source and its secret, which is shown this once; empty for a kind that has none.

    `secret` is for a shop that signs with one of its own; else one is made. `options` are those of
    the kind. Raises KindUnknown, SourceExists or OptionInvalid.
    """
    _assert_open(kind)
    if known := Source.objects.filter(slug=slug).first():
        was = " and was removed: its events keep the address" if known.removed_at else ""
        raise SourceExists(
            f"There is a source “{slug}” already{was}. Choose another address or open that one.",
            errors=(FieldError("slug", f"is taken{was}"),),
        )
    made = kind_named(kind)
    secret = (secret or made.new_secret()) if made.has_secret else ""
    source = Source(
        slug=slug,
        name=name,
        kind=kind,
        secret=secret,
        options=_checked(made, options or {}),
        is_ordered=is_ordered,
    )
    source.full_clean()
    source.save()
    note_source("source.created", source, by)
    return source, secret


@transaction.atomic
def change_source(
    *,
    source: Source,
    options: dict[str, str],
    is_ordered: bool,
    by: Actor,
    overlap: timedelta = timedelta(0),
) -> Source:
    """Read what comes from now on by other options, or keep it in order.

    Where that replaces a client certificate the one before is good for `overlap`, at the latest for
    a week. Raises OptionInvalid, SourceRemoved or KindUnknown.
    """
    held_source(source)
    source.refresh_from_db()  # the caller shows it
    kind = kind_named(source.kind)
    before = source.option(CERTIFICATE)
    source.options = _checked(kind, options)
    source.is_ordered = is_ordered
    if before != source.option(CERTIFICATE) and not kind.has_secret:
        _keep_previous(source, before, overlap)
    source.save(
        update_fields=[
            "options", "is_ordered", "previous_secret", "previous_secret_until", "updated_at",
        ]
    )  # fmt: skip
    note_source("source.changed", source, by)
    return source


def _keep_previous(source: Source, before: str, overlap: timedelta) -> None:
    if overlap > timedelta(0) and before:
        source.previous_secret = before
        source.previous_secret_until = timezone.now() + min(overlap, LONGEST_OVERLAP)
    else:
        source.previous_secret, source.previous_secret_until = "", None


@transaction.atomic
def replace_secret(
    *, source: Source, by: Actor, secret: str = "", overlap: timedelta = timedelta(0)
) -> str:
    """A new secret, valid at once; the old one ends after `overlap`, at the latest after a week.

    The new one is shown this once. One that was still ending from a replacement before ends now.
    Raises KindUnknown or SourceRemoved.
    """
    held_source(source)
    source.refresh_from_db()  # the caller shows it
    _assert_open(source.kind)
    _keep_previous(source, source.secret, overlap)
    source.secret = new = secret or kind_named(source.kind).new_secret()
    source.save(update_fields=["secret", "previous_secret", "previous_secret_until", "updated_at"])
    note_source("source.secret_replaced", source, by)
    return new


@transaction.atomic
def end_previous_secret(*, source: Source, by: Actor) -> None:
    """Everybody signs with the new one by now, or must: the old one ends at once."""
    source.previous_secret, source.previous_secret_until = "", None
    source.save(update_fields=["previous_secret", "previous_secret_until", "updated_at"])
    note_source("source.previous_secret_ended", source, by)


def _checked(kind: SourceKind, given: dict[str, str]) -> dict[str, str] | None:
    """Only the kind's own options, without the empty ones. Raises OptionInvalid."""
    kept = {}
    for option in kind.options:
        value = made_storable(given.get(option.name, "")).strip()
        if option.is_required and not value:
            raise OptionInvalid(
                f"“{option.label}” is needed for a source of kind “{kind.name}”.",
                errors=(FieldError(option.name, "is needed"),),
            )
        if value and option.choices and value not in option.choices:
            raise OptionInvalid(
                f"“{option.label}” is one of: {', '.join(option.choices)}.",
                errors=(FieldError(option.name, "is not known"),),
            )
        if value:
            kept[option.name] = value[:4000]
    return kept or None


def send_test_event(*, source: Source) -> Received:
    """The kind's sample, signed as the outside system would, through the same door; marked a test.

    Raises NothingToTry or SourceRemoved.
    """
    assert_there(source)
    if not source.is_active:
        raise NothingToTry(f"“{source}” is switched off. Switch it on, then try it.")
    kind = kind_named(source.kind)
    if kind.sample is None:
        raise NothingToTry(
            f"There is no sample for a source of kind “{kind.name}”. Send one of your own to its "
            "address; the source's page shows how."
        )
    return receive(source=source, incoming=kind.sample(source))


@transaction.atomic
def publish(
    *,
    type: str,
    subject: str,
    body: dict[str, Any],
    external_id: str,
    by: Actor,
    is_test: bool = False,
    source: Source | None = None,
) -> Received:
    """An event of Pergola's own, durable and handed to its listeners in the caller's transaction.

    `source` is where the thing came in, if it came by one. The same body again answers with the
    event that it already is. Raises EventTypeUnknown, or EventIdReused where the `external_id` is
    that of another body.
    """
    _assert_known([type])
    text = json.dumps(body, ensure_ascii=False)
    received = keep(
        Event(
            source=source or internal_source(),
            type=type,
            external_id=external_id,
            subject=made_storable(subject)[:200],
            body=text,
            body_sha256=hashlib.sha256(text.encode()).hexdigest(),
            is_test=is_test,
        )
    )
    log.info("event.published", event_id=str(received.event.pk), by=by.label)
    return received


@transaction.atomic
def emit(*, type: str, subject: str, body: dict[str, Any], external_id: str, by: Actor) -> Received:
    """A workflow's own event: see `publish`. Nothing else tells of it, so the audit trail does."""
    received = publish(type=type, subject=subject, body=body, external_id=external_id, by=by)
    if not received.is_duplicate:
        event = received.event
        record(
            action="event.emitted",
            subject_type="event",
            subject_id=str(event.pk),
            data={"type": type, "external_id": external_id, "body_sha256": event.body_sha256},
            by=by,
        )
    return received


def published(*, external_id: str, source: Source | None = None) -> Event | None:
    """The event that `publish` would answer with, for who wants to know before it does its work."""
    source = source or Source.objects.filter(kind=INTERNAL).first()
    return source.events.filter(external_id=external_id).first() if source else None


def internal_source() -> Source:
    """The tenant's own Pergola, made when it first has something to report."""
    # A tenant may have named a shop so before there was such a source.
    is_free = not Source.objects.filter(slug="pergola").exclude(kind=INTERNAL).exists()
    source, _created = Source.objects.get_or_create(
        kind=INTERNAL,
        defaults={"slug": "pergola" if is_free else "pergola-itself", "name": "Pergola"},
    )
    return source


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
def fetch_delivered(*, delivery_id: uuid.UUID, token: str, by: Actor) -> Delivery:
    """As `delivery.claim`, by the execution that was started for it: that settles the delivery.

    Raises DeliveryUnknown or DeliveryClaimed.
    """
    found = delivery.claim(delivery_id=delivery_id, token=token, by=by)
    if by.execution:
        attach_execution(found.event, by.execution)
        delivery.mark_delivered(found)
    assert found.subscription is not None  # claim saw to it
    places.fill(found.subscription)
    return found


@transaction.atomic
def subscribe(
    *,
    webhook_url: str,
    event_types: list[str],
    workflow_id: str,
    is_test: bool,
    by: Actor,
    is_fetched_in_execution: bool = False,
) -> Subscription:
    """Have events delivered to a trigger; asked again at each start of n8n, with the same effect.

    `is_fetched_in_execution`: at the address is a Webhook of n8n's own, whose workflow begins with
    `fetch_delivered`.
    Events that waited for it, or for any listener, are delivered. Raises EventTypeUnknown,
    ForeignUrl.
    """
    _assert_known(event_types)
    assert_own_url(Workspace.current(), webhook_url)
    listening.hold_listeners(alone=True)
    known = Subscription.objects.filter(webhook_url=webhook_url)
    stopped_at = known.values_list("stopped_at", flat=True).first()
    subscription, _created = Subscription.objects.update_or_create(
        webhook_url=webhook_url,
        defaults={
            "installation_id": by.installation_id,
            "event_types": sorted(set(event_types)),
            "workflow_id": workflow_id,
            "is_test": is_test,
            "is_fetched_in_execution": is_fetched_in_execution,
            "stopped_at": None,
        },
    )
    listening.catch_up(subscription, stopped_at=stopped_at)
    return subscription


@transaction.atomic
def unsubscribe(*, subscription_id: uuid.UUID, by: Actor) -> None:
    """Stop delivering; what was not delivered yet waits until it listens again."""
    listening.hold_listeners(alone=True)
    listening.stop(
        Subscription.objects.filter(pk=subscription_id, installation_id=by.installation_id)
    )


@transaction.atomic
def unsubscribe_installation(installation_id: uuid.UUID) -> None:
    """Stop delivering to a workflow that is made anew, also where n8n did not say so itself."""
    listening.hold_listeners(alone=True)
    listening.stop(Subscription.objects.filter(installation_id=installation_id))


@transaction.atomic
def forget_installation(installation_id: uuid.UUID) -> None:
    """As `unsubscribe_installation`, for good: what it did not get waits for the next listener."""
    listening.hold_listeners(alone=True)
    listening.forget(Subscription.objects.filter(installation_id=installation_id))


@transaction.atomic
def forget_listener(subscription: Subscription) -> None:
    """Its workflow is gone from n8n. One that listens again by now stays."""
    listening.hold_listeners(alone=True)
    gone = Subscription.objects.filter(pk=subscription.pk, stopped_at=subscription.stopped_at)
    listening.forget(gone)


def subscriptions_at(webhook_url: str, *, by: Actor) -> list[Subscription]:
    """The caller's own, so that one installation learns nothing of another's."""
    found = Subscription.objects.listening().filter(
        webhook_url=webhook_url, installation_id=by.installation_id
    )
    return list(found)


def _assert_known(event_types: list[str]) -> None:
    if unknown := sorted(set(event_types) - set(EVENT_TYPES)):
        raise EventTypeUnknown(
            f"{', '.join(unknown)}: choose from {', '.join(EVENT_TYPES)}.",
            errors=(FieldError("event_types", "is not known"),),
        )


def _assert_open(kind: str) -> None:
    if kind_named(kind).receive is None:
        raise KindUnknown(
            f"A source of kind “{kind}” takes nothing in, so it is not set up and has no secret.",
            errors=(FieldError("kind", "takes nothing in"),),
        )
