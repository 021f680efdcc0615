"""What every request of a tenant passes before the tenant is entered."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils import timezone

from tenants.limits import rates
from tenants.limits.refusal import LimitReached
from tenants.limits.seats import Seats
from tenants.models import Tenant

SEEN_EVERY_SECONDS = 60.0
# Long enough that a flood costs next to nothing, short enough that nobody waits for it.
SHUT_SECONDS = 1.0
MOST_SHUT = 10_000

_seats = Seats(settings.WEB_THREADS)
_seen: dict[str, float] = {}
_refused: dict[str, tuple[float, LimitReached]] = {}


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
            _shut(claim, error)
            raise
        _note_activity(tenant)
        yield


def assert_not_just_refused(claim: str) -> None:
    """Raises the LimitReached that the same claim was answered with less than a second ago."""
    until, error = _refused.get(claim, (0.0, None))
    if error is not None and time.monotonic() < until:
        raise error


def _shut(claim: str, error: LimitReached) -> None:
    if len(_refused) >= MOST_SHUT:
        _refused.clear()
    _refused[claim] = (time.monotonic() + SHUT_SECONDS, error)


def _note_activity(tenant: Tenant) -> None:
    """To the minute, for each process: to spare the row."""
    now = time.monotonic()
    if now - _seen.get(tenant.schema_name, -SEEN_EVERY_SECONDS) >= SEEN_EVERY_SECONDS:
        _seen[tenant.schema_name] = now
        Tenant.objects.filter(pk=tenant.pk).update(last_active_at=timezone.now())
