"""CloudEvents 1.0 over HTTP, in (structured and binary mode) and out (structured).

In binary mode the attributes stand in headers, which a signature over the body does not cover: such
a message is taken only from senders that prove themselves by a token or a certificate.
"""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from django.conf import settings

from controlplane.core.errors import DomainError, FieldError
from controlplane.events.incoming import BodyMalformed, Incoming, parse_object
from controlplane.events.models import Event
from tenants.context import current_tenant

MEDIA_TYPE = "application/cloudevents+json"
_BATCH = "application/cloudevents-batch+json"
_PREFIX = "ce-"
_REQUIRED = ("id", "source", "specversion", "type")
KEPT = (*_REQUIRED, "subject", "time", "datacontenttype", "dataschema")


class CloudEventInvalid(DomainError):
    code = "cloudevent_invalid"
    status = 422
    title = "The CloudEvent is not valid"


class BatchNotTaken(DomainError):
    code = "cloudevent_batch_not_taken"
    status = 415
    title = "CloudEvents are taken one at a time"


@dataclass(frozen=True)
class CloudEvent:
    """`data` is JSON text, as the sender wrote it where it was JSON."""

    attributes: dict[str, str]
    data: str

    @property
    def key(self) -> str:
        """One for each event: the specification promises that of source and id together."""
        key = f"{self.attributes['source']}#{self.attributes['id']}"
        return key if len(key) <= 200 else f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"

    @property
    def headers(self) -> dict[str, str]:
        """The attributes that are worth keeping, as binary mode would send them."""
        return {
            _PREFIX + name: self.attributes[name][:500] for name in KEPT if name in self.attributes
        }


def is_one(incoming: Incoming) -> bool:
    content_type = incoming.header("Content-Type").lower()
    return content_type.startswith("application/cloudevents") or bool(
        incoming.header(_PREFIX + "specversion")
    )


def read(body: bytes, incoming: Incoming, *, headers_are_trusted: bool) -> CloudEvent:
    """Raises CloudEventInvalid, BatchNotTaken or BodyMalformed."""
    content_type = incoming.header("Content-Type").lower()
    if content_type.startswith(_BATCH):
        raise BatchNotTaken("Send each CloudEvent in a request of its own, so each has an answer.")
    if content_type.startswith("application/cloudevents"):
        return _structured(body)
    if not headers_are_trusted:
        raise CloudEventInvalid(
            "In binary mode the attributes stand in headers, which the signature does not cover. "
            f"Send this source structured CloudEvents (Content-Type: {MEDIA_TYPE})."
        )
    return _binary(body, incoming)


def _structured(body: bytes) -> CloudEvent:
    whole = parse_object(body)
    attributes = {
        name: value
        for name, value in whole.items()
        if name not in {"data", "data_base64"} and isinstance(value, str)
    }
    _check(attributes)
    if "data" in whole:
        data = whole["data"]
        if isinstance(data, dict):
            return CloudEvent(attributes, member_text(body.decode(), "data"))
        return CloudEvent(attributes, json.dumps({"data": data}, ensure_ascii=False))
    if "data_base64" in whole:
        return CloudEvent(attributes, _as_object(_from_base64(whole["data_base64"])))
    return CloudEvent(attributes, "{}")


def _binary(body: bytes, incoming: Incoming) -> CloudEvent:
    # The binding percent-encodes what HTTP's headers cannot hold.
    attributes = {
        name.lower().removeprefix(_PREFIX): unquote(value)
        for name, value in incoming.headers.items()
        if name.lower().startswith(_PREFIX)
    }
    attributes["datacontenttype"] = incoming.header("Content-Type")
    _check(attributes)
    return CloudEvent(attributes, _as_object(body) if body else "{}")


def _check(attributes: dict[str, str]) -> None:
    missing = [name for name in _REQUIRED if not attributes.get(name)]
    if missing:
        raise CloudEventInvalid(
            f"A CloudEvent has {', '.join(_REQUIRED)}, each a text that is not empty; "
            f"{', '.join(missing)} is missing.",
            errors=tuple(FieldError(name, "is missing") for name in missing),
        )
    if attributes["specversion"] != "1.0":
        raise CloudEventInvalid(
            f"CloudEvents 1.0 are taken, not {attributes['specversion'][:20]}.",
            errors=(FieldError("specversion", "is not 1.0"),),
        )


def _as_object(data: bytes) -> str:
    """An event's body is a JSON object: anything else is wrapped into one."""
    try:
        parse_object(data)
    except BodyMalformed:
        pass
    else:
        return data.decode()
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return json.dumps({"data_base64": base64.b64encode(data).decode()})
    return json.dumps({"data": text}, ensure_ascii=False)


def _from_base64(value: Any) -> bytes:
    try:
        return base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError) as error:
        raise CloudEventInvalid(
            "“data_base64” holds no base64.", errors=(FieldError("data_base64", "is no base64"),)
        ) from error


def member_text(text: str, name: str) -> str:
    """The value of one member of a JSON object, to the letter: numbers keep their digits.

    `text` is an object that was parsed before; of a name given twice the last one counts.
    """
    decoder = json.JSONDecoder()
    at, found = text.index("{") + 1, ""
    while True:
        at = _past_space(text, at, ",")
        if text[at] == "}":
            return found
        key, at = decoder.raw_decode(text, at)
        at = _past_space(text, at, ":")
        _value, end = decoder.raw_decode(text, at)
        if key == name:
            found = text[at:end]
        at = end


def _past_space(text: str, at: int, besides: str) -> int:
    while text[at] in " \t\r\n" or text[at] == besides:
        at += 1
    return at


def presented(event: Event, *, with_data: bool = True) -> dict[str, Any]:
    """The event as a structured CloudEvent of Pergola's, whatever it came in as.

    Without its data it is one as well: the specification leaves that open.
    """
    shown: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(event.pk),
        "source": f"{settings.PUBLIC_URL}/in/{current_tenant().slug}/{event.source.slug}",
        "type": f"pergola.{event.type}",
        "time": event.received_at.isoformat(),
    }
    if event.subject:
        shown["subject"] = event.subject
    if with_data:
        shown |= {"datacontenttype": "application/json", "data": json.loads(event.body)}
    return shown
