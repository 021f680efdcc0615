"""Standard Webhooks 1.0 (standardwebhooks.com), with shared secrets: `v1` signatures.

Signed is "<webhook-id>.<webhook-timestamp>.<body>". Several signatures, with spaces between, let a
sender rotate its key. Public-key signatures (`v1a`) are not taken.
"""

import base64
import hashlib
import hmac
import secrets as random_secrets
from typing import TYPE_CHECKING

from django.utils import timezone

from controlplane.events.incoming import Incoming
from controlplane.events.verification import SignatureInvalid
from controlplane.events.verification.keyed_hash import decoded
from controlplane.events.verification.window import assert_recent

if TYPE_CHECKING:
    from controlplane.events.models import Source

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"
PREFIX = "whsec_"
MOST_SIGNATURES = 20


def new_secret() -> str:
    return PREFIX + base64.b64encode(random_secrets.token_bytes(32)).decode()


def key_of(secret: str) -> bytes:
    """The bytes that sign; none for a secret that is no base64."""
    return decoded(secret.removeprefix(PREFIX), "base64")


def sign(secret: str, *, message_id: str, timestamp: int, body: bytes) -> str:
    content = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key_of(secret), content, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def verify(source: "Source", body: bytes, incoming: Incoming) -> None:
    """Raises SignatureInvalid or TimestampOutsideWindow."""
    message_id = incoming.header(ID_HEADER)
    timestamp = incoming.header(TIMESTAMP_HEADER)
    content = f"{message_id}.{timestamp}.".encode("utf-8", "replace") + body
    keys = [key for secret in source.secrets_at(timezone.now()) if (key := key_of(secret))]
    expected = [hmac.new(key, content, hashlib.sha256).digest() for key in keys]
    given = [
        decoded(text.removeprefix("v1,"), "base64")
        for text in incoming.header(SIGNATURE_HEADER).split()[:MOST_SIGNATURES]
        if text.startswith("v1,")
    ]
    found = [hmac.compare_digest(one, other) for one in given for other in expected]
    if not message_id or not any(found):
        raise SignatureInvalid(
            f"No signature in {SIGNATURE_HEADER} fits {ID_HEADER}, {TIMESTAMP_HEADER}, the body "
            f"and the secret of source “{source.slug}”. Check the secret (whsec_…), and that "
            "nothing between changes the body."
        )
    assert_recent(timestamp, header=TIMESTAMP_HEADER)


def signed(source: "Source", body: bytes, *, message_id: str) -> dict[str, str]:
    """The headers that the sender would send; for the test button."""
    timestamp = int(timezone.now().timestamp())
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(timestamp),
        SIGNATURE_HEADER: sign(
            source.secret, message_id=message_id, timestamp=timestamp, body=body
        ),
    }
