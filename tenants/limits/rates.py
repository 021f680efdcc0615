"""Requests a minute and events a day, counted in Redis by the library `limits`.

Without Redis nobody is refused: an event must not be lost for want of a counter.
"""

import time
from functools import cache
from typing import TYPE_CHECKING, cast

from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter, RateLimiter, SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

from controlplane.core.logs import get_logger
from tenants.limits.plans import Resource
from tenants.limits.refusal import LimitReached
from tenants.limits.tally import Tally

if TYPE_CHECKING:
    from tenants.models import Tenant

log = get_logger(__name__)
_DOWN = (RedisError, StorageError)

_tally = Tally()


@cache
def _storage() -> Storage:
    storage = storage_from_string(
        settings.REDIS_URL, key_prefix="pergola-limits", socket_timeout=1, socket_connect_timeout=1
    )
    return cast(Storage, storage)


@cache
def _limiter(resource: str) -> RateLimiter:
    # A day's window begins at midnight UTC, as people read it; a minute's slides, so that nobody
    # gets two minutes' worth around its turn.
    strategy = (
        FixedWindowRateLimiter if resource == Resource.EVENTS else SlidingWindowCounterRateLimiter
    )
    return strategy(_storage())


def _item(resource: str, amount: int) -> RateLimitItem:
    return (RateLimitItemPerDay if resource == Resource.EVENTS else RateLimitItemPerMinute)(amount)


def count_request(tenant: "Tenant", *, is_open: bool) -> None:
    """`is_open`: by a door that anybody may knock at; those are counted apart, so that strangers
    cannot use up what the tenant's own people and machines have. Raises LimitReached."""
    if wait := _refused_for(tenant, Resource.REQUESTS, "open" if is_open else "own"):
        raise LimitReached(
            f"{tenant} may make {tenant.allowances[Resource.REQUESTS]} requests a minute, and has. "
            f"Try again in {wait} s; call less often, or ask the platform's operator for more.",
            code="request_limit_reached",
            retry_after=wait,
        )


def count_event(tenant: "Tenant") -> None:
    """For an event that is new. Raises LimitReached, and then nothing of it was kept."""
    if wait := _refused_for(tenant, Resource.EVENTS, "all"):
        raise LimitReached(
            f"{tenant} may take in {tenant.allowances[Resource.EVENTS]} events a day, and has. "
            "Nothing was kept: send it again after midnight UTC, or ask the platform's operator "
            "for a larger quota.",
            code="event_quota_reached",
            retry_after=wait,
        )


def used(tenant: "Tenant", resource: str) -> int:
    """Of the window that runs now, by the tenant itself; 0 where Redis does not say.

    What other processes have not told yet is missing: see `tally`.
    """
    amount = tenant.allowances[resource]
    if not amount:
        return 0
    whose = "all" if resource == Resource.EVENTS else "own"
    try:
        stats = _limiter(resource).get_window_stats(
            _item(resource, amount), tenant.schema_name, whose
        )
    except _DOWN:
        return 0
    return amount - stats.remaining + _tally.untold((resource, amount, tenant.schema_name, whose))


def _refused_for(tenant: "Tenant", resource: str, whose: str) -> int:
    """Counts one; 0 where it fits, else the seconds until one more does."""
    amount = tenant.allowances[resource]
    if not amount:
        return 60
    counter = (resource, amount, tenant.schema_name, whose)
    if not (cost := _tally.take(counter)):
        return 0
    item = _item(resource, amount)
    try:
        limiter = _limiter(resource)
        # What was served already may be more than what is left, where this one would fit.
        if limiter.hit(item, tenant.schema_name, whose, cost=cost) or (
            cost > 1 and limiter.hit(item, tenant.schema_name, whose)
        ):
            if _tally.was_asked_just_now(counter):
                stats = limiter.get_window_stats(item, tenant.schema_name, whose)
                _tally.allow(counter, left=stats.remaining)
            return 0
        until = limiter.get_window_stats(item, tenant.schema_name, whose).reset_time
    except _DOWN:
        log.warning("limits.not_counted", resource=resource, exc_info=True)
        return 0
    return max(1, round(until - time.time()))
