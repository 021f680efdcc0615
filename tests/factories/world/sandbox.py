"""A sandbox, and how the portal's page about it is called."""

from tenants.context import current_tenant, outside
from tenants.environments.services import start_sandbox
from tenants.models import Tenant
from tests.factories.world import Part


def part(url: str) -> Part:
    tenant = current_tenant()
    with outside():
        sandbox = start_sandbox(tenant)
        Tenant.objects.filter(pk=sandbox.pk).update(status=Tenant.Status.ACTIVE)
    return Part(
        rows={},
        bodies={
            "templates/own/<uuid:release_id>/trial/": {"sandbox": str(sandbox.pk)},
            "api/v1/releases/<uuid:release_id>/trials": {"sandbox": sandbox.slug},
            "sandbox/copy/": {"what": "policies"},
            "sandbox/reset/": {"sure": "yes"},
            "sandbox/remove/": {"sure": "yes"},
        },
    )
