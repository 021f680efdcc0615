"""The circuit breaker between a tenant and its n8n: after some failures, nobody calls for a while.

The state is in the cache, so that all relays share it, under the tenant's own keys: what one
tenant's address does must not stop another's on the same instance. Only what says that n8n is not
there counts (no connection, time-out, 502 to 504); an answer of a workflow is an answer.
Without Redis the circuit is closed: calls are tried.
"""

import time
import uuid

from django.core.cache import cache
from redis.exceptions import RedisError

from controlplane.core.http import backoff
from controlplane.core.logs import get_logger

FAILURES = 5
# Seconds that it stays open: grows with each probe that fails.
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 30.0
# A probe whose process died is forgotten after this.
PROBE_SECONDS = 20
REMEMBERED_SECONDS = 900

log = get_logger(__name__)


def _keys(instance_id: uuid.UUID) -> tuple[str, str, str]:
    name = f"circuit:{instance_id}"
    return f"{name}:failures", f"{name}:until", f"{name}:probe"


def wait_for(instance_id: uuid.UUID) -> float:
    """Seconds until the next try; 0 where it may be made now. Half-open, one caller may probe."""
    _failures, until_key, probe_key = _keys(instance_id)
    try:
        until = cache.get(until_key)
        if until is None:
            return 0
        left = float(until) - time.time()
        if left > 0:
            # A clock that jumped must not keep it open for longer than it is ever opened.
            return min(left, LONGEST_PAUSE) + 0.05
        return 0 if cache.add(probe_key, "1", timeout=PROBE_SECONDS) else 1
    except RedisError:
        log.warning("circuit.unknown", exc_info=True)
        return 0


def is_open(instance_id: uuid.UUID) -> bool:
    """Whether calls are held back or tried one at a time, since n8n did not answer. False where
    Redis does not say."""
    _failures, until_key, _probe = _keys(instance_id)
    try:
        return cache.get(until_key) is not None
    except RedisError:
        return False


def note_failure(instance_id: uuid.UUID) -> bool:
    """Whether this one opened it."""
    failures_key, until_key, probe_key = _keys(instance_id)
    try:
        cache.add(failures_key, 0, timeout=REMEMBERED_SECONDS)
        failures = int(cache.incr(failures_key))
        if failures < FAILURES:
            return False
        pause = backoff(failures - FAILURES, base=FIRST_PAUSE, cap=LONGEST_PAUSE)
        is_new = cache.get(until_key) is None
        cache.set(until_key, time.time() + pause, timeout=REMEMBERED_SECONDS)
        cache.delete(probe_key)
        if is_new:
            log.warning("circuit.opened", instance_id=str(instance_id))
        return is_new
    except (RedisError, ValueError):  # ValueError: the key ran out in between
        return False


def note_success(instance_id: uuid.UUID) -> bool:
    """Whether this one closed it."""
    keys = _keys(instance_id)
    try:
        known = cache.get_many(keys)
        if known:
            cache.delete_many(keys)
        return keys[1] in known
    except RedisError:
        return False


def close(instance_id: uuid.UUID) -> None:
    """Somebody says that n8n is there again: try at once."""
    note_success(instance_id)
