"""Tenants on a real n8n: bound, bound again, crashed half-way, moved, unbound."""

from collections.abc import Iterator
from typing import Protocol

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from controlplane.audit.models import Entry
from controlplane.core.actor import system
from controlplane.instances import services
from controlplane.instances.client import N8nClient, errors
from controlplane.instances.members import MemberUnusable
from controlplane.instances.models import Instance, NoWorkspace, Workspace
from controlplane.instances.services.workspaces import InstanceNotForTenant, WorkspaceElsewhere
from tenants.context import inside
from tenants.models import Partner, Tenant

pytestmark = pytest.mark.django_db

BY = system("tests")


class RunningN8n(Protocol):
    base_url: str
    owner_key: str


@pytest.fixture
def shared(n8n: RunningN8n, tenant: Tenant) -> Instance:
    return services.register_instance(
        name="Shared",
        base_url=n8n.base_url,
        shape=Instance.Shape.SHARED,
        owner_key=n8n.owner_key,
        partner=tenant.lead_partner,
        by=BY,
    )


@pytest.fixture
def brought(n8n: RunningN8n, tenant: Tenant) -> Instance:
    return services.register_instance(
        name="Brought",
        base_url=n8n.base_url,
        shape=Instance.Shape.BROUGHT,
        owner_key=n8n.owner_key,
        tenant=tenant,
        by=BY,
    )


@pytest.fixture
def bound(shared: Instance, tenant: Tenant) -> Iterator[Workspace]:
    services.bind_tenant(tenant=tenant, instance=shared, by=BY)
    yield workspace_of(tenant)
    with inside(tenant):
        is_bound = Workspace.objects.filter(instance_id=shared.pk).exists()
    if is_bound:
        services.unbind_tenant(tenant=tenant, instance=shared, by=BY)


def workspace_of(tenant: Tenant) -> Workspace:
    with inside(tenant):
        return Workspace.current()


def test_an_instance_is_registered_with_its_health(shared: Instance) -> None:
    assert shared.health == Instance.Health.OK
    assert shared.version.startswith("2.")
    assert shared.health_checked_at is not None


def test_registering_again_changes_the_same_instance(shared: Instance, n8n: RunningN8n) -> None:
    again = services.register_instance(
        name="Shared",
        base_url=f"{n8n.base_url}/",
        shape=Instance.Shape.SHARED,
        owner_key="not-a-key",
        partner=shared.partner,
        by=BY,
    )

    assert again.pk == shared.pk
    assert again.health == Instance.Health.DEGRADED
    assert "Make a new key" in again.health_detail


def test_all_instances_are_checked(shared: Instance) -> None:
    Instance.objects.filter(pk=shared.pk).update(base_url="http://127.0.0.1:9")

    services.check_all_health()

    shared.refresh_from_db()
    assert shared.health == Instance.Health.DOWN
    assert "gave no answer" in shared.health_detail


def test_an_instance_belongs_by_its_shape(shared: Instance, tenant: Tenant) -> None:
    shared.tenant = tenant

    with pytest.raises(IntegrityError, match="instance_belongs_by_shape"), transaction.atomic():
        shared.save()


def test_a_bound_tenant_has_a_member_of_its_own(bound: Workspace, tenant: Tenant) -> None:
    assert bound.is_member
    assert bound.project_id
    with services.client_for(bound) as n8n:
        assert n8n.list_workflows() == []
        with pytest.raises(errors.AccessDenied):
            n8n.list_users()
    with inside(tenant):
        entry = Entry.objects.order_by("-sequence").first()
    assert entry is not None
    assert (entry.action, entry.subject_id) == ("workspace.bound", str(bound.pk))


def test_binding_again_changes_nothing(bound: Workspace, shared: Instance, tenant: Tenant) -> None:
    services.bind_tenant(tenant=tenant, instance=shared, by=BY)

    assert workspace_of(tenant).api_key == bound.api_key


def test_binding_goes_on_where_it_was_interrupted(
    bound: Workspace, shared: Instance, tenant: Tenant
) -> None:
    with inside(tenant):
        Workspace.objects.update(api_key="", project_id="")
        with pytest.raises(NoWorkspace):
            Workspace.current()

    services.bind_tenant(tenant=tenant, instance=shared, by=BY)

    resumed = workspace_of(tenant)
    assert resumed.project_id == bound.project_id
    with services.client_for(resumed) as n8n:
        n8n.list_workflows()
    with services.client_for(bound) as n8n, pytest.raises(errors.KeyRejected):
        n8n.list_workflows()


def test_a_key_that_is_gone_is_replaced(bound: Workspace, shared: Instance, tenant: Tenant) -> None:
    with inside(tenant):
        bound.api_key = "gone"
        bound.save()

    services.bind_tenant(tenant=tenant, instance=shared, by=BY)

    with services.client_for(workspace_of(tenant)) as n8n:
        assert n8n.list_workflows() == []


def test_a_member_with_another_password_is_not_taken_over(
    bound: Workspace, shared: Instance, tenant: Tenant
) -> None:
    with inside(tenant):
        bound.api_key, bound.member_password = "", "another"
        bound.save()

    with pytest.raises(MemberUnusable):
        services.bind_tenant(tenant=tenant, instance=shared, by=BY)


def test_a_new_address_reaches_the_workspace(
    bound: Workspace, shared: Instance, tenant: Tenant
) -> None:
    Instance.objects.filter(pk=shared.pk).update(webhook_base_url="https://hooks.example")
    shared.refresh_from_db()

    services.refresh_workspaces(instance=shared, by=BY)

    assert workspace_of(tenant).webhook_base_url == "https://hooks.example"


def test_inside_a_tenant_the_instances_are_out_of_reach(bound: Workspace, tenant: Tenant) -> None:
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        transaction.atomic(),
        inside(tenant),
    ):
        Instance.objects.first()


def test_a_tenant_has_one_workspace(bound: Workspace, tenant: Tenant) -> None:
    with (
        pytest.raises(IntegrityError, match="workspace_one_per_tenant"),
        transaction.atomic(),
        inside(tenant),
    ):
        Workspace.objects.create(instance_id=bound.instance_id, prefix="second")


def test_a_tenant_that_is_elsewhere_is_not_moved(
    bound: Workspace, brought: Instance, tenant: Tenant
) -> None:
    with pytest.raises(WorkspaceElsewhere, match="Unbind it there"):
        services.bind_tenant(tenant=tenant, instance=brought, by=BY)


def test_an_instance_of_another_partner_is_refused(shared: Instance, tenant: Tenant) -> None:
    shared.partner = Partner.objects.create(slug="stranger", name="Stranger")
    shared.save()

    with pytest.raises(InstanceNotForTenant):
        services.bind_tenant(tenant=tenant, instance=shared, by=BY)
    assert shared not in Instance.objects.serving(tenant)


def test_a_tenant_s_own_instance_comes_before_its_partner_s(
    shared: Instance, brought: Instance, tenant: Tenant
) -> None:
    assert list(Instance.objects.serving(tenant)) == [brought, shared]


def test_on_a_brought_n8n_a_tag_and_a_prefix_keep_order(brought: Instance, tenant: Tenant) -> None:
    services.bind_tenant(tenant=tenant, instance=brought, by=BY, project_id="")

    workspace = workspace_of(tenant)
    assert not workspace.is_member
    assert workspace.tag.startswith("pergola:")
    assert workspace.workflow_name("Judge orders") == f"[{tenant.slug}] Judge orders"
    services.unbind_tenant(tenant=tenant, instance=brought, by=BY)
    with inside(tenant), pytest.raises(NoWorkspace):
        Workspace.current()


def test_an_unbound_member_is_gone_with_what_it_published(
    bound: Workspace, shared: Instance, tenant: Tenant, n8n: RunningN8n
) -> None:
    url = f"{n8n.base_url}/webhook/{bound.prefix}/goodbye"
    webhook = {
        "id": "1",
        "name": "Webhook",
        "type": "n8n-nodes-base.webhook",
        "typeVersion": 2.1,
        "position": [0, 0],
        "webhookId": str(bound.pk),
        "parameters": {"httpMethod": "POST", "path": f"{bound.prefix}/goodbye"},
    }
    with services.client_for(bound) as member:
        workflow = member.create_workflow(
            {"name": "Goodbye", "nodes": [webhook], "connections": {}, "settings": {}}
        )
        member.activate_workflow(workflow.id, live_urls=[url], wait=15)

    services.unbind_tenant(tenant=tenant, instance=shared, by=BY)

    with N8nClient(n8n.base_url, n8n.owner_key) as owner:
        assert bound.member_email not in {user.email for user in owner.list_users()}
        assert not owner.webhook_is_live(url)
        with pytest.raises(errors.NotFound):
            owner.get_workflow(workflow.id)
