"""Bytes that a tenant keeps: its files and its tables.

Measured once an hour and added to as files come in; a limit that is a few files late is fair.
"""

import os
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from redis.exceptions import RedisError

from controlplane.core.logs import get_logger
from tenants.context import current_tenant
from tenants.limits.plans import Resource
from tenants.limits.refusal import LimitReached

KEY = "limits:storage"
MEASURED_EVERY_SECONDS = 3600

log = get_logger(__name__)


def assert_room() -> None:
    """Within a tenant, before something is kept. Raises LimitReached."""
    tenant = current_tenant()
    allowed = tenant.allowances[Resource.STORAGE]
    if used_bytes() >= allowed:
        raise LimitReached(
            f"{tenant} may keep {allowed / 1024**3:.1f} GiB, and does. Nothing was kept. Ask the "
            "platform's operator for more, or for a shorter retention.",
            code="storage_quota_reached",
            retry_after=MEASURED_EVERY_SECONDS,
        )


def used_bytes() -> int:
    """Of the tenant that is entered."""
    try:
        known = cache.get(KEY)
        if known is None:
            known = _measured()
            cache.add(KEY, known, timeout=MEASURED_EVERY_SECONDS)
    except RedisError:
        log.warning("limits.storage_not_counted", exc_info=True)
        return 0
    return int(known)


def add(size: int) -> None:
    """What has just been kept, or, below zero, deleted."""
    try:
        cache.incr(KEY, size)
    except (ValueError, RedisError):  # not measured yet, or nobody counts
        return


def _measured() -> int:
    folder = Path(settings.FILES_ROOT) / current_tenant().schema_name
    files = sum(
        os.stat(os.path.join(place, name)).st_size
        for place, _folders, names in os.walk(folder)
        for name in names
        if not name.startswith("incoming-")
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c"
            " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'"
        )
        return files + int(cursor.fetchone()[0])
