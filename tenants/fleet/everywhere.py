"""Work that is done in every active tenant, one after the other."""

from collections.abc import Callable

from controlplane.core.logs import get_logger
from tenants.context import inside
from tenants.models import Tenant

log = get_logger(__name__)


def run_everywhere(work: Callable[[], object], *, suspended: bool = False) -> None:
    """Run `work` inside each active tenant, and each suspended one where that is asked for.

    One that fails is logged and stops no other. Raises RuntimeError at the end where any failed,
    so that the task counts as failed.
    """
    failed = []
    statuses = [Tenant.Status.ACTIVE, *([Tenant.Status.SUSPENDED] if suspended else [])]
    for tenant in Tenant.objects.filter(status__in=statuses):
        try:
            with inside(tenant):
                work()
        except Exception:  # each tenant on its own: the failure is logged and reported below
            log.exception("fleet.failed", tenant=tenant.slug)
            failed.append(tenant.slug)
    if failed:
        raise RuntimeError(f"failed in {', '.join(failed)}")
