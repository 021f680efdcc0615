"""API keys in the portal: shown once, to managers, of this workspace alone."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from controlplane.core.actor import system
from tenants.keys import issue_key
from tenants.lookup import key_from_text
from tenants.models import ApiKey, SecurityEvent, Tenant
from tenants.security.events import note

Browser = Callable[..., Client]
FORM = {"name": "Our ERP", "scopes": ["orders:review"], "days": "90"}


@pytest.fixture
def manager(north: Tenant, browser: Browser) -> Client:
    return browser(north, role="manager", name="mia")


def shown(page: str) -> str:
    return re.search(r'data-testid="key-shown"|value="(pgl_\w+)"', page)[1]


def issue(manager: Client) -> tuple[ApiKey, str]:
    page = manager.post("/keys/new/", FORM, follow=True).content.decode()
    return ApiKey.objects.latest("created_at"), shown(page)


def test_a_key_is_shown_once_and_works(north: Tenant, manager: Client) -> None:
    key, text = issue(manager)

    assert key_from_text(text).tenant == north
    assert key.issued_by == "mia-north"
    assert timedelta(days=89) < key.expires_at - timezone.now() < timedelta(days=91)
    page = manager.get(f"/keys/{key.pk}/").content.decode()
    assert text not in page
    assert key.beginning in page


def test_rotating_and_revoking(manager: Client) -> None:
    old, _text = issue(manager)

    page = manager.post(f"/keys/{old.pk}/rotate/", {"days": "7"}, follow=True).content.decode()
    new = key_from_text(shown(page))
    old.refresh_from_db()
    assert old.replaced_by == new
    assert "its successor" in manager.get(f"/keys/{old.pk}/").content.decode()
    again = manager.post(f"/keys/{old.pk}/rotate/", {"days": "7"})
    assert again.status_code == 409

    revoked = manager.post(f"/keys/{new.pk}/revoke/", follow=True).content.decode()
    assert "are refused from now on" in revoked
    new.refresh_from_db()
    assert new.status == "revoked"


def test_the_list_is_searched_and_sorted_and_this_workspaces_alone(
    north: Tenant, south: Tenant, manager: Client
) -> None:
    for tenant, name in ((north, "Shop"), (north, "ERP"), (south, "Foreign")):
        issue_key(tenant=tenant, name=name, scopes=["orders:review"], by=system("tests"))

    page = manager.get("/keys/?sort=name").content.decode()
    assert page.index(">ERP<") < page.index(">Shop<")
    assert "Foreign" not in page
    found = manager.get("/keys/?q=sho").content.decode()
    assert "Shop" in found
    assert ">ERP<" not in found
    foreign = ApiKey.objects.get(name="Foreign")
    assert manager.get(f"/keys/{foreign.pk}/").status_code == 404
    assert manager.post(f"/keys/{foreign.pk}/revoke/").status_code == 404


def test_what_is_wrong_is_said_at_its_field(manager: Client) -> None:
    answer = manager.post("/keys/new/", {"name": "", "scopes": ["everything"], "days": "1"})

    assert answer.status_code == 422
    assert answer.content.decode().count("field-wrong") == 3
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("page", ["/keys/", "/keys/new/", "/security/"])
def test_only_managers_look(north: Tenant, browser: Browser, page: str) -> None:
    assert browser(north, role="approver", name="vic").get(page).status_code == 403


def test_what_was_odd_is_listed_and_nobody_elses_people_are_named(
    north: Tenant, south: Tenant, manager: Client, make_member: Callable[..., object]
) -> None:
    foreigner, own = make_member(south, name="sue").user, make_member(north, name="ada").user
    note(SecurityEvent.Kind.FOREIGN_TENANT, tenant=north, user=foreigner, network="192.0.2.0/24")
    note(SecurityEvent.Kind.FAILED_LOG_IN, tenant=north, user=own, network="198.51.100.0/24")
    note(SecurityEvent.Kind.BURST, tenant=south, network="203.0.113.0/24")

    page = manager.get("/security/").content.decode()
    assert "Tried to enter from another workspace" in page
    assert "192.0.2.0/24" in page
    assert "ada-north" in page
    assert "sue" not in page
    assert "203.0.113.0/24" not in page
    failed = manager.get("/security/?status=failed_log_in").content.decode()
    assert "198.51.100.0/24" in failed
    assert "192.0.2.0/24" not in failed
