"""n8n's health on the platform's list of tenants."""

import uuid
from collections.abc import Mapping, Sequence

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext_lazy as _

from controlplane.instances.models import Instance
from tenants.fleet_page import Column, Mark
from tenants.models import Tenant

TROUBLED = "troubled"
_TONES = {
    Instance.Health.OK: "success",
    Instance.Health.DEGRADED: "warning",
    Instance.Health.DOWN: "danger",
    Instance.Health.UNKNOWN: "info",
}
# As `Instance.objects.serving` has it: a tenant's own before those of the partner that leads it.
_ORDER = (F("tenant").asc(nulls_last=True), "created_at")


def load(tenants: Sequence[Tenant]) -> Mapping[uuid.UUID, Mark]:
    leads = {tenant.lead_id for tenant in tenants}  # type: ignore[attr-defined]
    of_tenant: dict[uuid.UUID, Instance] = {}
    of_partner: dict[uuid.UUID, Instance] = {}
    whose = Q(tenant__in=[tenant.pk for tenant in tenants]) | Q(partner__in=leads)
    for instance in Instance.objects.filter(whose).order_by(*_ORDER).defer("owner_key"):
        if instance.tenant_id:
            of_tenant.setdefault(instance.tenant_id, instance)
        elif instance.partner_id:
            of_partner.setdefault(instance.partner_id, instance)
    found = (
        (tenant, of_tenant.get(tenant.pk) or of_partner.get(tenant.lead_id))  # type: ignore[attr-defined]
        for tenant in tenants
    )
    return {tenant.pk: _mark(instance) for tenant, instance in found if instance is not None}


def narrow(tenants: QuerySet[Tenant], value: str) -> QuerySet[Tenant]:
    serving = Instance.objects.filter(Q(tenant=OuterRef("pk")) | Q(partner=OuterRef("lead_id")))
    tenants = tenants.annotate(n8n=Subquery(serving.order_by(*_ORDER).values("health")[:1]))
    if value == TROUBLED:
        return tenants.filter(n8n__in=[Instance.Health.DEGRADED, Instance.Health.DOWN])
    return tenants.filter(n8n=value)


def _mark(instance: Instance) -> Mark:
    tone = _TONES[Instance.Health(instance.health)]
    title = f"{instance}: {instance.health_detail}".removesuffix(": ")
    return Mark(instance.get_health_display(), tone, title)


COLUMN = Column(
    name="n8n",
    label=_("n8n"),
    load=load,
    choices=[(TROUBLED, _("In trouble")), *Instance.Health.choices],
    narrow=narrow,
    alarm=TROUBLED,
)
