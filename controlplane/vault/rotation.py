"""Exchanging keys in the schema that is entered, while others read and write in it.

Each step may be repeated and finds by itself what is left to do, so a crash is mended by a rerun.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.db import connection, models, router, transaction
from django.utils import timezone
from psycopg import sql

from controlplane.core.crypto import (
    FORMAT,
    EncryptedTextField,
    Sealed,
    Undecryptable,
    seal,
    version_of,
)
from controlplane.vault import rings, wrapping
from controlplane.vault.models import DataKey
from controlplane.vault.tokens import token_tables

BATCH = 200


@dataclass(frozen=True)
class SecretTable:
    """A table of the entered schema with encrypted columns."""

    model: type[models.Model]
    fields: tuple[EncryptedTextField, ...]

    @property
    def name(self) -> sql.Identifier:
        return sql.Identifier(str(connection.schema_name), self.model._meta.db_table)  # type: ignore[attr-defined]

    @property
    def key(self) -> sql.Identifier:
        return sql.Identifier(str(self.model._meta.pk.column))

    def columns(self) -> list[sql.Identifier]:
        return [sql.Identifier(str(field.column)) for field in self.fields]

    def is_old(self) -> sql.Composed:
        """True of a row with a token that another key than the `%(newest)s` made."""
        one = sql.SQL("({0} <> '' AND {0} NOT LIKE %(newest)s)")
        return sql.SQL(" OR ").join(one.format(column) for column in self.columns())


def secret_tables() -> list[SecretTable]:
    """Found by looking at every model, so that none is forgotten."""
    tables = []
    for model in apps.get_models():
        fields = tuple(f for f in model._meta.local_fields if isinstance(f, EncryptedTextField))
        if fields and router.allow_migrate_model(connection.alias, model):
            tables.append(SecretTable(model, fields))
    return tables


def live_keys() -> list[DataKey]:
    """Those that are not retired, the newest last."""
    return list(DataKey.objects.filter(retired_at=None).order_by("version"))


def rewrap_keys() -> int:
    """Have the newest key-encryption key wrap every data key; how many it did not wrap before.

    Raises Undecryptable where the one that wrapped a key is gone.
    """
    schema, newest, changed = str(connection.schema_name), wrapping.wrapping_keys()[0].id, 0  # type: ignore[attr-defined]
    for key in live_keys():
        if key.wrapped_by == newest:
            continue
        plain = wrapping.unwrap(key.wrapped, key.wrapped_by, schema=schema)
        wrapped, wrapped_by = wrapping.wrap(plain, schema=schema)
        changed += DataKey.objects.filter(pk=key.pk, wrapped_by=key.wrapped_by).update(
            wrapped=wrapped, wrapped_by=wrapped_by, updated_at=timezone.now()
        )
    return changed


def renew_key() -> bool:
    """A newer data key; False where there is none yet, or a rotation is unfinished.

    Other processes go on encrypting with the older one for `rings.KEPT_FOR_SECONDS`.
    """
    live = live_keys()
    if len(live) != 1:
        return False
    return rings.add_key(connection, version=live[0].version + 1)


def reseal_all() -> int:
    """Encrypt everything anew that an older key made; how many rows that were.

    In batches, each its own transaction. A row that somebody is writing is passed over at first
    and waited for at the end.
    """
    rings.forget_rings()
    done = 0
    for table in secret_tables():
        for how in ("SKIP LOCKED", ""):
            while changed := _reseal_batch(table, how):
                done += changed
    newest = _newest_version()
    return done + sum(table.reseal(newest) for table in token_tables())


def old_rows() -> int:
    """Rows with a secret that another than the newest data key made, older formats included."""
    newest = _newest_pattern()
    count = 0
    with connection.cursor() as cursor:
        for table in secret_tables():
            statement = sql.SQL("SELECT count(*) FROM {} WHERE {}")
            cursor.execute(statement.format(table.name, table.is_old()), {"newest": newest})
            count += cursor.fetchone()[0]
    version = _newest_version()
    return count + sum(table.old_rows(version) for table in token_tables())


def retire_keys() -> int:
    """Destroy all data keys but the newest, if nothing needs them; how many that were.

    Called when no transaction is open that began while they were in use.
    """
    if old_rows():
        return 0
    now = timezone.now()
    retired = DataKey.objects.filter(pk__in=[key.pk for key in live_keys()[:-1]]).update(
        wrapped="", retired_at=now, updated_at=now
    )
    rings.forget_rings()
    return retired


@dataclass
class Usage:
    """What is in use: data keys by the id of what wraps them, and tokens of older releases."""

    wrapped_by: Counter[str] = field(default_factory=Counter)
    unfinished: int = 0
    fernet: int = 0

    def add(self, other: "Usage") -> None:
        self.wrapped_by += other.wrapped_by
        self.unfinished += other.unfinished
        self.fernet += other.fernet


def usage() -> Usage:
    live = live_keys()
    found = Usage(Counter(key.wrapped_by for key in live), unfinished=int(len(live) > 1))
    with connection.cursor() as cursor:
        for table in secret_tables():
            statement = sql.SQL("SELECT count(*) FROM {} WHERE {}")
            cursor.execute(statement.format(table.name, table.is_old()), {"newest": "pgl1._.%"})
            found.fernet += cursor.fetchone()[0]
    return found


def _newest_version() -> int:
    live = live_keys()
    # Where there is no key, nothing is encrypted, or all of it by an older release.
    return live[-1].version if live else 0


def _newest_pattern() -> str:
    return f"{FORMAT}._.{_newest_version()}.%"


@transaction.atomic
def _reseal_batch(table: SecretTable, how: str) -> int:
    select = sql.SQL(
        "SELECT {key}, {columns} FROM {table} WHERE {old}"
        " ORDER BY {key} LIMIT {limit} FOR UPDATE {how}"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            select.format(
                key=table.key,
                columns=sql.SQL(", ").join(table.columns()),
                table=table.name,
                old=table.is_old(),
                limit=sql.Literal(BATCH),
                how=sql.SQL(how),  # type: ignore[arg-type]
            ),
            {"newest": _newest_pattern()},
        )
        rows = cursor.fetchall()
        for key, *tokens in rows:
            _reseal_row(cursor, table, key, tokens)
    return len(rows)


def _reseal_row(cursor: Any, table: SecretTable, key: Any, tokens: list[str]) -> None:
    sealed: list[str] = []
    for column, token in zip(table.fields, tokens, strict=True):
        if not token:
            sealed.append(token)
            continue
        ring = rings.ring_of(connection, holding=version_of(token))
        found = Sealed(token)
        found.ring = ring
        try:
            text = column.opened(found, str(key))
        except Undecryptable as error:
            raise Undecryptable(
                f"{table.model._meta.label} {key}, {column.name}: {error} The rotation stopped "
                "there; what was done is kept."
            ) from error
        sealed.append(seal(text, column.place(str(key)), ring))
    assignments = sql.SQL(", ").join(
        sql.SQL("{} = %s").format(column) for column in table.columns()
    )
    cursor.execute(
        sql.SQL("UPDATE {} SET {} WHERE {} = %s").format(table.name, assignments, table.key),
        [*sealed, key],
    )
