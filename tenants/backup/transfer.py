"""How secrets travel: the data keys of the schema are wrapped anew, the tokens are copied.

A token is bound to its row, and opens with a data key of the schema it stands in; a data key is
wrapped for that schema by one of ENCRYPTION_KEYS. So an archive holds the data keys: as they are
stored, for who has the same ENCRYPTION_KEYS, or under a passphrase, for another installation. Each
is unwrapped and wrapped for the schema that it comes into.
"""

import base64
import os
from typing import Any, Protocol

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from django.apps import apps

from controlplane.core.crypto import EncryptedTextField, Undecryptable, is_sealed
from controlplane.core.errors import DomainError
from controlplane.vault import wrapping
from controlplane.vault.rings import TABLE
from tenants.backup.tables import Change, Row, Table

_PROOF = b"pergola"
# No tenant's schema is called so.
_PROVED_FOR = "backup"
_NULL = "\\N"
# 32 MB and a tenth of a second for each guess.
_COST = {"length": 32, "n": 2**15, "r": 8, "p": 1}


class SecretsLocked(DomainError):
    code = "backup_secrets_locked"
    status = 422
    title = "The archive's secrets cannot be read here"


class SecretsOutdated(DomainError):
    code = "backup_secrets_outdated"
    status = 409
    title = "The tenant has secrets of an older release's form"


class Carrier(Protocol):
    def pack(self, wrapped: str, wrapped_by: str, *, schema: str) -> tuple[str, str]:
        """A data key as it stands in this schema, for the archive."""

    def unpack(self, wrapped: str, wrapped_by: str, *, schema: str) -> bytes:
        """A data key out of the archive, which was made of this schema."""

    @property
    def takes_old_tokens(self) -> bool:
        """Whether tokens of older releases, which no data key opens, can be read at the end."""

    def describe(self) -> dict[str, str]:
        """For the manifest; the proof shows at once whether the archive can be read."""


class AsStored:
    """Data keys are copied; whoever restores needs the same key among ENCRYPTION_KEYS."""

    takes_old_tokens = True

    def pack(self, wrapped: str, wrapped_by: str, *, schema: str) -> tuple[str, str]:
        return wrapped, wrapped_by

    def unpack(self, wrapped: str, wrapped_by: str, *, schema: str) -> bytes:
        return wrapping.unwrap(wrapped, wrapped_by, schema=schema)

    def describe(self) -> dict[str, str]:
        proof, proved_by = wrapping.wrap(_PROOF, schema=_PROVED_FOR)
        return {"kind": "keys", "proof": proof, "proved_by": proved_by}


class UnderPassphrase:
    """Every data key in the archive is encrypted with the passphrase's key."""

    takes_old_tokens = False

    def __init__(self, passphrase: str, *, salt: bytes | None = None) -> None:
        self._salt = salt or os.urandom(16)
        key = Scrypt(salt=self._salt, **_COST).derive(passphrase.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def pack(self, wrapped: str, wrapped_by: str, *, schema: str) -> tuple[str, str]:
        data_key = wrapping.unwrap(wrapped, wrapped_by, schema=schema)
        return self._fernet.encrypt(data_key).decode(), ""

    def unpack(self, wrapped: str, wrapped_by: str, *, schema: str) -> bytes:
        return self.opened(wrapped)

    def opened(self, text: str) -> bytes:
        return self._fernet.decrypt(text.encode())

    def describe(self) -> dict[str, str]:
        return {
            "kind": "passphrase",
            "salt": self._salt.hex(),
            "proof": self._fernet.encrypt(_PROOF).decode(),
        }


def leaving(carrier: Carrier, table: Table, *, schema: str) -> Change | None:
    """What becomes of the table's rows on the way into the archive. It raises SecretsOutdated."""
    if table.name == TABLE:

        def packed(row: Row) -> Row:
            if not row["wrapped"]:
                return row  # retired, and destroyed
            wrapped, wrapped_by = carrier.pack(row["wrapped"], row["wrapped_by"], schema=schema)
            return {"wrapped": wrapped, "wrapped_by": wrapped_by}

        return packed
    columns = secret_columns(table.name)
    if carrier.takes_old_tokens or not columns:
        return None

    def checked(row: Row) -> Row:
        for column in columns:
            token = row.get(column, "")
            if token not in ("", _NULL) and not is_sealed(token):
                raise SecretsOutdated(
                    f"{table.name} has a secret that an older release encrypted, which a "
                    "passphrase cannot carry. Run `manage.py rotate_keys --data` first."
                )
        return {}

    return checked


def arriving(carrier: Carrier, table: Table, *, of_schema: str, schema: str) -> Change | None:
    """What becomes of the table's rows on the way into the schema. It raises SecretsLocked."""
    if table.name != TABLE:
        return None

    def wrapped_anew(row: Row) -> Row:
        if not row["wrapped"]:
            return row
        try:
            data_key = carrier.unpack(row["wrapped"], row["wrapped_by"], schema=of_schema)
        except (Undecryptable, InvalidToken) as error:
            raise SecretsLocked(
                f"A data key of the archive does not open here: {error or 'it was changed.'}"
            ) from error
        wrapped, wrapped_by = wrapping.wrap(data_key, schema=schema)
        return {"wrapped": wrapped, "wrapped_by": wrapped_by}

    return wrapped_anew


def secret_columns(table: str) -> list[str]:
    return [
        str(field.column)
        for model in apps.get_models()
        if model._meta.db_table == table
        for field in model._meta.concrete_fields
        if isinstance(field, EncryptedTextField)
    ]


def carrier_of(said: Any, *, passphrase: str) -> Carrier:
    """The one that an archive was made with, tried out. Raises SecretsLocked."""
    try:
        if said["kind"] == "keys":
            wrapping.unwrap(str(said["proof"]), str(said["proved_by"]), schema=_PROVED_FOR)
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
