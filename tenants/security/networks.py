"""From where a person or a key has come before, and when it is somewhere new."""

import time

from django.contrib.auth.models import AbstractBaseUser
from django.db import DatabaseError
from django.http import HttpRequest
from django.utils import timezone

from controlplane.core.addresses import address_of, network_of
from controlplane.core.logs import get_logger
from controlplane.core.models import new_id
from tenants.context import outside
from tenants.database.remarks import remark
from tenants.models import ApiKey, SecurityEvent, Tenant
from tenants.security.events import note

log = get_logger(__name__)

# A network that this process has just seen is not asked for again: the usual call costs no query.
REMEMBERED_FOR_SECONDS = 3600.0
MOST_REMEMBERED = 10_000

SEEN = """
INSERT INTO tenants_knownnetwork AS known
    (id, created_at, updated_at, user_id, key_id, network, last_seen_at)
VALUES (%(id)s, %(now)s, %(now)s, %(user)s, %(key)s, %(network)s, %(now)s)
ON CONFLICT ON CONSTRAINT known_network_unique DO UPDATE
    SET last_seen_at = excluded.last_seen_at, updated_at = excluded.updated_at
RETURNING known.created_at = known.last_seen_at,
    EXISTS (SELECT FROM tenants_knownnetwork other
            WHERE other.user_id IS NOT DISTINCT FROM %(user)s
              AND other.key_id IS NOT DISTINCT FROM %(key)s)
"""

_remembered: dict[tuple[str, str], float] = {}


def network_behind(request: HttpRequest) -> str:
    """The caller's /24 or /48; empty where no address is known."""
    return network_of(address_of(request))


def note_network(
    network: str,
    *,
    tenant: Tenant | None,
    user: AbstractBaseUser | None = None,
    key: ApiKey | None = None,
) -> None:
    """Remember the network of the person or the key; a new one after the first is an event."""
    whose = f"user:{user.pk}" if user else f"key:{key.pk}" if key else ""
    now = time.monotonic()
    if not network or not whose or _remembered.get((whose, network), -1.0) > now:
        return
    if len(_remembered) >= MOST_REMEMBERED:
        _remembered.clear()
    _remembered[whose, network] = now + REMEMBERED_FOR_SECONDS
    try:
        is_new, had_others = _see(network, user, key)
    except DatabaseError:
        log.exception("security.network_not_noted")
        return
    if is_new and had_others:
        note(SecurityEvent.Kind.NEW_NETWORK, tenant=tenant, user=user, key=key, network=network)


def _see(network: str, user: AbstractBaseUser | None, key: ApiKey | None) -> tuple[bool, bool]:
    """Whether it is new, and whether there was any before it."""
    values = {
        "id": new_id(),
        "now": timezone.now(),
        "user": user.pk if user else None,
        "key": key.pk if key else None,
        "network": network,
    }
    with outside():
        row = remark(SEEN, values)
    assert row is not None
    is_new, had_others = row
    return is_new, had_others
