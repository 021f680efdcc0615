"""What is left to be done for a tenant, on the platform's list of tenants."""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants.fleet_page import Column, Mark
from tenants.models import ProvisioningStep, Tenant

UNFINISHED, FAILED = "unfinished", "failed"


def load(tenants: Sequence[Tenant]) -> Mapping[uuid.UUID, Mark]:
    """One query; who is set up shows nothing. The mark leads to the page of the steps."""
    steps = ProvisioningStep.objects.unfinished().filter(tenant__in=[t.pk for t in tenants])
    left: dict[uuid.UUID, list[ProvisioningStep]] = defaultdict(list)
    for step in steps:
        left[step.tenant_id].append(step)
    return {tenant_id: _mark(tenant_id, steps) for tenant_id, steps in left.items()}


def narrow(tenants: QuerySet[Tenant], value: str) -> QuerySet[Tenant]:
    steps = ProvisioningStep.objects.unfinished().filter(tenant=OuterRef("pk"))
    if value == FAILED:
        steps = steps.filter(status=ProvisioningStep.Status.FAILED)
    return tenants.filter(Exists(steps))


def _mark(tenant_id: uuid.UUID, steps: list[ProvisioningStep]) -> Mark:
    link = reverse("admin:tenants_tenant_progress", args=[tenant_id])
    failed = [step for step in steps if step.status == ProvisioningStep.Status.FAILED]
    if failed:
        why = f"{failed[0].name}: {failed[0].error}"[:300]
        return Mark(_("A step failed"), "danger", why, link)
    names = ", ".join(step.name for step in steps)
    return Mark(_("Not finished"), "warning", _("Left to do: %(steps)s") % {"steps": names}, link)


COLUMN = Column(
    name="setup",
    label=gettext_lazy("Set up"),
    load=load,
    choices=[
        (UNFINISHED, gettext_lazy("Not finished")),
        (FAILED, gettext_lazy("A step failed")),
    ],
    narrow=narrow,
    alarm=UNFINISHED,
)
