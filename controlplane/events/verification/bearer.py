"""A token that the sender repeats with each message: `Authorization: Bearer <secret>`."""

import hmac
from typing import TYPE_CHECKING

from django.utils import timezone

from controlplane.events.incoming import Incoming
from controlplane.events.verification import SignatureInvalid

if TYPE_CHECKING:
    from controlplane.events.models import Source

HEADER = "Authorization"


def verify(source: "Source", body: bytes, incoming: Incoming) -> None:
    """Raises SignatureInvalid."""
    scheme, _space, token = incoming.header(HEADER).strip().partition(" ")
    given = token.strip().encode("utf-8", "replace")
    found = [
        hmac.compare_digest(given, secret.encode()) for secret in source.secrets_at(timezone.now())
    ]
    if scheme.lower() != "bearer" or not any(found):
        raise SignatureInvalid(
            f"The header {HEADER} does not hold “Bearer” and the token of source "
            f"“{source.slug}”. Copy the token anew, or replace it on the source's page."
        )
