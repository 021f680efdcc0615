"""The page about the sandbox: managers make and remove it there, others look."""

from collections.abc import Callable

from django.test import Client

from controlplane.audit.models import Entry
from controlplane.portal.views.sandbox import GROUPS
from tenants.context import inside
from tenants.environments import rules
from tenants.models import Member, Tenant

MANAGER = Member.Role.MANAGER


def test_a_manager_makes_a_sandbox_and_sees_how_far_it_is(
    north: Tenant, browser: Callable[..., Client]
) -> None:
    client = browser(north, role=MANAGER)
    assert "There is no sandbox yet." in client.get("/sandbox/").content.decode()

    page = client.post("/sandbox/create/", follow=True).content.decode()

    assert "The sandbox is being made." in page
    assert 'hx-get="/sandbox/state/"' in page
    sandbox = Tenant.objects.get(slug="north-sandbox")
    assert sandbox.sandbox_of == north
    Tenant.objects.filter(pk=sandbox.pk).update(status=Tenant.Status.ACTIVE)
    ready = client.get("/sandbox/").content.decode()
    assert f'href="{sandbox.portal_url}/"' in ready
    with inside(north):
        assert Entry.objects.get(action="sandbox.requested").actor_label == "ada-north"


def test_removing_needs_a_yes(north: Tenant, browser: Callable[..., Client]) -> None:
    client = browser(north, role=MANAGER)
    client.post("/sandbox/create/")

    client.post("/sandbox/remove/")
    assert Tenant.objects.get(slug="north-sandbox").status == Tenant.Status.PROVISIONING
    page = client.post("/sandbox/remove/", {"sure": "yes"}, follow=True).content.decode()

    assert "The sandbox is being removed." in page
    assert Tenant.objects.get(slug="north-sandbox").status == Tenant.Status.LEAVING


def test_who_is_no_manager_may_look_only(north: Tenant, browser: Callable[..., Client]) -> None:
    client = browser(north, role=Member.Role.APPROVER)

    page = client.get("/sandbox/").content.decode()

    assert "Create the sandbox" not in page
    assert client.post("/sandbox/create/").status_code == 403
    assert not Tenant.objects.filter(slug="north-sandbox").exists()


def test_every_group_has_a_name_for_people() -> None:
    assert set(rules.groups()) == set(GROUPS)
