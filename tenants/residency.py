"""Where a tenant's data may be: a tenant with a region uses nothing that stands elsewhere.

Apps above register what they keep outside of PostgreSQL: a check that refuses a change of region
while something of the tenant's stands elsewhere, and what follows a change.
"""

from collections.abc import Callable

from django.db import connection

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from tenants import lookup
from tenants.context import inside
from tenants.models import Tenant, region_is_a_label

# What stands in the way of the region, as a sentence; empty where nothing does.
Check = Callable[[Tenant, str], str]
FollowUp = Callable[[Tenant, str, Actor], None]

_checks: list[Check] = []
_follow_ups: list[FollowUp] = []


class RegionInUse(DomainError):
    code = "region_in_use"
    status = 409
    title = "The tenant has data in another region"


def register_check(check: Check) -> None:
    """From AppConfig.ready: `check(tenant, region)` says what stands in the way, if anything."""
    _checks.append(check)


def register_follow_up(run: FollowUp) -> None:
    """From AppConfig.ready: `run(tenant, region_before, by)` after a change; must be repeatable."""
    _follow_ups.append(run)


def allows(tenant_region: str, region: str) -> bool:
    """Whether data that must stay in `tenant_region` may be in `region`; unknown is elsewhere."""
    return not tenant_region or tenant_region == region


def entered_region() -> str:
    """The region of the tenant that is entered; empty where there is none."""
    return str(getattr(connection.tenant, "region", ""))  # type: ignore[attr-defined]


def assert_region_fits(tenant: Tenant, region: str) -> None:
    """Raises RegionInUse, naming all that stands elsewhere."""
    in_the_way = [sentence for check in _checks if (sentence := check(tenant, region))]
    if in_the_way:
        raise RegionInUse(
            f"{tenant} cannot be moved to region “{region}”: {' '.join(in_the_way)}",
            errors=(FieldError("region", "is in use elsewhere"),),
        )


def change_region(*, tenant: Tenant, region: str, by: Actor) -> None:
    """From now on nothing of the tenant's leaves `region`; empty lifts that.

    Called in the shared schema and in no transaction. May be repeated: what follows is done again.
    Raises RegionInUse, ValidationError.
    """
    if region:
        region_is_a_label(region)
    assert_region_fits(tenant, region)
    before = tenant.region
    Tenant.objects.filter(pk=tenant.pk).update(region=region)
    tenant.region = region
    lookup.forget_tenants()
    with inside(tenant):
        if before != region:
            record(
                action="residency.changed",
                subject_type="tenant",
                subject_id=str(tenant.pk),
                data={"before": before, "after": region},
                by=by,
            )
    for run in _follow_ups:
        run(tenant, before, by)


def record_refusal(*, tenant: Tenant, what: str, region: str, by: Actor) -> None:
    """In the tenant's trail: something elsewhere was to be used, and was not. Not entered before.

    `what` names it, `region` where it stands.
    """
    with inside(tenant):
        record(
            action="residency.refused",
            subject_type="tenant",
            subject_id=str(tenant.pk),
            data={"what": what, "region": region, "tenant_region": tenant.region},
            by=by,
        )
