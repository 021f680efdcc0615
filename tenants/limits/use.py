"""How much of its limits a tenant uses: of the one that is entered, and of many at once.

Of many, what lies in Redis or in a tenant's own schema is asked inside of each once a minute, with
the other measures; what models cost is a shared row.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from redis.exceptions import RedisError

from controlplane.core.logs import get_logger
from controlplane.core.measures import Sample
from tenants import measures
from tenants.context import current_tenant, outside
from tenants.limits import rates, spend, storage
from tenants.limits.plans import Resource, allowances
from tenants.models import ModelSpend, Partner, Quota, Tenant

USED = measures.gauge_of_tenants(
    "pergola_limit_used",
    "How much of its limit a tenant uses, in the unit of the limit.",
    labels=("resource",),
)
NEAR, FULL = 80, 100
"""Percent of a limit from which one is near to it, and from which nothing is left."""
log = get_logger(__name__)


@dataclass(frozen=True)
class Use:
    """Both in the resource's own unit, within the window that runs now: a minute, a day or a month
    (UTC); for storage there is none."""

    resource: Resource
    used: int
    allowed: int

    @property
    def percent(self) -> float:
        """0 to 100 and above. Where nothing is allowed it is all used up."""
        return 100 * self.used / self.allowed if self.allowed else 100.0

    @property
    def state(self) -> str:
        return state_of(self.percent)


def state_of(percent: float) -> str:
    """`fine`, `near`, or `full` where the next one is refused."""
    return "full" if percent >= FULL else "near" if percent >= NEAR else "fine"


def uses_now() -> list[Use]:
    """Of the tenant that is entered, in the order of `Resource`."""
    tenant = current_tenant()
    with outside():
        spent = spend.spent_by(tenant)
    used = {**_used_by(tenant), Resource.MODEL_SPEND: spent}
    return [Use(each, used[each], tenant.allowances[each]) for each in Resource]


def uses_of(tenants: Mapping[uuid.UUID, uuid.UUID | None]) -> dict[uuid.UUID, list[Use]]:
    """By tenant, given who leads each; the limit that is used most comes first.

    Three queries and one message to Redis, for however many. What nobody measured in the last ten
    minutes is left out, as of a tenant that is suspended.
    """
    tiers = dict(Partner.objects.values_list("pk", "tier"))
    quotas: dict[uuid.UUID, list[tuple[str, int]]] = defaultdict(list)
    for tenant_id, resource, amount in Quota.objects.filter(tenant__in=tenants).values_list(
        "tenant_id", "resource", "amount"
    ):
        quotas[tenant_id].append((resource, amount))
    used: dict[uuid.UUID, dict[str, int]] = defaultdict(dict)
    for tenant_id, resource, amount in _measured():
        used[tenant_id][resource] = amount
    for tenant_id, amount in ModelSpend.objects.filter(
        tenant__in=tenants, month=spend.this_month()
    ).values_list("tenant_id", "amount"):
        used[tenant_id][Resource.MODEL_SPEND] = amount
    found = {}
    for tenant_id, lead in tenants.items():
        allowed = allowances(tiers.get(lead) if lead else None, quotas[tenant_id])
        known = {Resource.MODEL_SPEND: 0, **used[tenant_id]}
        uses = [Use(Resource(name), amount, allowed[name]) for name, amount in known.items()]
        found[tenant_id] = sorted(uses, key=lambda use: -use.percent)
    return found


def feed() -> None:
    """From AppConfig.ready."""
    measures.feed(USED, _ask)


def _ask() -> Iterable[Sample]:
    return [((resource,), used) for resource, used in _used_by(current_tenant()).items()]


def _used_by(tenant: Tenant) -> dict[Resource, int]:
    """What is known inside of it only."""
    return {
        Resource.REQUESTS: rates.used(tenant, Resource.REQUESTS),
        Resource.EVENTS: rates.used(tenant, Resource.EVENTS),
        Resource.STORAGE: storage.used_bytes(),
    }


def _measured() -> Collection[tuple[uuid.UUID, str, int]]:
    try:
        samples = measures.of_tenants().get(USED.name, [])
    except RedisError:
        log.warning("limits.use_not_known", exc_info=True)
        return []
    return [(uuid.UUID(tenant), resource, int(used)) for (tenant, resource), used in samples]
