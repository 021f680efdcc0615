"""Partners with what they own, the tenant's members, and a partner's customers."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from controlplane.audit.models import Entry
from controlplane.catalog.models import Installation
from controlplane.core.actor import system
from tenants.context import inside
from tenants.engagements import engage_partner
from tenants.fleet import run_everywhere
from tenants.health import refresh_health
from tenants.models import Member, Partner, Tenant, TenantHealth
from tests.factories.approvals import make_approval
from tests.factories.events import make_workspace
from tests.factories.installations import make_installation, make_release

Browser = Callable[..., Client]


@pytest.fixture
def consultant(north: Tenant) -> Member:
    user = User.objects.create_user("carl", "carl@partner.example", "correct horse battery")
    return Member.objects.create(
        user=user, partner=Partner.objects.get(slug="partner-north"), role=Member.Role.VIEWER
    )


def rows(page: str, mark: str) -> list[str]:
    return page.split(f'data-testid="{mark}"')[1:]


def test_everybody_of_the_tenant_reads_who_owns_what(north: Tenant, browser: Browser) -> None:
    helper = Partner.objects.create(slug="helper", name="Helper Ltd", support_email="hi@h.example")
    engage_partner(partner=helper, tenant=north, owns=["support"], by=system("tests"))

    page = browser(north, role="viewer").get("/partners/").content.decode()

    leading, helping = page.split("<tbody>")[1].split("</tr>")[:2]
    assert "Partner North" in leading
    assert "Leads" in leading
    assert leading.count("owns it<") == 5
    assert "Helper Ltd" in helping
    assert helping.count("owns it<") == 1
    assert "hi@h.example" in helping


def test_members_are_listed_and_only_managers_change_them(north: Tenant, browser: Browser) -> None:
    viewer, manager = browser(north, role="viewer"), browser(north, role="manager", name="mia")

    seen = viewer.get("/members/").content.decode()

    assert "ada@north.example" in seen
    assert "/removal/" not in seen
    assert len(rows(manager.get("/members/?q=mia").content.decode(), "member")) == 1
    assert "/removal/" in manager.get("/members/").content.decode()


def test_a_role_is_changed_and_stands_in_the_trail(north: Tenant, browser: Browser) -> None:
    manager = browser(north, role="manager", name="mia")
    ada = Member.objects.create(
        user=User.objects.create_user("ada", "ada@north.example", "pw"), tenant=north, role="viewer"
    )

    answer = manager.post(f"/members/{ada.pk}/role/", {f"{ada.pk}-role": "approver"}, follow=True)

    assert "ada is Approver now." in answer.content.decode()
    ada.refresh_from_db()
    assert ada.role == "approver"
    with inside(north):
        entry = Entry.objects.get(action="member.changed")
    assert entry.data == {"before": {"role": "viewer"}, "after": {"role": "approver"}}
    assert entry.actor_label == "mia-north"


def test_nonsense_changes_no_role(north: Tenant, browser: Browser) -> None:
    manager = browser(north, role="manager", name="mia")
    mia = Member.objects.get(user__username="mia-north")

    assert manager.post(f"/members/{mia.pk}/role/", {f"{mia.pk}-role": "king"}).status_code == 422


def test_who_is_removed_is_out_at_once(north: Tenant, browser: Browser) -> None:
    manager, gone = browser(north, role="manager", name="mia"), browser(north, role="approver")
    ada = Member.objects.get(user__username="ada-north")

    manager.post(f"/members/{ada.pk}/removal/", {})
    assert gone.get("/orders/").status_code == 200, "nobody said that they were sure"
    manager.post(f"/members/{ada.pk}/removal/", {"sure": "yes"})

    assert gone.get("/orders/").status_code == 403
    with inside(north):
        assert Entry.objects.get(action="member.removed").data["before"]["role"] == "approver"


@pytest.mark.parametrize("verb", ["role", "removal"])
def test_somebody_stays_a_manager(north: Tenant, browser: Browser, verb: str) -> None:
    manager = browser(north, role="manager", name="mia")
    mia = Member.objects.get(user__username="mia-north")

    answer = manager.post(f"/members/{mia.pk}/{verb}/", {f"{mia.pk}-role": "viewer", "sure": "yes"})

    assert answer.status_code == 409
    assert "only manager of North" in answer.content.decode()


def test_a_partners_people_are_not_the_tenants_to_change(
    north: Tenant, browser: Browser, consultant: Member
) -> None:
    manager = browser(north, role="manager", name="mia")

    answer = manager.post(f"/members/{consultant.pk}/removal/", {"sure": "yes"})

    assert answer.status_code == 404
    assert Member.objects.filter(pk=consultant.pk).exists()


@pytest.fixture
def rolled_up(north: Tenant, south: Tenant, tmp_path: Any) -> None:
    release = make_release(tmp_path)
    with inside(north):
        make_workspace()
        make_approval()
        make_installation(release)
        Installation.objects.update(status=Installation.Status.FAILED)
    run_everywhere(refresh_health)


def test_the_roll_up_counts_each_tenant(rolled_up: None, north: Tenant, south: Tenant) -> None:
    busy, idle = north.health, south.health

    assert (busy.approvals_waiting, busy.installations_failed) == (1, 1)
    assert busy.last_event_at is not None
    assert (idle.approvals_waiting, idle.installations_failed, idle.last_event_at) == (0, 0, None)
    assert TenantHealth.objects.count() == Tenant.objects.active().count()


def test_it_holds_no_customer_data() -> None:
    kinds = {field.get_internal_type() for field in TenantHealth._meta.concrete_fields}

    assert kinds == {
        "UUIDField", "DateTimeField", "OneToOneField", "PositiveIntegerField",
    }  # fmt: skip


def test_a_partner_sees_its_customers_and_no_others(
    rolled_up: None, north: Tenant, south: Tenant, consultant: Member, browser: Browser
) -> None:
    client = browser(north, member=consultant)

    page = client.get("/customers/").content.decode()
    assert len(rows(page, "customer")) == 1
    assert "http://north.localhost" in page

    engage_partner(partner=consultant.partner, tenant=south, by=system("tests"))
    found = rows(client.get("/customers/?sort=-waiting").content.decode(), "customer")
    assert ["North" in found[0], "South" in found[1]] == [True, True]
    assert len(rows(client.get("/customers/?q=sou").content.decode(), "customer")) == 1


def test_a_tenants_own_member_has_no_customers(
    rolled_up: None, north: Tenant, browser: Browser
) -> None:
    page = browser(north, role="manager").get("/customers/").content.decode()

    assert not rows(page, "customer")
    assert 'href="/customers/"' not in page


def test_many_customers_cost_no_more_queries(
    north: Tenant, consultant: Member, browser: Browser, django_assert_num_queries: Any
) -> None:
    for number in range(15):
        tenant = Tenant.objects.create(
            slug=f"c{number}", schema_name=f"t_c{number}", name=f"C {number}", status="active"
        )
        tenant.domains.create(domain=f"c{number}.localhost", is_primary=True)
        consultant.partner.engagements.create(tenant=tenant)
        TenantHealth.objects.create(tenant=tenant, refreshed_at=timezone.now())
    client = browser(north, member=consultant)
    client.get("/customers/")

    # Session, person, memberships; count, rows, domains; the brand; four changes of schema.
    with django_assert_num_queries(13):
        page = client.get("/customers/").content.decode()
    assert len(rows(page, "customer")) == 16
