"""n8n's health on the platform's list of tenants."""

import uuid
from collections.abc import Mapping, Sequence

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from controlplane.instances.models import OWN_FIRST, Instance
from controlplane.instances.services import STEP
from tenants.fleet_page import Column, Mark
from tenants.models import ProvisioningStep, Tenant
from tenants.residency import allows

TROUBLED, UNBOUND = "troubled", "unbound"
_TONES = {
    Instance.Health.OK: "success",
    Instance.Health.DEGRADED: "warning",
    Instance.Health.DOWN: "danger",
    Instance.Health.UNKNOWN: "info",
}


def load(tenants: Sequence[Tenant]) -> Mapping[uuid.UUID, Mark]:
    """Of the instance that serves the tenant, where the tenant is bound to it. Two queries."""
    leads = {tenant.lead_id for tenant in tenants}  # type: ignore[attr-defined]
    whose = Q(tenant__in=[tenant.customer_id for tenant in tenants]) | Q(partner__in=leads)
    instances = list(Instance.objects.filter(whose).order_by(*OWN_FIRST).defer("owner_key"))
    steps = {step.tenant_id: step for step in _steps().filter(tenant__in=tenants)}
    return {tenant.pk: _mark(tenant, instances, steps.get(tenant.pk)) for tenant in tenants}


def narrow(tenants: QuerySet[Tenant], value: str) -> QuerySet[Tenant]:
    serving = Instance.objects.of_rows(
        Coalesce(OuterRef("sandbox_of_id"), OuterRef("pk")), OuterRef("lead_id"), OuterRef("region")
    )
    unbound = Exists(_steps().filter(tenant=OuterRef("pk")).filter(_says_unbound()))
    tenants = tenants.annotate(
        n8n=Case(
            When(unbound, then=Value(UNBOUND)),
            default=Coalesce(Subquery(serving.values("health")[:1]), Value(UNBOUND)),
        )
    )
    if value == TROUBLED:
        return tenants.filter(n8n__in=[Instance.Health.DEGRADED, Instance.Health.DOWN])
    return tenants.filter(n8n=value)


def _steps() -> QuerySet[ProvisioningStep]:
    return ProvisioningStep.objects.filter(name=STEP)


def _says_unbound() -> Q:
    return ~Q(status=ProvisioningStep.Status.DONE) | ~Q(error="")


def _mark(tenant: Tenant, instances: list[Instance], step: ProvisioningStep | None) -> Mark:
    if step is not None and step.status != ProvisioningStep.Status.DONE:
        return Mark(
            _("Not confirmed"), "warning", _("The step that binds it to an n8n is not done.")
        )
    if step is not None and step.error:
        return Mark(_("Not bound"), "warning", step.error)
    serving = next((each for each in instances if _serves(each, tenant)), None)
    if serving is None:
        return Mark(_("Not bound"), "warning", _("No n8n serves it in its region."))
    tone = _TONES[Instance.Health(serving.health)]
    title = f"{serving}: {serving.health_detail}".removesuffix(": ")
    return Mark(serving.get_health_display(), tone, title)


def _serves(instance: Instance, tenant: Tenant) -> bool:
    """As `Instance.objects.serving` has it, of rows that are at hand."""
    is_its_own = instance.tenant_id == tenant.customer_id
    is_its_leads = instance.partner_id is not None and instance.partner_id == tenant.lead_id  # type: ignore[attr-defined]
    return (is_its_own or is_its_leads) and allows(tenant.region, instance.region)


COLUMN = Column(
    name="n8n",
    label=gettext_lazy("n8n"),
    load=load,
    choices=[
        (TROUBLED, gettext_lazy("In trouble")),
        (UNBOUND, gettext_lazy("Not bound")),
        *Instance.Health.choices,
    ],
    narrow=narrow,
    alarm=TROUBLED,
)
