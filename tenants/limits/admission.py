"""What every request of a tenant passes before the tenant is entered."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils import timezone

from tenants.limits import rates
from tenants.limits.seats import Seats
from tenants.models import Tenant

SEEN_EVERY_SECONDS = 60.0

_seats = Seats(settings.WEB_THREADS)
_seen: dict[str, float] = {}


@contextmanager
def admitted(tenant: Tenant) -> Iterator[None]:
    """Counted, and on a thread of its share. Outside of any tenant. Raises LimitReached."""
    with _seats.seat(tenant.schema_name):
        rates.count_request(tenant)
        _note_activity(tenant)
        yield


def _note_activity(tenant: Tenant) -> None:
    """To the minute, for each process: to spare the row."""
    now = time.monotonic()
    if now - _seen.get(tenant.schema_name, -SEEN_EVERY_SECONDS) >= SEEN_EVERY_SECONDS:
        _seen[tenant.schema_name] = now
        Tenant.objects.filter(pk=tenant.pk).update(last_active_at=timezone.now())
