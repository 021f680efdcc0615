"""Gauges of tenants: asked inside each tenant once a minute, so that no scrape visits any.

What they said lies in Redis, one field a tenant. A tenant that was not asked for ten minutes, since
it was removed or suspended, drops out.
"""

import json
import time
from collections.abc import Callable, Iterable

from controlplane.core import measures
from controlplane.core.exposition import OfTenants
from controlplane.core.logs import get_logger
from controlplane.core.measures import TENANT, Gauge, Sample
from tenants.context import current_tenant
from tenants.fleet.everywhere import run_everywhere

KEY = "pergola-measures-of-tenants"
STALE = 600.0

log = get_logger(__name__)

# Yields the labels after the tenant's, and the value.
Ask = Callable[[], Iterable[Sample]]
_asked: dict[str, Ask] = {}


def gauge_of_tenants(
    name: str,
    about: str,
    *,
    labels: tuple[str, ...] = (),
    together: Callable[[Iterable[float]], float] = sum,
) -> Gauge:
    """Declare one; `labels` are those after the tenant's. `feed` says who knows its value."""
    return measures.declare(Gauge(name, about, (TENANT, *labels), together=together))


def feed(gauge: Gauge, ask: Ask) -> None:
    """From AppConfig.ready, by the app that knows: `ask` runs inside each tenant, once a minute.

    One query, please. It yields `((label, …), value)`, without the tenant.
    """
    _asked[gauge.name] = ask


def refresh_everywhere() -> None:
    """Ask every active tenant."""
    run_everywhere(refresh)


def refresh() -> None:
    """Ask the tenant that is entered. A gauge that fails is left out and logged."""
    found: dict[str, list[tuple[list[str], float]]] = {}
    for name, ask in _asked.items():
        try:
            found[name] = [([str(label) for label in labels], value) for labels, value in ask()]
        except Exception:  # each gauge on its own: one must not hide the others
            log.exception("measures.not_asked", measure=name)
    told = json.dumps({"at": time.time(), "gauges": found})
    with measures.store() as shared:
        shared.hset(KEY, str(current_tenant().pk), told)


def of_tenants() -> OfTenants:
    """By gauge, what every tenant said last. Raises RedisError."""
    with measures.store() as shared:
        rows = shared.hgetall(KEY)
        stale, gauges = [], dict[str, list[Sample]]()
        for tenant, told in rows.items():
            said = json.loads(told)
            if time.time() - said["at"] > STALE:
                stale.append(tenant)
                continue
            for name, samples in said["gauges"].items():
                gauges.setdefault(name, []).extend(
                    ((tenant.decode(), *labels), value) for labels, value in samples
                )
        if stale:
            shared.hdel(KEY, *stale)
    return gauges


def count_of(tenant_id: str) -> int:
    """How many measures have the tenant's id in a label."""
    counted = sum(tenant_id in name.split(measures.SEPARATOR) for name in measures.counted())
    with measures.store() as shared:
        return counted + int(shared.hexists(KEY, tenant_id))


def forget(tenant_id: str) -> None:
    """All that was counted of a tenant that is removed."""
    with measures.store() as shared:
        shared.hdel(KEY, tenant_id)
    measures.forget(lambda name: tenant_id in name.split(measures.SEPARATOR))


EXCEPTIONS_OPEN = gauge_of_tenants(
    "pergola_exceptions_open", "Exceptions that nobody has settled, by type.", labels=("type",)
)
"""`controlplane.events.measures` knows."""
