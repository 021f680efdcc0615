"""The portal, clicked through as a member would, on a desk and on a phone."""

import re
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import expect

from controlplane.catalog.models import Installation
from controlplane.events.models import Event, Subscription
from deploy.demo.story import MANAGER
from deploy.demo.world import BY
from tenants.context import inside
from tenants.models import Tenant
from tenants.provisioning import provision_tenant, start_tenant
from tests.e2e.conftest import Visit
from tests.e2e.flow import send

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("width", [1280, 390])
def test_a_held_order_is_approved_with_a_comment(
    running: Any, visit: Visit, eventually: Any, width: int
) -> None:
    place = running.places["prairie"]
    sent = send(place, "usd_large")
    approval = eventually(sent.waiting)
    page = visit(place, width=width)
    page.goto("/approvals/")
    page.get_by_role("link", name=approval.title).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(approval.title)
    expect(page.get_by_text("Brightline Flow").first).to_be_attached()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_test_id("decision").get_by_label("Comment").fill("Paid before, ship it.")
    page.get_by_test_id("approve").click()
    expect(page.get_by_test_id("decision")).to_contain_text("Paid before, ship it.")
    assert eventually(sent.outcome) == "accepted"
    assert sent.approval().decided_by == place.customer.approver[0]


def test_a_second_window_learns_who_was_first(running: Any, visit: Visit, eventually: Any) -> None:
    place = running.places["prairie"]
    sent = send(place, "usd_large")
    approval = eventually(sent.waiting)
    windows = [visit(place), visit(place, MANAGER[1])]
    for page in windows:
        page.goto(f"/approvals/{approval.pk}/")
    windows[0].get_by_test_id("reject").click()
    expect(windows[0].get_by_test_id("decision")).to_contain_text("Rejected")
    windows[1].get_by_test_id("approve").click()
    expect(windows[1].locator("main")).to_contain_text(place.customer.approver[0])
    assert eventually(sent.outcome) == "rejected"
    assert sent.audit("approval.rejected") == 1


def test_a_manager_clones_a_template_and_removes_it_again(running: Any, visit: Visit) -> None:
    number = Tenant.objects.count()
    place = running.places["hafen"]
    tenant = provision_tenant(
        start_tenant(slug=f"clone-{number}", name="Cloner", partner=place.tenant.lead_partner),
        by=BY,
    )
    page = visit(replace(place, tenant=tenant), MANAGER[1])
    page.goto("/templates/review-shopify-order/clone/")
    page.get_by_test_id("clone").click()
    expect(page.get_by_test_id("state")).to_have_attribute("data-status", "active", timeout=30_000)
    with inside(tenant):
        installation = Installation.objects.get()
        assert Subscription.objects.count() == 1

    page.goto("/templates/review-shopify-order/clone/")
    expect(page.get_by_test_id("present")).to_be_visible()
    expect(page.get_by_test_id("clone")).to_have_count(0)

    page.goto(f"/installations/{installation.pk}/")
    page.get_by_label("Yes, take it out of n8n").check()
    page.get_by_test_id("remove").click()
    expect(page.get_by_text("was removed from n8n")).to_be_visible()
    with inside(tenant):
        assert Installation.objects.get().status == "removed"
        assert not Subscription.objects.exists()


def test_a_source_s_test_event_is_followed_to_its_end(
    running: Any, visit: Visit, eventually: Any
) -> None:
    tenant = running.places["hafen"].tenant
    with inside(tenant):
        known = set(Event.objects.filter(is_test=True).values_list("subject", flat=True))
    page = visit(running.places["hafen"], MANAGER[1])
    page.goto("/sources/shopify/")
    address = f"{settings.PUBLIC_URL}/in/hafen/shopify"
    expect(page.get_by_label("Copy the address")).to_have_value(address)
    page.get_by_role("button", name="Send a test event").click()

    def sent() -> set[str]:
        with inside(tenant):
            return set(Event.objects.filter(is_test=True).values_list("subject", flat=True)) - known

    (subject,) = eventually(sent, what="the test event comes in")
    expect(page.get_by_text(subject).first).to_be_visible(timeout=20_000)
    state = page.get_by_test_id("test-state")
    expect(state).to_have_attribute("data-status", "delivered", timeout=20_000)


def test_somebody_else_s_member_is_turned_away(running: Any, visit: Visit) -> None:
    here, there = running.places["hafen"], running.places["prairie"]
    page = visit(here, there.customer.approver[1])
    page.goto("/approvals/")
    expect(page).to_have_url(re.compile("/accounts/login/"))
