"""The way in: verify, recognise, make durable, hand on. Acknowledged only after the commit."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Never

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from controlplane.core.errors import DomainError
from controlplane.core.logs import get_logger
from controlplane.events import delivery, shopify
from controlplane.events.models import Event, Source

log = get_logger(__name__)


class SourceUnknown(DomainError):
    code = "source_unknown"
    status = 404
    title = "No such source"


class SignatureInvalid(DomainError):
    code = "signature_invalid"
    status = 401
    title = "The signature does not fit"


class TopicUnknown(DomainError):
    code = "topic_unknown"
    status = 422
    title = "The topic is not known"


class BodyMalformed(DomainError):
    code = "body_malformed"
    status = 400
    title = "The body is not a JSON object"


class BodyTooLarge(DomainError):
    code = "body_too_large"
    status = 413
    title = "The body is too large"


@dataclass(frozen=True)
class Received:
    event: Event
    is_duplicate: bool


def get_source(slug: str) -> Source:
    """Raises SourceUnknown."""
    try:
        return Source.objects.get(slug=slug, is_active=True)
    except Source.DoesNotExist:
        raise SourceUnknown(
            f"This tenant has no active source “{slug}”. Copy the address from the source's page "
            "in the portal."
        ) from None


def refuse_oversize(length: int) -> None:
    """Raises BodyTooLarge. Asked with the declared length first, then with the real one."""
    if length > settings.INTAKE_MAX_BYTES:
        raise BodyTooLarge(
            f"The body has {length} bytes; at most {settings.INTAKE_MAX_BYTES} are taken. Ask the "
            "platform's operator to raise INTAKE_MAX_BYTES if your events are that large."
        )


def receive(
    *, source: Source, body: bytes, headers: Mapping[str, str], is_test: bool = False
) -> Received:
    """Take one webhook. The same one again answers with the event that it already is.

    Raises BodyTooLarge, SignatureInvalid, TopicUnknown or BodyMalformed; nothing is kept then.
    """
    refuse_oversize(len(body))
    if not source.secret or not shopify.is_signed(body, source.secret, headers):
        raise SignatureInvalid(
            f"The signature in {shopify.SIGNATURE_HEADER} does not fit the body and the secret of "
            f"source “{source.slug}”. Check that the shop signs with the secret that was shown "
            "when the source was set up, and that nothing between changes the body."
        )
    topic = headers.get(shopify.TOPIC_HEADER, "")
    event_type = shopify.TYPES_BY_TOPIC.get(topic)
    if event_type is None:
        raise TopicUnknown(
            f"The topic “{topic}” is not taken. Subscribe the shop to one of: "
            f"{', '.join(shopify.TYPES_BY_TOPIC)}."
        )
    payload = _parse(body)
    digest = hashlib.sha256(body).hexdigest()
    external_id = headers.get(shopify.ID_HEADER, "")[:200] or f"{event_type}:sha256:{digest}"
    event = Event(
        source=source,
        type=event_type,
        external_id=external_id,
        subject=shopify.subject(payload),
        body=body.decode(),
        body_sha256=digest,
        headers={name: headers[name] for name in shopify.KEPT_HEADERS if headers.get(name)},
        is_test=is_test,
    )
    # Asked first: the database would log an INSERT that fails, with the whole order in it.
    if known := _known_as(event):
        return _repeated(known)
    try:
        with transaction.atomic():
            event.save(force_insert=True)
            delivery.fan_out(event)
    except IntegrityError:
        # The same one, at the same moment.
        if known := _known_as(event):
            return _repeated(known)
        raise
    log.info("event.received", event_id=str(event.pk), type=event_type, source=source.slug)
    return Received(event, is_duplicate=False)


def _known_as(event: Event) -> Event | None:
    same_id = Q(external_id=event.external_id)
    same_body = Q(type=event.type, body_sha256=event.body_sha256)
    return event.source.events.filter(same_id | same_body).first()


def _repeated(known: Event) -> Received:
    Event.objects.filter(pk=known.pk).update(duplicates=F("duplicates") + 1)
    log.info("event.duplicate", event_id=str(known.pk), source=known.source.slug)
    return Received(known, is_duplicate=True)


def _parse(body: bytes) -> dict[str, Any]:
    """What is taken here can be given out again: UTF-8, finite numbers, whole characters."""
    try:
        # Decoded first: given bytes, json would also take UTF-16 and broken UTF-8.
        text = body.decode()
        payload = json.loads(text, parse_constant=_refuse_number, parse_float=_finite)
        if "\\ud" in text.lower():
            json.dumps(payload, ensure_ascii=False).encode()  # fails for half of a surrogate pair
    except (ValueError, RecursionError) as error:
        raise BodyMalformed(
            f"The body is signed correctly but is not JSON in UTF-8: {str(error)[:200]}."
        ) from error
    if not isinstance(payload, dict):
        raise BodyMalformed("The body is JSON, but not an object. Send the order as an object.")
    return payload


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_number(text)


def _refuse_number(text: str) -> Never:
    raise ValueError(f"{text[:20]} is no finite number")
