"""Counting what was odd. It never makes a request fail, and never more than one row an hour."""

from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from controlplane.core.logs import get_logger
from controlplane.core.models import new_id
from tenants.context import outside
from tenants.models import ApiKey, SecurityEvent, Tenant

log = get_logger(__name__)

COUNT = """
INSERT INTO tenants_securityevent AS event
    (id, created_at, updated_at, kind, tenant_id, user_id, key_id, network, hour, count,
     first_at, last_at)
VALUES (%(id)s, %(now)s, %(now)s, %(kind)s, %(tenant)s, %(user)s, %(key)s, %(network)s,
        date_trunc('hour', %(now)s::timestamptz, 'UTC'), 1, %(now)s, %(now)s)
ON CONFLICT ON CONSTRAINT security_event_once_an_hour DO UPDATE
    SET count = event.count + 1, last_at = excluded.last_at, updated_at = excluded.updated_at,
        network = excluded.network
"""


def note(
    kind: SecurityEvent.Kind,
    *,
    tenant: Tenant | None = None,
    user: AbstractBaseUser | None = None,
    key: ApiKey | None = None,
    network: str = "",
) -> None:
    """Count it once more in this hour. Raises nothing; what fails is logged.

    `network` is the last one it came from: a /24 or /48, never the whole address.
    """
    values = {
        "id": new_id(),
        "now": timezone.now(),
        "kind": kind,
        # Who may see it is said at the production row, but a sandbox is attacked by itself.
        "tenant": tenant.pk if tenant else None,
        "user": user.pk if user else None,
        "key": key.pk if key else None,
        "network": network,
    }
    log.warning(
        f"security.{kind}",
        tenant=tenant.slug if tenant else None,
        user=values["user"],
        key=str(values["key"] or ""),
        network=network,
    )
    try:
        with outside(), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(COUNT, values)
    except DatabaseError:
        log.exception("security.not_noted", kind=kind)
