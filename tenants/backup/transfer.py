"""How secrets travel: as they are stored, or under a passphrase for another installation.

What is encrypted at rest can be read with this installation's ENCRYPTION_KEYS only. An archive
under a passphrase needs no key in common: each secret is decrypted here and encrypted anew with a
key that scrypt makes of the passphrase.
"""

import base64
import os
from typing import Any, Protocol

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.apps import apps
from django.db import connection, models

from controlplane.core.crypto import EncryptedTextField, Undecryptable
from controlplane.core.errors import DomainError

_PROOF = "pergola"
# 32 MB and a tenth of a second for each guess.
_COST = {"length": 32, "n": 2**15, "r": 8, "p": 1}


class SecretsLocked(DomainError):
    code = "backup_secrets_locked"
    status = 422
    title = "The archive's secrets cannot be read here"


class Carrier(Protocol):
    def seal(self, token: str) -> str:
        """From the database into the archive."""

    def unseal(self, text: str) -> str:
        """From the archive into the database."""

    def describe(self) -> dict[str, str]:
        """For the manifest; `proof` shows at once whether the archive can be read."""


def fields_with_secrets() -> dict[str, dict[str, "models.Field[Any, Any]"]]:
    """By table, by column."""
    found: dict[str, dict[str, models.Field[Any, Any]]] = {}
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, EncryptedTextField):
                found.setdefault(model._meta.db_table, {})[str(field.column)] = field
    return found


class AsStored:
    """Tokens are copied; whoever restores needs the same key among ENCRYPTION_KEYS."""

    def seal(self, token: str) -> str:
        return token

    def unseal(self, text: str) -> str:
        return text

    def describe(self) -> dict[str, str]:
        return {"kind": "keys", "proof": _encrypted(_PROOF)}


class UnderPassphrase:
    """Every secret in the archive is encrypted with the passphrase's key."""

    def __init__(self, passphrase: str, *, salt: bytes | None = None) -> None:
        self._salt = salt or os.urandom(16)
        key = Scrypt(salt=self._salt, **_COST).derive(passphrase.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def seal(self, token: str) -> str:
        return self._fernet.encrypt(_decrypted(token).encode()).decode()

    def unseal(self, text: str) -> str:
        return _encrypted(self.opened(text))

    def opened(self, text: str) -> str:
        return self._fernet.decrypt(text.encode()).decode()

    def describe(self) -> dict[str, str]:
        return {
            "kind": "passphrase",
            "salt": self._salt.hex(),
            "proof": self._fernet.encrypt(_PROOF.encode()).decode(),
        }


def carrier_of(said: Any, *, passphrase: str) -> Carrier:
    """The one that an archive was made with, tried out. Raises SecretsLocked."""
    try:
        if said["kind"] == "keys":
            _decrypted(str(said["proof"]))
            return AsStored()
        if not passphrase:
            raise SecretsLocked(
                "The archive's secrets are under a passphrase. Give the file that holds it with "
                "--passphrase-file."
            )
        carrier = UnderPassphrase(passphrase, salt=bytes.fromhex(said["salt"]))
        carrier.opened(str(said["proof"]))
        return carrier
    except Undecryptable:
        raise SecretsLocked(
            "The archive was made under ENCRYPTION_KEYS that are not set here. Add that key at the "
            "end of the list, or make the backup again with --passphrase-file."
        ) from None
    except InvalidToken:
        raise SecretsLocked(
            "The passphrase is not the one that the archive was made with."
        ) from None
    except (KeyError, TypeError, ValueError):
        raise SecretsLocked(
            "The archive does not say how its secrets are kept. Take another copy of the backup."
        ) from None


# By the field rather than by `core.crypto`: however it keeps what it encrypts, it reads it back.
_FIELD = EncryptedTextField()


def _encrypted(text: str) -> str:
    return str(_FIELD.get_prep_value(text))


def _decrypted(token: str) -> str:
    return str(_FIELD.from_db_value(token, None, connection))
