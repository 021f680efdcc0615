"""What of production's installations its sandbox gets, and what it does not."""

from controlplane.audit.models import Entry
from controlplane.catalog.models import Installation
from controlplane.connections.services import create_connection
from tenants.context import inside
from tenants.environments.copying import copy_now
from tenants.models import Tenant
from tests.integration.tenants.test_sandbox import BY, production, sandbox  # noqa: F401


def test_a_template_without_a_connection_of_its_own_is_left_out_and_told(
    production: Tenant,  # noqa: F811
    sandbox: Tenant,  # noqa: F811
) -> None:
    with inside(production):
        installation = Installation.objects.get()
        shop = create_connection(
            name="Till", kind="rest_key", by=BY,
            values={"url": "https://till.example", "key_name": "X-Key", "api_key": "theirs"},
        )  # fmt: skip
        Installation.objects.update(parameters={**installation.parameters, "till": str(shop.pk)})
    release = installation.release()
    spec = {"name": "till", "type": "connection", "label": "Till"}
    release.manifest["parameters"].append(spec)
    release.save()
    try:
        copy_now(production, ["templates"], by=BY)
        with inside(sandbox):
            assert not Installation.objects.filter(template_slug=release.template.slug).exists()
            told = Entry.objects.get(action="installation.not_copied").data
        assert told == {"template": release.template.slug, "parameters": ["till"]}
    finally:
        release.manifest["parameters"].remove(spec)
        release.save()
        with inside(production):
            Installation.objects.update(parameters=installation.parameters)
            shop.delete()
