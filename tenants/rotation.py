"""Exchanging the keys of the shared schema and of every tenant, while all of them are at work."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from django.db import connection

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.crypto import Undecryptable
from controlplane.core.errors import DomainError
from controlplane.vault import rings, rotation
from tenants.context import inside
from tenants.models import Tenant

# A connection keeps about 1 MB for every schema that it has touched.
TENANTS_A_CONNECTION = 100
TRANSACTIONS_SECONDS = 300.0

# Told after each schema: the phase (wrap, renew, encrypt) and the schema's name.
Step = Callable[[str, str], None]


class TransactionsStillOpen(DomainError):
    code = "rotation_transactions_open"
    status = 409
    title = "Older transactions are still open"


@dataclass
class Rotated:
    """How many data keys were wrapped anew, made and retired, and how many rows encrypted anew."""

    rewrapped: int = 0
    renewed: int = 0
    resealed: int = 0
    retired: int = 0
    failed: dict[str, str] = field(default_factory=dict)


def schemas() -> list[Tenant | None]:
    """The shared schema (None) and every tenant that has a table of data keys."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT schemaname FROM pg_tables WHERE tablename = %s", [rings.TABLE])
        there = {row[0] for row in cursor.fetchall()}
    tenants: list[Tenant | None] = [t for t in Tenant.objects.all() if t.schema_name in there]
    return [None, *tenants]


def name_of(tenant: Tenant | None) -> str:
    return tenant.slug if tenant else "shared"


def rewrap_everywhere(*, by: Actor, done: Step = lambda phase, name: None) -> Rotated:
    """Have the newest key-encryption key wrap all data keys; then the others are not needed."""
    result = Rotated()
    for tenant in _each(schemas()):
        with _told(result, tenant), _entered(tenant):
            if changed := rotation.rewrap_keys():
                result.rewrapped += changed
                _record("data_keys.rewrapped", {"keys": changed}, by)
        done("wrap", name_of(tenant))
    return result


def renew_everywhere(
    *, by: Actor, done: Step = lambda phase, name: None, sleep: Callable[[float], None] = time.sleep
) -> Rotated:
    """New data keys, and everything encrypted under them, and the old ones destroyed.

    Old keys decrypt until then. Interrupted, the next call goes on. Raises TransactionsStillOpen;
    then only the old keys stay, and the next call retires them.
    """
    result = Rotated()
    places = schemas()
    for tenant in _each(places):
        with _told(result, tenant), _entered(tenant):
            result.renewed += rotation.renew_key()
        done("renew", name_of(tenant))
    # Until then other processes may encrypt with the key that they remember.
    sleep(rings.KEPT_FOR_SECONDS)
    _await_transactions(sleep)
    for tenant in _each(places):
        with _told(result, tenant), _entered(tenant):
            resealed = rotation.reseal_all()
            result.resealed += resealed
            if retired := rotation.retire_keys():
                result.retired += retired
                _record("data_keys.renewed", {"rows": resealed, "retired": retired}, by)
        done("encrypt", name_of(tenant))
    return result


def usage_everywhere() -> rotation.Usage:
    found = rotation.Usage()
    for tenant in _each(schemas()):
        with _entered(tenant):
            found.add(rotation.usage())
    return found


def _each(places: list[Tenant | None]) -> Iterator[Tenant | None]:
    for number, tenant in enumerate(places, start=1):
        yield tenant
        if number % TENANTS_A_CONNECTION == 0 and not connection.in_atomic_block:
            connection.close()


@contextmanager
def _entered(tenant: Tenant | None) -> Iterator[None]:
    with inside(tenant) if tenant else nullcontext():
        yield


@contextmanager
def _told(result: Rotated, tenant: Tenant | None) -> Iterator[None]:
    """One schema whose keys are lost stops no other."""
    try:
        yield
    except Undecryptable as error:
        result.failed[name_of(tenant)] = str(error)


def _await_transactions(sleep: Callable[[float], None]) -> None:
    """Until no transaction is open that may hold a row which an old key encrypted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        after = cursor.fetchone()[0]
        given_up_at = time.monotonic() + TRANSACTIONS_SECONDS
        while True:
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            if cursor.fetchone()[0] >= after:
                return
            if time.monotonic() > given_up_at:
                raise TransactionsStillOpen(
                    f"A transaction has been open for more than {TRANSACTIONS_SECONDS:.0f} s. Find "
                    "it in pg_stat_activity, end it, and run the rotation again: it goes on."
                )
            sleep(0.2)


def _record(action: str, data: dict[str, int], by: Actor) -> None:
    record(action=action, subject_type="data_key", subject_id="all", data=data, by=by)
