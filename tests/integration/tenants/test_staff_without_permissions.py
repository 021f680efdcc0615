"""Being of the staff opens no page of the admin by itself, not even one of our own."""

import re
import uuid
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.test import Client
from django.urls import URLPattern

from tenants.models import Invitation, Partner, Tenant

# What Django makes for every model, and asks permissions for itself.
DJANGOS = ("changelist", "add", "history", "delete", "change")


def own_pages() -> Iterator[tuple[str, str]]:
    """The model and the route of each page that one of our admins adds."""
    for model, found in admin.site._registry.items():
        label, name = model._meta.app_label, model._meta.model_name
        theirs = {f"{label}_{name}_{view}" for view in DJANGOS}
        for pattern in found.get_urls():
            if isinstance(pattern, URLPattern) and pattern.name not in theirs and pattern.name:
                yield f"{label}/{name}", str(pattern.pattern)


OWN = sorted(set(own_pages()))


@pytest.fixture
def stan(db: None) -> User:
    return User.objects.create_user("stan", "stan@example.com", "correct horse", is_staff=True)


@pytest.fixture
def staff(stan: User) -> Client:
    client = Client(headers={"host": "localhost"})
    client.force_login(stan, "django.contrib.auth.backends.ModelBackend")
    return client


def lead_of(tenant: Tenant) -> Partner:
    assert tenant.lead_partner is not None
    return tenant.lead_partner


def test_the_pages_of_our_own_are_found() -> None:
    assert ("tenants/tenant", "<uuid:tenant_id>/invite/") in OWN
    assert ("tenants/partner", "<uuid:partner_id>/invite/") in OWN
    assert ("catalog/rollout", "<uuid:rollout_id>/follow/") in OWN


@pytest.mark.parametrize(("label", "route"), OWN)
def test_no_page_opens_to_staff_without_a_permission(
    label: str, route: str, staff: Client, north: Tenant
) -> None:
    keys = {"tenant_id": north.pk, "partner_id": lead_of(north).pk, "name": "order"}
    named = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(keys.get(found[1], uuid.uuid4())), route)
    for method in ("GET", "POST"):
        assert staff.generic(method, f"/admin/{label}/{named}").status_code == 403


def test_nobody_of_the_staff_invites_himself(staff: Client, north: Tenant) -> None:
    form = {"email": "stan2@example.com", "role": "manager"}
    for place in (f"tenant/{north.pk}", f"partner/{lead_of(north).pk}"):
        path = f"/admin/tenants/{place}/invite/"
        assert staff.post(path, form).status_code == 403

    assert not Invitation.objects.exists()
    assert not mail.outbox


def test_with_the_permission_to_look_he_looks_only(
    stan: User, staff: Client, north: Tenant
) -> None:
    looking = Permission.objects.filter(codename__in=["view_tenant", "view_partner"])
    stan.user_permissions.set(looking)
    logo = f"/admin/tenants/partner/{lead_of(north).pk}/logo/"

    assert staff.get(logo).status_code == 404  # there is none
    assert staff.get(f"/admin/tenants/tenant/{north.pk}/invite/").status_code == 403


def test_with_the_permission_to_look_he_suspends_nobody(
    stan: User, staff: Client, north: Tenant
) -> None:
    stan.user_permissions.set(Permission.objects.filter(codename="view_tenant"))
    form = {"action": "suspend", "_selected_action": [str(north.pk)], "confirmed": "yes"}
    assert "Suspend: portal" not in staff.get("/admin/tenants/tenant/").content.decode()

    staff.post("/admin/tenants/tenant/", form)

    north.refresh_from_db()
    assert north.status == "active"
