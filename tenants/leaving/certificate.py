"""What was removed, signed, for whoever has to show it: RFC 8785 JSON and an Ed25519 signature."""

import base64
from pathlib import Path
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from tenants.models import Departure

_PURPOSE = b"pergola certificate of removal"


class CertificateInvalid(Exception):
    """It was changed, or signed by another key than the one that it is held against."""


def certify(departure: Departure) -> dict[str, Any]:
    """The signed certificate of a removal that is over."""
    assert departure.removed_at is not None
    content = {
        "kind": "pergola-removal-1",
        "tenant": {
            "id": str(departure.tenant_id),
            "slug": departure.slug,
            "name": departure.name,
            "environment": departure.environment,
            "partner": departure.partner,
        },
        "reason": departure.reason,
        "left_at": departure.left_at.isoformat(),
        "left_by": departure.left_by,
        "removed_at": departure.removed_at.isoformat(),
        "removed_by": departure.removed_by,
        "removed": departure.removed,
        "export": {
            "name": departure.export_name,
            "sha256": departure.export_sha256,
            "bytes": departure.export_bytes,
        },
        "platform": settings.PUBLIC_URL,
        "release": settings.RELEASE,
    }
    key = _key(settings.SECRET_KEY)
    return {
        "content": content,
        "public_key": _encoded(key.public_key().public_bytes_raw()),
        "signature": _encoded(key.sign(rfc8785.dumps(content))),
    }


def verify(certificate: dict[str, Any], *, public_key: str = "") -> dict[str, Any]:
    """Its content, once it holds against this key, else against this platform's own.

    A SECRET_KEY of before counts while it stands in SECRET_KEY_FALLBACKS. Raises
    CertificateInvalid.
    """
    try:
        content, named = certificate["content"], certificate["public_key"]
        signature = base64.b64decode(certificate["signature"], validate=True)
        signed = rfc8785.dumps(content)
    except (KeyError, TypeError, ValueError) as error:
        raise CertificateInvalid(f"This is no certificate of removal: {error!r}") from error
    if named not in ({public_key} if public_key else _own_public_keys()):
        raise CertificateInvalid(
            f"It was signed by the key {named}, which is not the one that it should be. If "
            "SECRET_KEY was changed since, give the public key that was noted then."
        )
    try:
        Ed25519PublicKey.from_public_bytes(base64.b64decode(named)).verify(signature, signed)
    except (InvalidSignature, ValueError) as error:
        raise CertificateInvalid("Its content was changed after it was signed.") from error
    return dict(content)


def _own_public_keys() -> set[str]:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return {_encoded(_key(secret).public_key().public_bytes_raw()) for secret in secrets}


def _key(secret: str) -> Ed25519PrivateKey:
    if settings.CERTIFICATE_KEY_FILE:
        pem = Path(settings.CERTIFICATE_KEY_FILE).read_bytes()
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ImproperlyConfigured(
                "CERTIFICATE_KEY_FILE holds no Ed25519 key. Make one with "
                "`openssl genpkey -algorithm ed25519`."
            )
        return key
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=_PURPOSE)
    return Ed25519PrivateKey.from_private_bytes(derived.derive(secret.encode()))


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
