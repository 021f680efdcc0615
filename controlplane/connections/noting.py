"""What is remembered of each use: when, whether it went well, and an entry in the audit trail.

Whatever may change something in the outside system is an entry each time; reading is one entry a
day (UTC) for each connection, since a workflow may read a thousand times.
"""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.connections.models import Connection
from controlplane.core.actor import Actor
from controlplane.core.redaction import redact

# Each use would be a write to the row; a list that shows minutes needs no more.
_STEP = timedelta(minutes=1)


@transaction.atomic
def note_used(connection: Connection, *, what: dict[str, Any], reads: bool, by: Actor) -> None:
    """`what` goes into the entry, without secrets and bodies."""
    now = timezone.now()
    row = Connection.objects.filter(pk=connection.pk)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    never = Q(last_used_at=None)
    is_first = row.filter(never | Q(last_used_at__lt=midnight)).update(last_used_at=now)
    if not is_first:
        row.filter(last_used_at__lt=now - _STEP).update(last_used_at=now)
    if is_first or not reads:
        record(
            action="connection.used",
            subject_type="connection",
            subject_id=str(connection.pk),
            data={"name": connection.name, "kind": connection.kind, **what},
            by=by,
        )


def note_works(connection: Connection) -> None:
    Connection.objects.filter(pk=connection.pk, status=Connection.Status.FAILING).update(
        status=Connection.Status.OK, last_error=""
    )


def note_failed(connection: Connection, why: str) -> None:
    Connection.objects.filter(pk=connection.pk).update(
        status=Connection.Status.FAILING, last_error=redact(why)[:500]
    )
