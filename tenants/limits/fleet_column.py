"""How much of its limits each tenant uses, on the platform's list of tenants."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.utils.translation import gettext_lazy as _

from tenants.fleet_page import Bar, Column
from tenants.limits import rates, spend
from tenants.limits.plans import Resource, allowances
from tenants.models import ModelSpend, Partner, Quota, Tenant


def load(tenants: Sequence[Tenant]) -> Mapping[uuid.UUID, Bar]:
    """The limit that is used most, of events a day and language models a month."""
    ids = [tenant.pk for tenant in tenants]
    tiers = dict(
        Partner.objects.filter(pk__in={t.lead_id for t in tenants}).values_list("pk", "tier")  # type: ignore[attr-defined]
    )
    quotas: dict[uuid.UUID, list[tuple[str, int]]] = defaultdict(list)
    for tenant_id, resource, amount in Quota.objects.filter(tenant__in=ids).values_list(
        "tenant_id", "resource", "amount"
    ):
        quotas[tenant_id].append((resource, amount))
    spent = dict(
        ModelSpend.objects.filter(tenant__in=ids, month=spend.this_month()).values_list(
            "tenant_id", "amount"
        )
    )
    found: dict[uuid.UUID, Bar] = {}
    for tenant in tenants:
        # Also where a request of this tenant would ask.
        tenant.allowances = allowances(
            tiers.get(tenant.lead_id),  # type: ignore[attr-defined]
            quotas[tenant.pk],
        )
        uses = {
            _("events"): _percent(
                rates.used(tenant, Resource.EVENTS), tenant.allowances[Resource.EVENTS]
            ),
            _("models"): _percent(spent.get(tenant.pk, 0), tenant.allowances[Resource.MODEL_SPEND]),
        }
        name, percent = max(uses.items(), key=lambda use: use[1])
        found[tenant.pk] = Bar(percent, f"{percent:.0f} % {name}")
    return found


def _percent(used: int, allowed: int) -> float:
    return 100 * used / allowed if allowed else 100.0 * bool(used)


COLUMN = Column(name="limits", label=_("Limits"), load=load)
