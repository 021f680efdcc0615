"""The roll-up of how each tenant's work stands, fed by the floors above."""

from collections.abc import Callable
from datetime import datetime

from django.utils import timezone

from tenants.context import current_tenant, outside
from tenants.models import TenantHealth

Figure = int | datetime | None

# By the field of TenantHealth: what it is in the tenant that is entered.
_figures: dict[str, Callable[[], Figure]] = {}


def contribute(figure: str, count: Callable[[], Figure]) -> None:
    """From AppConfig.ready: `figure` is a field of TenantHealth, `count` asks for its value."""
    TenantHealth._meta.get_field(figure)
    _figures[figure] = count


def refresh_health() -> None:
    """Bring the row of the tenant that is entered up to date."""
    tenant = current_tenant()
    figures = {name: count() for name, count in _figures.items()}
    with outside():
        TenantHealth.objects.update_or_create(
            tenant_id=tenant.pk, defaults={**figures, "refreshed_at": timezone.now()}
        )
