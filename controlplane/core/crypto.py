"""A text field that is encrypted at rest with rotatable keys (Fernet: AES-128-CBC and HMAC).

`settings.ENCRYPTION_KEYS` holds Fernet keys, newest first: the first encrypts, all decrypt.
To rotate: put a new key in front, re-save the rows, take the old key away.
"""

from functools import cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models


class Undecryptable(Exception):
    """A stored secret was encrypted with a key that is not in ENCRYPTION_KEYS any more."""


@cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    if not keys:
        raise ImproperlyConfigured(
            "ENCRYPTION_KEYS is empty. Make a key with `python -c 'from cryptography.fernet "
            "import Fernet; print(Fernet.generate_key().decode())'` and set it."
        )
    return MultiFernet([Fernet(key) for key in keys])


def encrypt(text: str) -> str:
    return _fernet(tuple(settings.ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(token: str) -> str:
    """Raises Undecryptable."""
    try:
        return _fernet(tuple(settings.ENCRYPTION_KEYS)).decrypt(token.encode()).decode()
    except InvalidToken as error:
        raise Undecryptable(
            "A stored secret cannot be decrypted: the key that it was encrypted with is missing "
            "from ENCRYPTION_KEYS. Add that key at the end of the list and try again."
        ) from error


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Plain text in Python, a Fernet token in the database. Cannot be searched, by design."""

    def get_prep_value(self, value: Any) -> Any:
        return encrypt(value) if value else value

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return decrypt(value) if value else value

    def get_lookup(self, lookup_name: str) -> Any:
        # Each encryption differs, so a comparison would silently find nothing.
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None
