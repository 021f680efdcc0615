"""WooCommerce's webhooks: base64 of HMAC-SHA256 over the raw body, with the webhook's secret."""

from typing import TYPE_CHECKING

from django.utils import timezone

from controlplane.events.incoming import Incoming
from controlplane.events.verification import SignatureInvalid
from controlplane.events.verification.keyed_hash import decoded, digest_of, encoded, fits

if TYPE_CHECKING:
    from controlplane.events.models import Source

SIGNATURE_HEADER = "X-WC-Webhook-Signature"


def verify(source: "Source", body: bytes, incoming: Incoming) -> None:
    """Raises SignatureInvalid."""
    given = decoded(incoming.header(SIGNATURE_HEADER), "base64")
    if not fits(given, body, source.secrets_at(timezone.now())):
        raise SignatureInvalid(
            f"The signature in {SIGNATURE_HEADER} does not fit the body and the secret of source "
            f"“{source.slug}”. In WooCommerce open the webhook, put the secret that was shown "
            "here under “Secret”, and check that nothing between changes the body."
        )


def sign(body: bytes, secret: str) -> str:
    return encoded(digest_of(body, secret), "base64")
