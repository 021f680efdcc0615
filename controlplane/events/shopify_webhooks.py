"""The kind of source that most shops are: an order, signed and numbered by Shopify."""

import hashlib
import json
import uuid

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.core.errors import DomainError
from controlplane.events import shopify
from controlplane.events.incoming import Incoming, parse_object, read_body
from controlplane.events.intake import keep
from controlplane.events.kinds import Received, SourceKind
from controlplane.events.models import Event, Source
from controlplane.events.samples import sample_order
from controlplane.events.signing import SignatureInvalid

# For the sender that is not Shopify; a shell command, so in no language.
_EXAMPLE = f"""\
SIGNATURE=$(openssl dgst -sha256 -hmac "$SECRET" \\
  -binary order.json | base64)
curl {{address}} \\
  --data-binary @order.json \\
  -H 'Content-Type: application/json' \\
  -H '{shopify.TOPIC_HEADER}: {next(iter(shopify.TYPES_BY_TOPIC))}' \\
  -H "{shopify.SIGNATURE_HEADER}: $SIGNATURE"
"""


class TopicUnknown(DomainError):
    code = "topic_unknown"
    status = 422
    title = "The topic is not known"


def receive(source: Source, incoming: Incoming) -> Received:
    """Take one webhook. The same one again answers with the event that it already is.

    Raises BodyTooLarge, SignatureInvalid, TopicUnknown or BodyMalformed; nothing is kept then.
    """
    body = read_body(incoming, limit=settings.INTAKE_MAX_BYTES)
    if not source.secret or not shopify.is_signed(body, source.secret, incoming.headers):
        raise SignatureInvalid(
            f"The signature in {shopify.SIGNATURE_HEADER} does not fit the body and the secret of "
            f"source “{source.slug}”. Check that the shop signs with the secret that was shown "
            "when the source was set up, and that nothing between changes the body."
        )
    topic = incoming.header(shopify.TOPIC_HEADER)
    event_type = shopify.TYPES_BY_TOPIC.get(topic)
    if event_type is None:
        raise TopicUnknown(
            f"The topic “{topic}” is not taken. Subscribe the shop to one of: "
            f"{', '.join(shopify.TYPES_BY_TOPIC)}."
        )
    payload = parse_object(body)
    digest = hashlib.sha256(body).hexdigest()
    kept_headers = {name: incoming.header(name) for name in shopify.KEPT_HEADERS}
    return keep(
        Event(
            source=source,
            type=event_type,
            external_id=incoming.header(shopify.ID_HEADER)[:200] or f"{event_type}:sha256:{digest}",
            subject=shopify.subject(payload),
            body=body.decode(),
            body_sha256=digest,
            headers={name: value for name, value in kept_headers.items() if value},
            is_test=incoming.is_test,
        )
    )


def sample(source: Source) -> Incoming:
    """A sample order, signed as the shop would."""
    body = json.dumps(sample_order(timezone.now()), ensure_ascii=False).encode()
    headers = {
        shopify.SIGNATURE_HEADER: shopify.sign(body, source.secret),
        shopify.TOPIC_HEADER: "orders/create",
        shopify.ID_HEADER: f"test-{uuid.uuid4()}",
    }
    return Incoming.of(body, headers, is_test=True)


KIND = SourceKind(
    "shopify",
    "Shopify",
    _("Orders, as Shopify's webhooks send them"),
    receive,
    example=_EXAMPLE,
    sample=sample,
)
