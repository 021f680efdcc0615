"""The platform admin's half, in a real browser: every list opens, nothing is blocked or broken."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from sesame.utils import get_query_string

from controlplane.policies.models import PolicyVersion
from tenants import support_access
from tenants.context import inside
from tenants.models import ProvisioningStep, Tenant
from tests.factories.support_access import make_entry

pytestmark = pytest.mark.e2e

SHARED = [
    *("tenants/tenant", "tenants/partner", "tenants/member", "tenants/apikey"),
    *("catalog/template", "instances/instance", "events/outboxmessage", "auth/user"),
    *("tenants/supportentry", "audit/entry"),
    *("tenants/singlesignon", "tenants/securityevent"),
]
OF_TENANT = [
    *("catalog/installation", "policies/policy", "policies/decision", "instances/workspace"),
    *("events/source", "events/event", "orders/order", "approvals/approval", "audit/entry"),
]


def let_in(user: User, tenant: Tenant) -> None:
    if support_access.open_entry(user, tenant) is None:
        make_entry(user, tenant)


@pytest.fixture
def admin(running: Any, chromium: Browser) -> Iterator[Page]:
    """Logged in by one-time link; what the browser refuses or the server breaks fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("response", lambda r: complaints.append(r.url) if r.status >= 400 else None)
    user = User.objects.get(username="admin@pergola.example")
    for slug in ("hafen", "prairie"):
        let_in(user, running.places[slug].tenant)
    page.goto(f"{settings.PUBLIC_URL}/admin/enter/{get_query_string(user)}")
    yield page
    context.close()
    assert complaints == []


def test_every_shared_list_opens(admin: Page) -> None:
    for model in SHARED:
        admin.goto(f"{settings.PUBLIC_URL}/admin/{model}/")
        expect(admin.locator("#changelist, .changelist-form-container").first).to_be_visible()


def test_keys_are_narrowed_to_a_tenant_that_is_typed(admin: Page) -> None:
    admin.goto(f"{settings.PUBLIC_URL}/admin/tenants/apikey/")
    admin.locator("a", has_text="filter_list").first.click()
    admin.locator("#filter-form .select2-selection").first.click()
    admin.locator(".select2-search__field").last.fill("hafen")
    admin.locator(".select2-results__option", has_text="Hafen").first.click()
    admin.get_by_role("button", name="Apply Filters").click()
    expect(admin).to_have_url(re.compile("tenant__id__exact="))
    expect(admin.locator("#changelist, .changelist-form-container").first).to_be_visible()


def test_every_list_of_a_tenant_opens_and_stays_within_it(admin: Page) -> None:
    for model in OF_TENANT:
        admin.goto(f"{settings.PUBLIC_URL}/t/hafen/admin/{model}/")
        expect(admin.get_by_role("link", name="All tenants")).to_be_visible()
        links = admin.locator("#result_list tbody a")
        if links.count():
            assert "/t/hafen/admin/" in links.first.evaluate("link => link.href")


def test_a_tenant_added_by_form_is_provisioned(admin: Page, eventually: Any) -> None:
    slug = f"added-{User.objects.count()}-{Tenant.objects.count()}"
    admin.goto(f"{settings.PUBLIC_URL}/admin/tenants/tenant/add/")
    admin.fill("[name=name]", "Added by Form")
    admin.press("[name=name]", "Tab")  # a short name is proposed
    expect(admin.locator("[name=slug]")).to_have_value("added-by-form")
    admin.fill("[name=slug]", slug)
    admin.select_option("[name=partner]", label="Brightline Integrations")
    admin.click("[name=_save]")
    expect(admin.locator("#progress")).to_contain_text("Added by Form")
    left = ProvisioningStep.objects.unfinished().filter(tenant__slug=slug)
    eventually(
        lambda: Tenant.objects.active().filter(slug=slug).exists() and not left.exists(),
        what="the worker provisions it, its place in n8n too",
    )
    expect(admin.locator("#progress")).to_contain_text("is ready")
    admin.goto(f"{settings.PUBLIC_URL}/t/{slug}/admin/policies/policy/")
    admin.fill("[name=reason]", "To see whether its rules are there")
    admin.get_by_role("button", name="Enter").click()
    expect(admin.locator("#result_list")).to_contain_text("Order checks")


def test_support_enters_the_portal_and_leaves(admin: Page, running: Any) -> None:
    tenant = running.places["prairie"].tenant
    admin.goto(f"{settings.PUBLIC_URL}/admin/tenants/tenant/{tenant.pk}/enter/")
    admin.get_by_role("link", name="Open the portal").click()
    expect(admin.locator(".band")).to_contain_text("as platform support")
    admin.get_by_role("button", name="Leave now").click()
    expect(admin.get_by_role("heading", name="You have left")).to_be_visible()


def test_a_changed_rule_is_published(admin: Page, running: Any) -> None:
    tenant = running.places["prairie"].tenant
    with inside(tenant):
        before = PolicyVersion.objects.count()
    admin.goto(f"{settings.PUBLIC_URL}/t/prairie/admin/policies/policy/")
    admin.locator("#result_list tbody a").first.click()
    message = admin.locator("textarea[name$=-message]").first
    # The database outlives a run, so the text must differ from every earlier one's.
    message.fill(f"Not for the shop, says version {before + 1}.")
    admin.click("[name=_save]")
    expect(admin.locator("#result_list")).to_be_visible()
    with inside(tenant):
        assert PolicyVersion.objects.count() == before + 1


def test_the_api_documentation_is_served_locally(admin: Page) -> None:
    admin.goto(f"{settings.PUBLIC_URL}/api/docs/")
    expect(admin.locator(".opblock").first).to_be_visible()
