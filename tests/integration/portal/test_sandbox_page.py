"""The page about the sandbox: managers make and remove it there, others look."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from controlplane.audit.models import Entry
from controlplane.core.actor import system
from controlplane.portal.views.sandbox import GROUPS
from tenants.context import inside, outside
from tenants.environments import copying, rules
from tenants.environments.services import start_sandbox
from tenants.models import Member, Tenant

MANAGER = Member.Role.MANAGER
BY = system("test")


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
    stand(sandbox)
    ready = client.get("/sandbox/").content.decode()
    assert f'href="{sandbox.portal_url}/"' in ready
    with inside(north):
        assert Entry.objects.get(action="sandbox.requested").actor_label == "ada-north"


def stand(sandbox: Tenant, **changes: str) -> None:
    """As provisioning leaves it; `changes` are steps that are otherwise than done."""
    Tenant.objects.filter(pk=sandbox.pk).update(status=Tenant.Status.ACTIVE)
    sandbox.provisioning_steps.update(status="done")
    for name, status in changes.items():
        sandbox.provisioning_steps.filter(name=name.replace("_", " ")).update(status=status)


def test_what_could_not_be_made_is_said_and_can_be_tried_again(
    north: Tenant, browser: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        "tenants.environments.services.enqueue_on_commit", lambda name, **_given: asked.append(name)
    )
    client = browser(north, role=MANAGER)
    client.post("/sandbox/create/")
    sandbox = Tenant.objects.get(slug="north-sandbox")
    stand(sandbox, n8n_workspace="failed")

    page = client.get("/sandbox/").content.decode()
    assert "The sandbox is not complete yet." in page
    assert "The sandbox is ready." not in page
    assert f'href="{sandbox.portal_url}/"' in page, "its data is there"
    assert "Remove the sandbox" in page

    page = client.post("/sandbox/resume/", follow=True).content.decode()
    assert "It is tried again now." in page
    stand(sandbox)
    client.post("/sandbox/reset/", {"sure": "yes"})
    assert "is being emptied and filled anew" in client.get("/sandbox/state/").content.decode()
    sandbox.provisioning_steps.filter(name="reset").update(status="failed")
    assert "could not be emptied yet" in client.get("/sandbox/").content.decode()
    client.post("/sandbox/resume/")
    assert asked == [
        "tenants.make_sandbox", "tenants.make_sandbox",
        "tenants.reset_sandbox", "tenants.reset_sandbox",
    ]  # fmt: skip


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


@pytest.fixture
def sandbox(north: Tenant, browser: Callable[..., Client]) -> Tenant:
    with outside():
        made = start_sandbox(north)
        stand(made)
    return made


def test_with_nothing_ticked_the_form_says_so_where_it_is(
    north: Tenant, sandbox: Tenant, browser: Callable[..., Client]
) -> None:
    client = browser(north, role=MANAGER)

    answer = client.post("/sandbox/copy/")

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Choose what is to be copied." in page
    assert "Begin anew" in page, "it is the same page"
    assert "checked" not in page, "and as it was sent"
    with inside(north):
        assert not Entry.objects.filter(action="sandbox.copy_requested").exists()


def test_it_says_how_the_last_copy_ended(
    north: Tenant,
    sandbox: Tenant,
    browser: Callable[..., Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = browser(north, role=MANAGER)
    assert "copy is done" not in client.get("/sandbox/").content.decode()
    client.post("/sandbox/copy/", {"what": "orders"})
    assert "It is being copied." in client.get("/sandbox/").content.decode()

    with monkeypatch.context() as patch:
        patch.setattr(copying, "_copy_rows", lambda *_given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            copying.copy_now(north, ["orders"], by=BY)
    assert "The last copy did not end well." in client.get("/sandbox/copied/").content.decode()

    monkeypatch.setattr(copying, "_copy_rows", lambda *_given: {})
    # The sandbox has no schema here, and so no chain.
    monkeypatch.setattr(copying, "_note", in_production_only(copying._note, north))
    copying.copy_now(north, ["orders"], by=BY)
    assert "The last copy is done." in client.get("/sandbox/copied/").content.decode()

    client.post("/sandbox/copy/", {"what": "orders"})
    monkeypatch.setattr(copying, "LONGEST_COPY", timedelta(0))
    assert "The last copy did not end well." in client.get("/sandbox/").content.decode()


def in_production_only(note: Any, production: Tenant) -> Any:
    def noted(action: str, chain: Tenant, *further: Any) -> None:
        if chain == production:
            note(action, chain, *further)

    return noted
