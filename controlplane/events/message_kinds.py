"""Kinds of sources for any system that sends JSON or CloudEvents, by how it proves who it is."""

import json
import uuid
from functools import partial

from django.utils.translation import gettext_lazy as _

from controlplane.core.text import made_storable
from controlplane.events.incoming import Incoming
from controlplane.events.kinds import Option, SourceKind
from controlplane.events.models import Event, Source
from controlplane.events.verification import (
    bearer,
    client_certificate,
    keyed_hash,
    standard_webhooks,
)
from controlplane.events.webhooks import read_message, receiver

# How a message is read, whoever sends it.
READING = (
    Option(
        "types",
        _("Event types"),
        _(
            "One per line: the sender’s name = ours, such as shop.order.new = order.created. "
            "“* = …” is for every other; without it they come as message.received."
        ),
        is_long=True,
    ),
    Option(
        "type_field",
        _("Field with the type"),
        _("Where in the JSON the sender’s name of it stands, such as meta.event. Else type."),
    ),
    Option(
        "subject_field",
        _("Field with the subject"),
        _("What the event is about, such as data.order.number. Else subject."),
    ),
    Option(
        "body_field",
        _("Field with the data"),
        _("Where only one part is the event, such as data. Empty: the whole body."),
    ),
)
_HEADERS = (
    Option("type_header", _("Header with the type"), _("Where the type stands in no field.")),
    Option(
        "id_header",
        _("Header with the number"),
        _("The sender’s own number of the event. The same number again is the same event."),
    ),
)

_SAMPLE = {"type": "test", "subject": "TEST", "data": {"hello": "from Pergola"}}

_HMAC_EXAMPLE = """\
SIGNATURE=$(openssl dgst -sha256 -hmac "$SECRET" \\
  -r event.json | cut -d' ' -f1)
curl {address} \\
  --data-binary @event.json \\
  -H 'Content-Type: application/json' \\
  -H "X-Signature: $SIGNATURE"
"""
_STANDARD_EXAMPLE = """\
ID=msg_1 TIME=$(date +%s)
KEY=$(printf %s "${{SECRET#whsec_}}" | base64 -d | od -An -tx1 -v | tr -d ' \\n')
SIGNATURE=$( (printf %s "$ID.$TIME."; cat event.json) |
  openssl dgst -sha256 -mac HMAC -macopt "hexkey:$KEY" -binary | base64)
curl {address} \\
  --data-binary @event.json \\
  -H 'Content-Type: application/json' \\
  -H "webhook-id: $ID" -H "webhook-timestamp: $TIME" \\
  -H "webhook-signature: v1,$SIGNATURE"
"""
_BEARER_EXAMPLE = """\
curl {address} \\
  --data-binary @event.json \\
  -H 'Content-Type: application/json' \\
  -H "Authorization: Bearer $SECRET"
"""
_CERTIFICATE_EXAMPLE = """\
curl {address} \\
  --cert client.pem --key client.key \\
  --data-binary @event.json \\
  -H 'Content-Type: application/json'
"""


def _read_standard(source: Source, body: bytes, incoming: Incoming) -> Event:
    return read_message(
        source, body, incoming,
        external_id=made_storable(incoming.header(standard_webhooks.ID_HEADER)),
    )  # fmt: skip


_read_trusted = partial(read_message, headers_are_trusted=True)


def _body() -> bytes:
    return json.dumps({**_SAMPLE, "id": str(uuid.uuid4())}).encode()


def _sample_hmac(source: Source) -> Incoming:
    body = _body()
    return Incoming.of(body, keyed_hash.signed(source, body), is_test=True)


def _sample_standard(source: Source) -> Incoming:
    body, message_id = _body(), f"test_{uuid.uuid4().hex}"
    headers = standard_webhooks.signed(source, body, message_id=message_id)
    return Incoming.of(body, headers, is_test=True)


def _sample_bearer(source: Source) -> Incoming:
    return Incoming.of(_body(), {bearer.HEADER: f"Bearer {source.secret}"}, is_test=True)


KINDS = (
    SourceKind(
        "standard-webhooks",
        "Standard Webhooks",
        _("Messages signed as standardwebhooks.com says"),
        receiver(standard_webhooks.verify, _read_standard),
        example=_STANDARD_EXAMPLE,
        sample=_sample_standard,
        read=_read_standard,
        options=READING,
        new_secret=standard_webhooks.new_secret,
    ),
    SourceKind(
        "hmac",
        _("Signed messages (HMAC)"),
        _("JSON or CloudEvents of any system that signs the body with a shared secret"),
        receiver(keyed_hash.verify, read_message),
        example=_HMAC_EXAMPLE,
        sample=_sample_hmac,
        read=read_message,
        options=(
            Option("header", _("Header with the signature"), _("Else X-Signature.")),
            Option("algorithm", _("Hash"), choices=keyed_hash.ALGORITHMS),
            Option("encoding", _("Written as"), choices=keyed_hash.ENCODINGS),
            Option("prefix", _("What stands before it"), _("Such as sha256=")),
            Option(
                "timestamp_header",
                _("Header with the time"),
                _("For senders that sign “time.body”: the time has to be recent then."),
            ),
            *_HEADERS,
            *READING,
        ),
    ),
    SourceKind(
        "bearer",
        _("Messages with a token"),
        _("JSON or CloudEvents of any system that sends a bearer token"),
        receiver(bearer.verify, _read_trusted),
        example=_BEARER_EXAMPLE,
        sample=_sample_bearer,
        read=_read_trusted,
        options=(*_HEADERS, *READING),
    ),
    SourceKind(
        "certificate",
        _("Messages with a client certificate"),
        _("JSON or CloudEvents by mutual TLS, which a proxy in front of Pergola checks"),
        receiver(client_certificate.verify, _read_trusted),
        example=_CERTIFICATE_EXAMPLE,
        read=_read_trusted,
        options=(
            Option(
                "certificate",
                _("The client certificate"),
                _("Its fingerprint or subject, as the proxy writes it into its header."),
            ),
            *_HEADERS,
            *READING,
        ),
        has_secret=False,
    ),
)
