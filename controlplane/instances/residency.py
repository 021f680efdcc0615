"""What keeps an instance, or a tenant that is bound to one, in its region."""

from django.utils.translation import gettext as _

from controlplane.instances.models import Instance, Workspace
from tenants.context import inside
from tenants.models import Engagement, Tenant
from tenants.residency import allows


def bound_elsewhere(tenant: Tenant, region: str) -> str:
    """Why the tenant cannot be in that region: it is bound to an n8n of another. Else empty."""
    if not region or tenant.status == Tenant.Status.PROVISIONING:
        return ""
    with inside(tenant):
        workspace = Workspace.objects.first()
    if workspace is None:
        return ""
    instance = Instance.objects.filter(pk=workspace.instance_id).first()
    if instance is not None and allows(region, instance.region):
        return ""
    return _("Its n8n workspace is at %(url)s, which is not there. Unbind it first.") % {
        "url": workspace.base_url
    }


def tenants_held(instance: Instance, region: str) -> list[Tenant]:
    """Tenants that are bound to the instance and may not be in that region."""
    if instance.tenant_id is not None:
        candidates = Tenant.objects.filter(pk=instance.tenant_id)
    else:
        led = Engagement.objects.filter(partner=instance.partner_id, is_lead=True)
        candidates = Tenant.objects.filter(pk__in=led.values("tenant"))
    held = []
    for tenant in candidates.exclude(region="").exclude(region=region):
        with inside(tenant):
            if Workspace.objects.filter(instance_id=instance.pk).exists():
                held.append(tenant)
    return held
