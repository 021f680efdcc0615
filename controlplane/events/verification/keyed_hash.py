"""HMAC as most senders do it: a hash of the raw body with a shared secret, in some header.

Options: `header`, `algorithm` (sha256, sha512, sha1), `encoding` (hex, base64), `prefix` such as
"sha256=", and `timestamp_header`: then "<timestamp>.<body>" is signed, and has to be recent.
"""

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

from django.utils import timezone

from controlplane.events.incoming import Incoming
from controlplane.events.verification import SignatureInvalid
from controlplane.events.verification.window import assert_recent

if TYPE_CHECKING:
    from controlplane.events.models import Source

HEADER = "X-Signature"
ALGORITHMS = ("sha256", "sha512", "sha1")
ENCODINGS = ("hex", "base64")


def digest_of(content: bytes, secret: str, *, algorithm: str = "sha256") -> bytes:
    return hmac.new(secret.encode(), content, getattr(hashlib, algorithm)).digest()


def decoded(text: str, encoding: str) -> bytes:
    """Empty for what is no hex or no base64: a bad signature."""
    try:
        if encoding == "hex":
            return bytes.fromhex(text) if text.isascii() else b""
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def encoded(digest: bytes, encoding: str) -> str:
    return digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()


def fits(given: bytes, content: bytes, secrets: list[str], *, algorithm: str = "sha256") -> bool:
    """Every secret is tried, so that the time taken says nothing about which one fits."""
    found = [
        hmac.compare_digest(given, digest_of(content, secret, algorithm=algorithm))
        for secret in secrets
    ]
    return any(found)


def verify(source: "Source", body: bytes, incoming: Incoming) -> None:
    """Raises SignatureInvalid or TimestampOutsideWindow."""
    header = source.option("header") or HEADER
    prefix, encoding = source.option("prefix"), source.option("encoding") or "hex"
    algorithm = source.option("algorithm") or "sha256"
    given = incoming.header(header).strip()
    content = body
    timestamp_header = source.option("timestamp_header")
    timestamp = incoming.header(timestamp_header).strip() if timestamp_header else ""
    if timestamp_header:
        content = timestamp.encode("utf-8", "replace") + b"." + body
    signature = decoded(given.removeprefix(prefix), encoding) if given.startswith(prefix) else b""
    if not fits(signature, content, source.secrets_at(timezone.now()), algorithm=algorithm):
        raise SignatureInvalid(
            f"The signature in {header} does not fit the body and the secret of source "
            f"“{source.slug}”: it is expected as {prefix}<HMAC-{algorithm.upper()} of "
            f"{'the time, a dot and ' if timestamp_header else ''}the raw body, in {encoding}>. "
            "Check the secret, and that nothing between changes the body."
        )
    if timestamp_header:
        assert_recent(timestamp, header=timestamp_header)


def signed(source: "Source", body: bytes) -> dict[str, str]:
    """The headers that the sender would send; for the test button."""
    encoding = source.option("encoding") or "hex"
    algorithm = source.option("algorithm") or "sha256"
    headers = {}
    content = body
    if timestamp_header := source.option("timestamp_header"):
        headers[timestamp_header] = timestamp = str(int(timezone.now().timestamp()))
        content = timestamp.encode() + b"." + body
    digest = digest_of(content, source.secret, algorithm=algorithm)
    header = source.option("header") or HEADER
    return headers | {header: source.option("prefix") + encoded(digest, encoding)}
