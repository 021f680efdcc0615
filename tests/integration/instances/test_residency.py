"""A tenant with a region is on an n8n of that region, or on none."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from controlplane.audit.models import Entry
from controlplane.core.actor import system
from controlplane.instances import services
from controlplane.instances.admin import InstanceForm
from controlplane.instances.models import Instance, Workspace
from controlplane.instances.residency import tenants_held
from controlplane.instances.services.workspaces import InstanceElsewhere
from tenants.context import inside
from tenants.models import Tenant
from tenants.provisioning import provision_tenant
from tenants.provisioning.steps import plan_steps
from tenants.residency import RegionInUse, change_region
from tests.factories.events import make_workspace
from tests.fakes.n8n import running_fake_n8n

BY = system("tests")


@pytest.fixture
def make_instance(tenant: Tenant, n8n_url: str) -> Callable[..., Instance]:
    def make(region: str, name: str = "Brought", **fields: Any) -> Instance:
        owner = fields or {"partner": tenant.lead_partner}
        return Instance.objects.create(
            name=name, base_url=n8n_url, shape=Instance.Shape.BROUGHT, owner_key="key-of-owner",
            region=region, **owner,
        )  # fmt: skip

    return make


@pytest.fixture
def n8n_url() -> Iterator[str]:
    """Of a small one: nothing here needs the real n8n."""
    with running_fake_n8n() as fake:
        yield fake.url


@pytest.fixture
def european(tenant: Tenant) -> Tenant:
    change_region(tenant=tenant, region="eu", by=BY)
    return tenant


def refusals(tenant: Tenant) -> list[dict[str, str]]:
    with inside(tenant):
        return [entry.data for entry in Entry.objects.filter(action="residency.refused")]


def workspace(tenant: Tenant) -> Workspace | None:
    with inside(tenant):
        return Workspace.objects.first()


@pytest.mark.parametrize("region", ["us", ""], ids=["another", "none"])
def test_an_instance_of_another_region_or_none_is_refused(
    region: str, european: Tenant, make_instance: Callable[..., Instance]
) -> None:
    instance = make_instance(region)

    assert not instance.serves(european)
    assert instance not in Instance.objects.serving(european)
    with pytest.raises(InstanceElsewhere, match="must stay in region “eu”"):
        services.bind_tenant(tenant=european, instance=instance, by=BY)
    assert workspace(european) is None
    assert refusals(european) == [
        {"what": "n8n instance Brought", "region": region, "tenant_region": "eu"}
    ]


def test_an_instance_of_the_region_serves(
    european: Tenant, make_instance: Callable[..., Instance]
) -> None:
    services.bind_tenant(tenant=european, instance=make_instance("eu"), by=BY)

    assert workspace(european).is_ready
    assert refusals(european) == []


def test_a_tenant_without_a_region_may_be_anywhere(
    tenant: Tenant, make_instance: Callable[..., Instance]
) -> None:
    assert make_instance("us").serves(tenant)
    assert Instance.objects.serving(tenant).count() == 1


def test_provisioning_passes_over_what_stands_elsewhere_and_says_so(
    european: Tenant, make_instance: Callable[..., Instance]
) -> None:
    make_instance("us", "American", tenant=european)

    said = services.bind_to_own_instance(european, BY)
    assert said.startswith("Not bound: American stands in another region than “eu”.")
    assert workspace(european) is None
    assert [refused["what"] for refused in refusals(european)] == ["n8n instance American"]

    make_instance("eu", "European")
    assert services.bind_to_own_instance(european, BY) == ""
    assert workspace(european).is_ready


def test_the_step_says_whether_the_tenant_is_bound(
    tenant: Tenant, make_instance: Callable[..., Instance]
) -> None:
    def said() -> str:
        return tenant.provisioning_steps.get(name="n8n workspace").error

    tenant.provisioning_steps.all().delete()
    plan_steps(tenant, stands=True)
    provision_tenant(tenant, by=BY)
    assert said().startswith("Not bound: neither the tenant nor the partner that leads it")

    instance = make_instance("")
    services.bind_tenant(tenant=tenant, instance=instance, by=BY)
    assert said() == ""
    services.unbind_tenant(tenant=tenant, instance=instance, by=BY)
    assert said().startswith("Not bound: its workspace was taken away")


def test_the_region_cannot_change_while_bound_elsewhere(
    tenant: Tenant, make_instance: Callable[..., Instance]
) -> None:
    services.bind_tenant(tenant=tenant, instance=make_instance("us"), by=BY)

    with pytest.raises(RegionInUse, match=r"n8n workspace is at http://.* Unbind it first"):
        change_region(tenant=tenant, region="eu", by=BY)
    tenant.refresh_from_db()
    assert tenant.region == ""

    change_region(tenant=tenant, region="us", by=BY)
    assert Tenant.objects.get(pk=tenant.pk).region == "us"
    with inside(tenant):
        changed = Entry.objects.get(action="residency.changed")
    assert changed.data == {"before": "", "after": "us"}


def test_a_workspace_on_an_instance_that_is_gone_is_elsewhere(tenant: Tenant) -> None:
    with inside(tenant):
        make_workspace()

    with pytest.raises(RegionInUse):
        change_region(tenant=tenant, region="eu", by=BY)
    change_region(tenant=tenant, region="", by=BY)


def test_a_region_is_a_label(tenant: Tenant) -> None:
    with pytest.raises(ValidationError):
        change_region(tenant=tenant, region="Europe!", by=BY)


def test_an_instance_does_not_move_away_under_its_tenants(
    european: Tenant, make_instance: Callable[..., Instance]
) -> None:
    instance = make_instance("eu")
    services.bind_tenant(tenant=european, instance=instance, by=BY)
    told = {"name": "Brought", "shape": "brought", "base_url": instance.base_url}

    assert tenants_held(instance, "us") == [european]
    assert tenants_held(instance, "eu") == []
    moved = InstanceForm({**told, "partner": str(instance.partner_id), "region": "us"},
                         instance=instance)  # fmt: skip
    assert "North (eu)" in str(moved.errors["region"])


def test_a_refresh_goes_past_what_is_refused(
    european: Tenant, make_instance: Callable[..., Instance]
) -> None:
    instance = make_instance("eu")
    services.bind_tenant(tenant=european, instance=instance, by=BY)
    Instance.objects.filter(pk=instance.pk).update(region="us")

    services.refresh_workspaces(instance=Instance.objects.get(pk=instance.pk), by=BY)

    assert len(refusals(european)) == 1


def test_the_admin_shows_where_an_instance_stands(admin_client: Any, make_instance: Any) -> None:
    instance = make_instance("eu")
    page = admin_client.get(
        reverse("admin:instances_instance_change", args=[instance.pk]),
        headers={"host": "localhost"},
    )

    assert 'name="region" value="eu"' in page.content.decode()
