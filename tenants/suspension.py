"""Taking a tenant out of service and back: its doors answer as if it were not there."""

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from tenants import lookup
from tenants.context import inside
from tenants.models import Tenant


def suspend_tenant(*, tenant: Tenant, by: Actor) -> bool:
    """Portal, API and intake answer 404 within seconds; what waits to be sent waits on.

    False where the tenant is not active, and nothing is done.
    """
    return _change(tenant, Tenant.Status.ACTIVE, Tenant.Status.SUSPENDED, by)


def reactivate_tenant(*, tenant: Tenant, by: Actor) -> bool:
    """False where the tenant is not suspended, and nothing is done."""
    return _change(tenant, Tenant.Status.SUSPENDED, Tenant.Status.ACTIVE, by)


def _change(tenant: Tenant, before: Tenant.Status, after: Tenant.Status, by: Actor) -> bool:
    changed = Tenant.objects.filter(pk=tenant.pk, status=before).update(status=after)
    if changed:
        verb = "suspended" if after == Tenant.Status.SUSPENDED else "reactivated"
        with inside(tenant):
            record(
                action=f"tenant.{verb}",
                subject_type="tenant",
                subject_id=str(tenant.pk),
                data={},
                by=by,
            )
        lookup.forget_tenants()
    return bool(changed)
