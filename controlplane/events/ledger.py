"""Once inside: a call that comes again gets the first one's answer and has no second effect."""

import hashlib
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from controlplane.core.errors import DomainError
from controlplane.core.locks import alone
from controlplane.core.models import new_id
from controlplane.core.schema import entered_schema
from controlplane.events.models import LedgerEntry

MAX_KEY = 200


class KeyReused(DomainError):
    code = "idempotency_key_reused"
    status = 409
    title = "The idempotency key belongs to another request"


@transaction.atomic
def once(
    *, key: str, operation: str, request: bytes, run: Callable[[], dict[str, Any]]
) -> tuple[dict[str, Any], bool]:
    """The answer, and whether it is a replay. `request` is what the key was first used with.

    The row and the effect commit together. Two calls with one key at the same time: the second
    waits in the INSERT until the first has committed, then gets its answer. A failed `run` leaves
    no row, so it may be tried again.
    Raises KeyReused.
    """
    digest, entry_id = hashlib.sha256(request).hexdigest(), new_id()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO events_ledgerentry"
            " (id, created_at, updated_at, key, operation, request_sha256)"
            " VALUES (%s, now(), now(), %s, %s, %s) ON CONFLICT (operation, key) DO NOTHING",
            [entry_id, key, operation, digest],
        )
        is_new = cursor.rowcount == 1
    if not is_new:
        return _replayed(LedgerEntry.objects.get(operation=operation, key=key), digest), True
    answer = run()
    LedgerEntry.objects.filter(pk=entry_id).update(response=answer, updated_at=timezone.now())
    return answer, False


def once_slowly(
    *, key: str, operation: str, request: bytes, run: Callable[[], dict[str, Any]]
) -> tuple[dict[str, Any], bool]:
    """As `once`, for a `run` that asks the outside world: no transaction is open meanwhile.

    A process that dies between the effect and the row leaves the effect alone, so `run` has to be
    something that may be done twice. Raises KeyReused.
    """
    digest = hashlib.sha256(request).hexdigest()
    with alone("events.ledger", f"{entered_schema()} {operation} {key}"):
        entry = LedgerEntry.objects.filter(operation=operation, key=key).first()
        if entry is not None:
            return _replayed(entry, digest), True
        answer = run()
        LedgerEntry.objects.create(
            key=key, operation=operation, request_sha256=digest, response=answer
        )
        return answer, False


def _replayed(entry: LedgerEntry, digest: str) -> dict[str, Any]:
    if entry.request_sha256 != digest:
        raise KeyReused(
            f"The key “{entry.key}” was used for {entry.operation} with other input. Use a key "
            "once; in n8n, leave it empty and Pergola makes one of execution and node."
        )
    return dict(entry.response or {})
