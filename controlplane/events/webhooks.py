"""What kinds that send JSON have in common: verify, read, keep; and keep what cannot be read.

A body whose signature fits and that is no event is refused, so that the sender learns of it, and is
an exception here with the whole body, so that it can be corrected and is not lost.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.conf import settings

from controlplane.core.actor import system
from controlplane.core.errors import DomainError
from controlplane.core.text import made_storable
from controlplane.events import cloudevents
from controlplane.events.exceptions import again
from controlplane.events.exceptions.opening import open_case
from controlplane.events.incoming import Incoming, parse_object, read_body
from controlplane.events.intake import EventIdReused, keep
from controlplane.events.kinds import OnlyAPing, Received
from controlplane.events.models import Event, ExceptionCase, Failure, Source
from controlplane.events.types import EVENT_TYPES, MESSAGE_RECEIVED

Verify = Callable[[Source, bytes, Incoming], None]
Read = Callable[[Source, bytes, Incoming], Event]


class TopicUnknown(DomainError):
    code = "topic_unknown"
    status = 422
    title = "The topic is not known"


def receiver(
    verify: Verify, read: Read, *, takes_conflicts: bool = False, is_text: bool = True
) -> Callable[[Source, Incoming], Received]:
    """A kind's `receive`. It raises BodyTooLarge, what `verify` and `read` raise, EventIdReused.

    `takes_conflicts`: the sender cannot mend a number that it used twice, and sends no more after
    some answers that are no success: it is told that its body was taken, which is kept as an
    exception all the same. Without `is_text` bodies are kept to the byte, whatever they are.
    """

    def receive(source: Source, incoming: Incoming) -> Received:
        body = read_body(incoming, limit=settings.INTAKE_MAX_BYTES)
        verify(source, body, incoming)
        try:
            return keep(read(source, body, incoming))
        except EventIdReused as error:
            case = _keep_as_exception(Failure.DUPLICATE, source, body, incoming, error, is_text)
            if takes_conflicts:
                return Received(error.known, is_duplicate=False, exception_id=case.pk)
            told = f"{error.detail} What was sent now is kept as an exception."
            raise EventIdReused(told, known=error.known) from error
        except OnlyAPing:
            raise
        except DomainError as error:
            if error.status not in {400, 415, 422}:
                raise
            _keep_as_exception(Failure.PARSE, source, body, incoming, error, is_text)
            raise

    return receive


def event_of(
    source: Source,
    body: bytes,
    *,
    type: str,
    external_id: str = "",
    subject: str = "",
    headers: dict[str, str] | None = None,
    is_test: bool = False,
    is_numbered: bool = False,
    text: str | None = None,
) -> Event:
    """A new event of these bytes, not saved yet. `text` is what is kept instead of them."""
    content = body if text is None else text.encode()
    digest = hashlib.sha256(content).hexdigest()
    return Event(
        source=source,
        type=type,
        external_id=made_storable(external_id)[:200] or f"{type}:sha256:{digest}",
        subject=made_storable(subject)[:200],
        body=content.decode(),
        body_sha256=digest,
        headers={name: made_storable(value) for name, value in (headers or {}).items() if value},
        is_test=is_test,
        is_numbered=is_numbered and bool(external_id),
    )


def read_message(
    source: Source,
    body: bytes,
    incoming: Incoming,
    *,
    external_id: str = "",
    headers_are_trusted: bool = False,
) -> Event:
    """JSON or a CloudEvent, with type and subject as the source's options say.

    Raises BodyMalformed or what `cloudevents.read` raises.
    """
    if cloudevents.is_one(incoming):
        found = cloudevents.read(body, incoming, headers_are_trusted=headers_are_trusted)
        return event_of(
            source,
            body,
            type=known_type(source, found.attributes["type"]),
            external_id=external_id or found.key,
            subject=found.attributes.get("subject", ""),
            headers=found.headers,
            is_test=incoming.is_test,
            is_numbered=True,
            text=found.data,
        )
    payload = parse_object(body)
    id_header = source.option("id_header")
    theirs = (
        incoming.header(source.option("type_header")) if source.option("type_header") else ""
    ) or _text_at(payload, source.option("type_field") or "type")
    text, inner = None, source.option("body_field")
    if inner and isinstance(payload.get(inner), dict):
        text = cloudevents.member_text(body.decode(), inner)
    number = external_id or (incoming.header(id_header) if id_header else "")
    return event_of(
        source,
        body,
        type=known_type(source, theirs),
        external_id=number,
        subject=_text_at(payload, source.option("subject_field") or "subject"),
        headers={id_header: incoming.header(id_header)} if id_header else {},
        is_test=incoming.is_test,
        is_numbered=bool(number),
        text=text,
    )


def known_type(source: Source, theirs: str) -> str:
    """Ours for what the sender calls it: by the source's table, by the same name, or a message."""
    table = {}
    for line in source.option("types").splitlines():
        left, equals, right = line.partition("=")
        if equals and right.strip() in EVENT_TYPES:
            table[left.strip()] = right.strip()
    if theirs in table:
        return table[theirs]
    return theirs if theirs in EVENT_TYPES else table.get("*", MESSAGE_RECEIVED)


def _text_at(payload: dict[str, Any], path: str) -> str:
    """`data.order.number` in the payload; empty where there is none."""
    found: Any = payload
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def _keep_as_exception(
    type: Failure,
    source: Source,
    body: bytes,
    incoming: Incoming,
    error: DomainError,
    is_text: bool,
) -> ExceptionCase:
    # Not the signature: only what reading it again needs.
    kept = {
        name: made_storable(value)[:500]
        for name, value in incoming.headers.items()
        if name.lower() in _kept_headers(source)
    }
    digest = hashlib.sha256(body + json.dumps(kept, sort_keys=True).encode()).hexdigest()
    text, encoding = again.kept_text(body, is_text=is_text)
    return open_case(
        type=type,
        fingerprint=f"body:{source.pk}:{digest}",
        source=source,
        summary=error.title,
        detail=error.detail,
        body=text,
        headers=kept | encoding,
        by=system(f"source {source.slug}"),
    )


def _kept_headers(source: Source) -> set[str]:
    named = {source.option(name).lower() for name in ("id_header", "type_header")}
    fixed = {"content-type", "filename", "webhook-id", "x-pergola-id"}
    shops = {"x-shopify-topic", "x-shopify-webhook-id", "x-wc-webhook-topic",
             "x-wc-webhook-delivery-id", "x-wc-webhook-source"}  # fmt: skip
    attributes = {f"ce-{name}" for name in cloudevents.KEPT}
    return (named | fixed | shops | attributes) - {""}
