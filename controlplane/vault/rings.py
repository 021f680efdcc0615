"""The data keys that this process has unwrapped, by schema. Asked for on every encrypted value.

A schema's first key is made when something is first encrypted in it, so that spare schemas share
none. It is committed on a connection of its own: a transaction that is rolled back must not take
away a key that others have used meanwhile.
"""

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.utils import timezone
from psycopg import sql

from controlplane.core.models import new_id
from controlplane.vault import wrapping

# A process may encrypt with a key this much longer than there is a newer one.
KEPT_FOR_SECONDS = 30.0
MOST_KEPT = 5000

TABLE = "vault_datakey"


@dataclass(frozen=True)
class Ring:
    """The usable data keys of one schema, by version."""

    keys: dict[int, AESGCM] = field(repr=False)
    read_at: float

    @property
    def newest(self) -> int:
        return max(self.keys)

    def key(self, version: int) -> AESGCM | None:
        return self.keys.get(version)


_kept: OrderedDict[tuple[str, str, str], Ring] = OrderedDict()
_lock = threading.Lock()


def ring_of(connection: Any, *, holding: int | None = None) -> Ring:
    """The ring of the schema that the connection has entered. Raises Undecryptable."""
    # The tenant's id too: a tenant made anew under an old name has other keys. So may one whose
    # schema was emptied or restored, which changes its row.
    tenant = getattr(connection.tenant, "pk", None), getattr(connection.tenant, "updated_at", None)
    name = (str(connection.settings_dict["NAME"]), str(connection.schema_name), str(tenant))
    with _lock:
        ring = _kept.get(name)
    is_fresh = ring is not None and time.monotonic() - ring.read_at < KEPT_FOR_SECONDS
    if ring is None or not is_fresh or (holding is not None and holding not in ring.keys):
        ring = _read(connection)
        with _lock:
            _kept[name] = ring
            _kept.move_to_end(name)
            while len(_kept) > MOST_KEPT:
                _kept.popitem(last=False)
    return ring


def forget_rings() -> None:
    """This process asks the database again for every key."""
    with _lock:
        _kept.clear()


def add_key(connection: Any, *, version: int) -> bool:
    """Make that version and commit it at once; False where somebody made it before."""
    schema = connection.schema_name
    wrapped, wrapped_by = wrapping.wrap(secrets.token_bytes(wrapping.KEY_BYTES), schema=schema)
    now = timezone.now()
    row = [new_id(), now, now, version, wrapped, wrapped_by]
    own = connection.copy()
    try:
        own.set_tenant(connection.tenant)
        with own.cursor() as cursor:
            cursor.execute(
                sql.SQL(
                    "INSERT INTO {} (id, created_at, updated_at, version, wrapped, wrapped_by)"
                    " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (version) DO NOTHING"
                ).format(sql.Identifier(schema, TABLE)),
                row,
            )
            return bool(cursor.rowcount)
    finally:
        own.close()


def _read(connection: Any) -> Ring:
    read_at = time.monotonic()
    keys = _usable(connection)
    if not keys:
        add_key(connection, version=1)
        keys = _usable(connection)
    return Ring(keys, read_at)


def _usable(connection: Any) -> dict[int, AESGCM]:
    schema = connection.schema_name
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT version, wrapped, wrapped_by FROM {} WHERE retired_at IS NULL").format(
                sql.Identifier(schema, TABLE)
            )
        )
        return {
            version: AESGCM(wrapping.unwrap(wrapped, wrapped_by, schema=schema))
            for version, wrapped, wrapped_by in cursor.fetchall()
        }
