"""The kind of source that most shops are: an order, signed and numbered by Shopify."""

import json
import uuid

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.events import shopify
from controlplane.events.incoming import Incoming, parse_object
from controlplane.events.kinds import SourceKind
from controlplane.events.models import Event, Source
from controlplane.events.samples import sample_order
from controlplane.events.verification import SignatureInvalid
from controlplane.events.webhooks import TopicUnknown, event_of, receiver

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


def verify(source: Source, body: bytes, incoming: Incoming) -> None:
    """Raises SignatureInvalid."""
    secrets = source.secrets_at(timezone.now())
    if not any([shopify.is_signed(body, secret, incoming.headers) for secret in secrets]):
        raise SignatureInvalid(
            f"The signature in {shopify.SIGNATURE_HEADER} does not fit the body and the secret of "
            f"source “{source.slug}”. Check that the shop signs with the secret that was shown "
            "when the source was set up, and that nothing between changes the body."
        )


def read(source: Source, body: bytes, incoming: Incoming) -> Event:
    """Raises TopicUnknown or BodyMalformed."""
    topic = incoming.header(shopify.TOPIC_HEADER)
    event_type = shopify.TYPES_BY_TOPIC.get(topic)
    if event_type is None:
        raise TopicUnknown(
            f"The topic “{topic}” is not taken. Subscribe the shop to one of: "
            f"{', '.join(shopify.TYPES_BY_TOPIC)}."
        )
    payload = parse_object(body)
    return event_of(
        source,
        body,
        type=event_type,
        external_id=incoming.header(shopify.ID_HEADER),
        subject=shopify.subject(payload),
        headers={name: incoming.header(name) for name in shopify.KEPT_HEADERS},
        is_test=incoming.is_test,
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
    receiver(verify, read, takes_conflicts=True),
    example=_EXAMPLE,
    sample=sample,
    read=read,
)
