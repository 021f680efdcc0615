"""Whether a connection works: by the beat, by a person, by a workflow."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.connections import sftp, smtp
from controlplane.connections.broker import Exchange
from controlplane.connections.kinds import kind_named
from controlplane.connections.models import Connection
from controlplane.core.actor import Actor, ActorKind, system
from controlplane.core.crypto import Undecryptable
from controlplane.core.errors import DomainError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.redaction import redact

EVERY = timedelta(minutes=15)
SECONDS = 10.0
# One tenant's checks are one task; those that are left over come a beat later.
MOST_AT_ONCE = 50


def check_connection(*, connection: Connection, by: Actor) -> Connection:
    """Asks the system, and keeps what came of it: it raises nothing of the system's.

    An entry in the trail where a person or a workflow asked, or where the answer is another one.
    """
    fault = _fault(connection)
    status = Connection.Status.FAILING if fault else Connection.Status.OK
    with transaction.atomic():
        row = Connection.objects.select_for_update().filter(pk=connection.pk).first()
        if row is None:
            return connection
        changed = row.status != status
        row.status, row.last_error, row.last_checked_at = status, fault, timezone.now()
        row.save(update_fields=["status", "last_error", "last_checked_at", "updated_at"])
        if changed or by.kind is not ActorKind.SYSTEM:
            record(
                action="connection.checked",
                subject_type="connection",
                subject_id=str(row.pk),
                data={"name": row.name, "kind": row.kind, "status": str(status)},
                by=by,
            )
    return row


def enqueue_due() -> None:
    """For the beat: the tenant's own lane does the asking."""
    if _due().exists():
        enqueue_on_commit("connections.check_due")


def check_due() -> int:
    """How many were checked."""
    found = list(_due()[:MOST_AT_ONCE])
    for connection in found:
        check_connection(connection=connection, by=system("connections"))
    return len(found)


def _due() -> QuerySet[Connection]:
    old = Q(last_checked_at=None) | Q(last_checked_at__lt=timezone.now() - EVERY)
    return Connection.objects.filter(old, is_active=True).order_by("last_checked_at")


def _fault(connection: Connection) -> str:
    """What is wrong, in our own words; empty where nothing is."""
    try:
        return redact(_asked(connection))[:500]
    except DomainError as error:
        return redact(error.detail)[:500]
    except Undecryptable:
        return "Its secrets cannot be decrypted here. Type them in again."


def _asked(connection: Connection) -> str:
    kind = kind_named(connection.kind)
    if kind.is_stand_in:
        return ""
    if kind.protocol == "sftp":
        sftp.check(connection, seconds=SECONDS)
    if kind.protocol == "smtp":
        smtp.check(connection, seconds=SECONDS)
    if kind.check is None:
        return ""
    with Exchange(connection, seconds=SECONDS, most_bytes=256 * 1024) as exchange:
        answer = exchange.call(kind.check(exchange.values), is_repeatable=True)
        fault = kind.fault(exchange.values, answer)
    return f"{fault[:1].upper()}{fault[1:]}." if fault else ""
