"""A text field that is encrypted at rest: AES-256-GCM under a data key of the schema it stands in.

A token reads `pgl1.<kind>.<version of the data key>.<nonce, ciphertext and tag>`. What it is bound
to (table, column and row where they are known) is authenticated with it, so that a token that is
copied elsewhere does not open. Where data keys come from is registered from above: `use_keys`.
Tokens of older releases (Fernet) are still read; `manage.py rotate_keys --data` rewrites them.
"""

import base64
import binascii
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection as default_connection
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from controlplane.core.redaction import remember

FORMAT = "pgl1"
_NONCE_BYTES = 12


class Undecryptable(Exception):
    """A stored secret does not open: its key is missing, or it was changed or moved."""


class KeyRing(Protocol):
    """The data keys of one schema. The newest encrypts, all decrypt."""

    @property
    def newest(self) -> int: ...

    def key(self, version: int) -> AESGCM | None: ...


KeySource = Callable[..., KeyRing]
_sources: list[KeySource] = []


def use_keys(source: KeySource) -> None:
    """From AppConfig.ready: `source(connection, holding=None)` gives the entered schema's ring.

    `holding` names a version that a token asks for, which may be newer than what is remembered.
    """
    _sources[:] = [source]


def _ring(connection: Any, holding: int | None = None) -> KeyRing:
    if not _sources:
        raise ImproperlyConfigured("no app has registered where data keys come from: use_keys")
    return _sources[0](connection, holding=holding)


@dataclass(frozen=True)
class Place:
    """What a token belongs to: a row's field, a field where no row is known, or neither."""

    table: str = ""
    column: str = ""
    row: str = ""

    @property
    def kind(self) -> str:
        return "r" if self.row else "c" if self.column else "t"

    def authenticated(self, kind: str) -> bytes:
        """As far as the token's kind says that it was bound."""
        names = {"r": (self.table, self.column, self.row), "c": (self.table, self.column), "t": ()}
        return json.dumps([FORMAT, kind, *names[kind]]).encode()


ANYWHERE = Place()


def seal(text: str, place: Place, ring: KeyRing) -> str:
    remember(text)
    key = ring.key(ring.newest)
    assert key is not None
    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = nonce + key.encrypt(nonce, text.encode(), place.authenticated(place.kind))
    coded = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
    return f"{FORMAT}.{place.kind}.{ring.newest}.{coded}"


def unseal(token: str, place: Place, ring: KeyRing) -> str:
    """Raises Undecryptable."""
    if not is_sealed(token):
        return _from_fernet(token)
    try:
        _format, kind, version, coded = token.split(".")
        raw = base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4))
        key = ring.key(int(version))
        if key is None:
            raise Undecryptable(
                f"A stored secret cannot be decrypted: data key {version} of its schema is retired "
                "or was never there. Restore the table vault_datakey with the data it belongs to."
            )
        nonce, sealed = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
        text = key.decrypt(nonce, sealed, place.authenticated(kind)).decode()
    except (ValueError, KeyError, binascii.Error, InvalidTag) as error:
        raise Undecryptable(
            "A stored secret cannot be decrypted: it was changed, or it stands in another place "
            "than the one that it was written for. Set it anew."
        ) from error
    remember(text)
    return text


def is_sealed(token: str) -> bool:
    """Whether it has today's format; else it is an older release's."""
    return token.startswith(f"{FORMAT}.")


def encrypt(text: str) -> str:
    """For what stands in no field: bound to the entered schema only."""
    return seal(text, ANYWHERE, _ring(default_connection))


def decrypt(token: str) -> str:
    """What `encrypt` made in the same schema. Raises Undecryptable."""
    return unseal(token, ANYWHERE, _ring(default_connection, version_of(token)))


def version_of(token: str) -> int | None:
    """Of the data key; None for a token that names none."""
    parts = token.split(".", 3)
    return int(parts[2]) if is_sealed(token) and len(parts) == 4 and parts[2].isdigit() else None


@cache
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _from_fernet(token: str) -> str:
    try:
        text = _fernet(tuple(settings.ENCRYPTION_KEYS)).decrypt(token.encode()).decode()
    except (InvalidToken, ValueError) as error:
        raise Undecryptable(
            "A stored secret cannot be decrypted: the key that it was encrypted with is missing "
            "from ENCRYPTION_KEYS. Add that key at the end of the list and try again."
        ) from error
    remember(text)
    return text


class Sealed(str):
    """A token as it stands in the database, with the keys of the schema that it was read from."""

    ring: KeyRing | None = None

    def __reduce_ex__(self, _protocol: Any) -> Any:
        # Copied and pickled it is text: data keys leave no process.
        return str, (str(self),)


class _OfRow(str):
    """A plain text on its way into the row that `row` names."""

    row = ""


class _Opened(DeferredAttribute):
    """Decrypts when the attribute is first read: only then is the row known, and often never."""

    field: "EncryptedTextField"

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Sealed):
            value = self.field.opened(value, str(instance.pk))
            instance.__dict__[self.field.attname] = value
        return value

    def __set__(self, instance: Any, value: Any) -> None:
        # Without it Python would look into the instance first and never ask `__get__`.
        instance.__dict__[self.field.attname] = value


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Plain text in Python, a token in the database. Cannot be searched, by design.

    `values()` and `values_list()` give the token. Reading the attribute raises Undecryptable.
    """

    descriptor_class = _Opened

    def opened(self, token: Sealed, row: str) -> str:
        return unseal(token, self.place(row), token.ring) if token.ring else _from_fernet(token)

    def place(self, row: str) -> Place:
        return Place(self.model._meta.db_table, str(self.column), row)

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = super().pre_save(model_instance, add)
        if not value:
            return value
        text = _OfRow(value)
        text.row = str(model_instance.pk)
        return text

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if not value:
            return value
        if isinstance(value, Sealed):
            self._refuse(value)
        return seal(str(value), self.place(getattr(value, "row", "")), _ring(connection))

    def _refuse(self, token: Sealed) -> NoReturn:
        raise TypeError(f"{self} was given a token; read the attribute of a row and give its text")

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        if not value:
            return value
        token = Sealed(value)
        if is_sealed(value):
            token.ring = _ring(connection, version_of(value))
        return token

    def get_lookup(self, lookup_name: str) -> Any:
        # Each encryption differs, so a comparison would silently find nothing.
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None
