"""From a rule that somebody types to what it holds: decided in the portal, and by a mailed link."""

import re
import secrets
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from sesame.utils import get_query_string

from controlplane.approvals.models import Approval
from controlplane.policies.models import Policy
from deploy.demo.story import MANAGER
from deploy.demo.world import Place
from tenants.context import inside
from tests.e2e.flow import send

pytestmark = pytest.mark.e2e

# The database outlives a run.
SLUG = f"callers-{secrets.token_hex(4)}"
TITLE = f"Buyers who want a call {SLUG[-8:]}"
WISH = "Please call me before you ship it."


@pytest.fixture
def place(running: Any) -> Iterator[Place]:
    """The rule goes again, so that no other test meets it."""
    found = running.places["hafen"]
    yield found
    with inside(found.tenant):
        Policy.objects.filter(slug__startswith="callers").update(is_active=False)


@pytest.fixture
def visit(place: Place, chromium: Browser) -> Iterator[Callable[[str], Page]]:
    contexts = []

    def enter(email: str = "") -> Page:
        """As that member, or as nobody."""
        context = chromium.new_context(base_url=place.tenant.portal_url)
        contexts.append(context)
        page = context.new_page()
        if email:
            page.goto(f"/accounts/enter/{get_query_string(User.objects.get(username=email))}")
        return page

    yield enter
    for context in contexts:
        context.close()


def link_mailed_to(address: str, approval: Approval) -> str:
    """Of the newest mail about it; empty while there is none."""
    for path in Path(settings.EMAIL_FILE_PATH).iterdir():
        for text in path.read_bytes().split(b"-" * 79):
            message = message_from_bytes(text.strip(), policy=policy.default)
            if address not in str(message["To"]):
                continue
            body = message.get_content()
            if str(approval.pk) in body:
                found = re.search(r"https?://\S+/approvals/by-mail/\S+", body)
                return found[0] if found else ""
    return ""


def test_a_rule_is_written_simulated_published_and_what_it_holds_is_decided(
    place: Place, visit: Callable[[str], Page], eventually: Any
) -> None:
    page = visit(MANAGER[1])
    page.goto("/policies/new/")
    page.get_by_label("Title").fill(TITLE)
    page.get_by_label("Short name").fill(SLUG)
    page.get_by_label("What the rules are about").select_option("order")
    page.get_by_role("button", name="Go on to its rules").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Draft")

    page.get_by_label("Code", exact=True).fill("wants_a_call")
    rule = page.get_by_label("If", exact=True)
    rule.press_sequentially("order.no")
    expect(page.get_by_role("listbox").get_by_role("option")).to_contain_text("order.note")
    rule.press("Enter")
    expect(rule).to_have_value("order.note")
    rule.press_sequentially("s == ''")
    expect(page.locator(".rule-check").first).to_contain_text("There is no field “notes”")
    rule.fill("order.note.contains('call me')")
    page.get_by_label("What people read").fill("{order.buyer.name} wants a call.")
    page.get_by_role("button", name="Save the draft").click()

    page.get_by_role("button", name="Simulate the draft").click()
    found = page.get_by_test_id("simulation")
    expect(found.locator("h2").first).to_contain_text("come out otherwise")
    expect(found.get_by_role("button", name="Stop it")).to_have_count(0, timeout=15_000)
    page.get_by_role("link", name=TITLE).click()

    page.get_by_label("Why", exact=True).fill("They asked for it.")
    page.get_by_role("button", name="Hand in for review").click()
    page.locator("form", has=page.get_by_role("button", name="Publish it now")).get_by_label(
        "Why"
    ).fill("Agreed on Friday.")
    page.get_by_role("button", name="Publish it now").click()
    expect(page.get_by_text("Agreed on Friday.")).to_be_visible()

    orders = [send(place, "eur_small", note=WISH) for _each in range(2)]
    in_portal, by_mail = (eventually(order.waiting) for order in orders)
    jonas = place.customer.approver[1]
    window = visit(jonas)
    window.goto(f"/approvals/{in_portal.pk}/")
    expect(window.locator("main")).to_contain_text("wants a call.")
    window.get_by_test_id("approve").click()
    expect(window.get_by_test_id("decision")).to_contain_text("Approved")

    link = eventually(lambda: link_mailed_to(jonas, by_mail), what="the mail with the link")
    stranger = visit("")
    stranger.goto(link)
    expect(stranger.get_by_role("heading", level=1)).to_have_text(by_mail.title)
    assert orders[1].approval().is_pending, "opening a link decides nothing"
    stranger.get_by_test_id("reject").click()
    expect(stranger.get_by_text("The link is used up.")).to_be_visible()
    stranger.goto(link)
    expect(stranger.get_by_test_id("over")).to_be_visible()

    assert eventually(orders[0].outcome) == "accepted"
    assert eventually(orders[1].outcome) == "rejected"
    assert orders[1].approval().decided_by == place.customer.approver[0]
