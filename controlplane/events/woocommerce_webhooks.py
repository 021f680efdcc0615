"""The kind of source that a WooCommerce shop is: orders, signed and numbered by WooCommerce."""

import json
import re
import uuid

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.core.text import made_storable
from controlplane.events.incoming import Incoming, parse_object
from controlplane.events.kinds import OnlyAPing, SourceKind
from controlplane.events.models import Event, Source
from controlplane.events.verification import woocommerce
from controlplane.events.webhooks import TopicUnknown, event_of, receiver

TOPIC_HEADER = "X-WC-Webhook-Topic"
ID_HEADER = "X-WC-Webhook-Delivery-ID"
KEPT_HEADERS = (TOPIC_HEADER, ID_HEADER, "X-WC-Webhook-Source", "X-WC-Webhook-ID")
TYPES_BY_TOPIC = {"order.created": "order.created", "order.updated": "order.updated"}
_PING = re.compile(rb"webhook_id=[0-9]{1,19}")

_EXAMPLE = f"""\
SIGNATURE=$(openssl dgst -sha256 -hmac "$SECRET" \\
  -binary order.json | base64)
curl {{address}} \\
  --data-binary @order.json \\
  -H 'Content-Type: application/json' \\
  -H '{TOPIC_HEADER}: order.created' \\
  -H "{woocommerce.SIGNATURE_HEADER}: $SIGNATURE"
"""


def verify(source: Source, body: bytes, incoming: Incoming) -> None:
    """Raises SignatureInvalid, or OnlyAPing: when a webhook is saved the shop tries the address.

    That try is not signed, so it starts nothing.
    """
    if _PING.fullmatch(body) and not incoming.header(TOPIC_HEADER):
        raise OnlyAPing
    woocommerce.verify(source, body, incoming)


def read(source: Source, body: bytes, incoming: Incoming) -> Event:
    """Raises TopicUnknown or BodyMalformed."""
    topic = incoming.header(TOPIC_HEADER)
    event_type = TYPES_BY_TOPIC.get(topic)
    if event_type is None:
        raise TopicUnknown(
            f"The topic “{topic}” is not taken. Choose one of these for the webhook: "
            f"{', '.join(TYPES_BY_TOPIC)}."
        )
    payload = parse_object(body)
    number = payload.get("number") or payload.get("id") or ""
    return event_of(
        source,
        body,
        type=event_type,
        external_id=incoming.header(ID_HEADER),
        subject=f"#{made_storable(str(number))}"
        if isinstance(number, str | int) and number
        else "",
        headers={name: incoming.header(name) for name in KEPT_HEADERS},
        is_test=incoming.is_test,
    )


def sample(source: Source) -> Incoming:
    """A small order, signed as the shop would."""
    number = int(timezone.now().timestamp())
    order = {
        "id": number,
        "number": f"TEST-{number}",
        "status": "processing",
        "currency": "EUR",
        "total": "119.00",
        "total_tax": "19.00",
        "billing": {"first_name": "Test", "last_name": "Person", "email": "test@example.com"},
        "line_items": [{"id": 1, "name": "Sample item", "sku": "SAMPLE-1", "quantity": 1,
                        "total": "100.00"}],
    }  # fmt: skip
    body = json.dumps(order).encode()
    headers = {
        woocommerce.SIGNATURE_HEADER: woocommerce.sign(body, source.secret),
        TOPIC_HEADER: "order.created",
        ID_HEADER: f"test-{uuid.uuid4()}",
    }
    return Incoming.of(body, headers, is_test=True)


KIND = SourceKind(
    "woocommerce",
    "WooCommerce",
    _("Orders, as WooCommerce’s webhooks send them"),
    receiver(verify, read, takes_conflicts=True),
    example=_EXAMPLE,
    sample=sample,
    read=read,
)
