"""The installation's key for checkpoints: Ed25519, so that others verify and cannot sign.

From AUDIT_KEY_FILE, else derived from SECRET_KEY. It lies outside the database on purpose: who has
the database alone can rewrite a chain, and cannot sign what it became.
"""

import base64
import hashlib
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_PURPOSE = b"pergola audit checkpoints"


def signing_key() -> Ed25519PrivateKey:
    """The key that signs now. Raises ImproperlyConfigured for a file with another kind of key."""
    return _key(settings.AUDIT_KEY_FILE, settings.SECRET_KEY)


def public_key() -> str:
    """Its public half, base64 of 32 bytes: given to auditors by another way than the export."""
    return encoded(signing_key().public_key())


def own_public_keys() -> set[str]:
    """Those that this installation signs with, or has signed with."""
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    derived = {encoded(_key("", secret).public_key()) for secret in secrets}
    return {public_key(), *derived, *settings.AUDIT_FORMER_PUBLIC_KEYS}


def key_id(public: str) -> str:
    """A short name of a public key: 16 hex digits of the SHA-256 of its bytes."""
    return hashlib.sha256(base64.b64decode(public)).hexdigest()[:16]


def encoded(public: Ed25519PublicKey) -> str:
    return base64.b64encode(public.public_bytes_raw()).decode()


@cache
def _key(file: str, secret: str) -> Ed25519PrivateKey:
    if file:
        key = serialization.load_pem_private_key(Path(file).read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ImproperlyConfigured(
                "AUDIT_KEY_FILE holds no Ed25519 key. Make one with "
                "`openssl genpkey -algorithm ed25519`."
            )
        return key
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=_PURPOSE)
    return Ed25519PrivateKey.from_private_bytes(derived.derive(secret.encode()))
