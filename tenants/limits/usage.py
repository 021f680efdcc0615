"""What a tenant may use and what it has used, of everything that is limited."""

from dataclasses import dataclass

from tenants.context import current_tenant, outside
from tenants.limits import rates, spend, storage
from tenants.limits.plans import Resource

NEARLY = 0.8


@dataclass(frozen=True)
class Usage:
    """Both in the resource's own unit, within the window that runs now: a minute, a day or a month
    (UTC); for storage there is none."""

    resource: Resource
    used: int
    allowed: int

    @property
    def share(self) -> float:
        """1 is all of it; may be more. Where nothing is allowed it is all used up."""
        return self.used / self.allowed if self.allowed else 1.0

    @property
    def state(self) -> str:
        """`fine`, `nearly` from four fifths on, `over` where the next one is refused."""
        if self.share >= 1:
            return "over"
        return "nearly" if self.share >= NEARLY else "fine"


def usage_now() -> list[Usage]:
    """Of the tenant that is entered, in the order of `Resource`."""
    tenant = current_tenant()
    with outside():
        spent = spend.spent_by(tenant)
    used = {
        Resource.REQUESTS: rates.used(tenant, Resource.REQUESTS),
        Resource.EVENTS: rates.used(tenant, Resource.EVENTS),
        Resource.STORAGE: storage.used_bytes(),
        Resource.MODEL_SPEND: spent,
    }
    return [Usage(each, used[each], tenant.allowances[each]) for each in Resource]
