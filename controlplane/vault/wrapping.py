"""Key-encryption keys: from the settings, newest first, used for nothing but data keys.

An entry of ENCRYPTION_KEYS is 32 random bytes in URL-safe base64. Older releases used it as a
Fernet key, so what wraps is derived from it (HKDF) and shares nothing with that.
"""

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from controlplane.core.crypto import Undecryptable

KEY_BYTES = 32
_NONCE_BYTES = 12


@dataclass(frozen=True)
class WrappingKey:
    """`id` says which one it is, without saying anything about it."""

    id: str
    cipher: AESGCM


def wrapping_keys() -> tuple[WrappingKey, ...]:
    """Newest first. Raises ImproperlyConfigured."""
    return _derived(tuple(settings.ENCRYPTION_KEYS))


@cache
def _derived(entries: tuple[str, ...]) -> tuple[WrappingKey, ...]:
    if not entries:
        raise ImproperlyConfigured(
            "ENCRYPTION_KEYS is empty. Make a key with `python -c 'import base64, os; "
            "print(base64.urlsafe_b64encode(os.urandom(32)).decode())'` and set it, or name a "
            "file with one key a line in ENCRYPTION_KEYS_FILE."
        )
    return tuple(_key(entry) for entry in entries)


def _key(entry: str) -> WrappingKey:
    try:
        material = base64.urlsafe_b64decode(entry)
    except binascii.Error:
        material = b""
    if len(material) != KEY_BYTES:
        raise ImproperlyConfigured(
            "An entry of ENCRYPTION_KEYS is no key: each is 32 random bytes in URL-safe base64, "
            "44 characters with the final “=”."
        )
    secret = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"pergola key-encryption key").derive(
        material
    )
    return WrappingKey(hashlib.sha256(secret).hexdigest()[:16], AESGCM(secret))


def wrap(data_key: bytes, *, schema: str) -> tuple[str, str]:
    """The data key under the newest key-encryption key, for this schema only; and that key's id."""
    newest = wrapping_keys()[0]
    nonce = secrets.token_bytes(_NONCE_BYTES)
    wrapped = nonce + newest.cipher.encrypt(nonce, data_key, _bound_to(schema))
    return base64.urlsafe_b64encode(wrapped).decode(), newest.id


def unwrap(wrapped: str, wrapped_by: str, *, schema: str) -> bytes:
    """Raises Undecryptable."""
    raw = base64.urlsafe_b64decode(wrapped)
    key = next((key for key in wrapping_keys() if key.id == wrapped_by), None)
    if key is None:
        raise Undecryptable(
            f"The secrets of schema {schema} cannot be decrypted: the key-encryption key "
            f"{wrapped_by} is missing from ENCRYPTION_KEYS. Add it at the end of the list."
        )
    try:
        return key.cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound_to(schema))
    except InvalidTag as error:
        raise Undecryptable(
            f"A data key in schema {schema} does not open: it was changed, or it belongs to "
            "another schema. Restore the table vault_datakey with the data it belongs to."
        ) from error


def _bound_to(schema: str) -> bytes:
    return f"pergola data key of {schema}".encode()
