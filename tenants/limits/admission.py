"""What every request of a tenant passes before the tenant is entered."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import timezone

from controlplane.core.logs import get_logger
from tenants.database.remarks import remark
from tenants.limits import rates
from tenants.limits.refusal import LimitReached
from tenants.limits.seats import Seats
from tenants.models import Tenant

log = get_logger(__name__)
SEEN_EVERY_SECONDS = 60.0
# Long enough that a flood costs next to nothing, short enough that nobody waits for it.
SHUT_SECONDS = 1.0
MOST_SHUT = 10_000
ACTIVE = "UPDATE tenants_tenant SET last_active_at = %s WHERE id = %s"

_seats = Seats(settings.WEB_THREADS)
_seen: dict[str, float] = {}
_refused: dict[str, "Refused"] = {}


@dataclass
class Refused:
    """What a claim was answered with, and how often since."""

    tenant: str
    environment: str
    error: LimitReached
    until: float
    again: int = 0


@contextmanager
def admitted(tenant: Tenant, claim: str, *, is_open: bool) -> Iterator[None]:
    """Counted, and on a thread of its share. Outside of any tenant. Raises LimitReached.

    `is_open`: by a door that anybody may knock at; strangers have counts and threads of their own.
    `claim` is what the request named its tenant by, such as the key that it brought: where the
    minute is used up, `assert_not_just_refused` refuses it for a second and looks nothing up.
    """
    with _seats.seat(f"{tenant.schema_name} {'open' if is_open else 'own'}"):
        try:
            rates.count_request(tenant, is_open=is_open)
        except LimitReached as error:
            _shut(tenant, claim, error)
            raise
        _note_activity(tenant)
        yield


def claim_by(environ: Mapping[str, Any], shown: str) -> str:
    """The claim of a request that names its tenant by what it shows: a key, or a session.

    With the host, as the proxy tells it: one session is for the pages of several tenants.
    """
    hosts = f"{environ.get('HTTP_X_FORWARDED_HOST')} {environ.get('HTTP_HOST')}"
    return f"shown {hashlib.sha256(f'{hosts} {shown}'.encode()).hexdigest()}"


def just_refused(claim: str) -> Refused | None:
    """What the same claim was answered with less than a second ago."""
    found = _refused.get(claim)
    if found is None or time.monotonic() >= found.until:
        return None
    found.again += 1
    return found


def assert_not_just_refused(claim: str) -> None:
    """Raises the LimitReached of `just_refused`."""
    if found := just_refused(claim):
        raise found.error


def _shut(tenant: Tenant, claim: str, error: LimitReached) -> None:
    if (last := _refused.get(claim)) and last.again:
        # One line a second, not one a request: a flood must not fill the disk either.
        log.info("requests.refused", tenant=last.tenant, count=last.again)
    if len(_refused) >= MOST_SHUT:
        _refused.clear()
    until = time.monotonic() + SHUT_SECONDS
    _refused[claim] = Refused(tenant.slug, tenant.environment, error, until)


def _note_activity(tenant: Tenant) -> None:
    """To the minute, for each process: to spare the row."""
    now = time.monotonic()
    if now - _seen.get(tenant.schema_name, -SEEN_EVERY_SECONDS) >= SEEN_EVERY_SECONDS:
        _seen[tenant.schema_name] = now
        remark(ACTIVE, [timezone.now(), tenant.pk])
