"""The inbox as members see it: what waits, the answer, and every way of coming too late."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from controlplane.approvals.models import Approval, Waiter
from controlplane.core.actor import Actor
from tenants.context import inside
from tenants.models import Tenant

Browser = Callable[..., Client]


@pytest.fixture
def approval(north: Tenant) -> Approval:
    with inside(north):
        found = Approval.objects.create(
            subject_type="contract",
            subject_id=uuid.uuid4(),
            title="Contract 7 <b>deviates</b>",
            summary="Payment in 90 days",
            reasons=[{"code": "days", "message": "90 days is long", "verdict": "hold"}],
            amount="1234.5",
            currency="EUR",
            expires_at=timezone.now() + timedelta(hours=72),
        )
        Waiter.objects.create(approval=found, execution_id="41", resume_url="http://n8n/x")
    return found


def _decide(client: Client, approval: Approval, **form: str):
    return client.post(f"/approvals/{approval.pk}/decision/", form)


def test_list_shows_searches_and_survives_nonsense(
    north: Tenant, browser: Browser, approval: Approval
) -> None:
    client = browser(north)
    page = client.get("/approvals/").content.decode()
    assert "Contract 7 &lt;b&gt;deviates&lt;/b&gt;" in page
    assert "€1,234.50" in page
    assert "Contract 7" in client.get("/approvals/?q=90+payment").content.decode()
    assert "Nothing fits" in client.get("/approvals/?q=elephant").content.decode()
    odd = client.get("/approvals/?q=%00&sort=-password&status=what&page=-3")
    assert odd.status_code == 200
    assert "Contract 7" in odd.content.decode()


def test_poll_is_answered_with_nothing_while_nothing_changes(
    north: Tenant, browser: Browser, approval: Approval
) -> None:
    client = browser(north)
    part = client.get("/approvals/", headers={"hx-request": "true"}).content.decode()
    assert "<html" not in part
    seen = re.search(r'"X-Seen": "(\w+)"', part)[1]
    again = {"hx-request": "true", "x-seen": seen}
    assert client.get("/approvals/", headers=again).status_code == 204
    _decide(client, approval, decision="reject")
    assert "Nothing waits for you" in client.get("/approvals/", headers=again).content.decode()


def test_approving_shows_who_and_what_n8n_does(
    north: Tenant, browser: Browser, approval: Approval
) -> None:
    client = browser(north)
    answer = _decide(client, approval, decision="approve", comment="Ask <legal>")
    assert answer.headers["Location"] == f"/approvals/{approval.pk}/"
    page = client.get(answer.headers["Location"]).content.decode()
    assert "ada-north" in page
    assert "Ask &lt;legal&gt;" in page
    assert 'hx-trigger="every 2s"' in page
    with inside(north):
        Waiter.objects.update(status=Waiter.Status.RESUMED, resumed_at=timezone.now())
    part = client.get(f"/approvals/{approval.pk}/progress/").content.decode()
    assert "has gone on" in part
    assert "hx-trigger" not in part


def test_second_click_is_harmless_and_second_window_is_told(
    north: Tenant, browser: Browser, approval: Approval
) -> None:
    first, second = browser(north), browser(north, name="grace")
    _decide(first, approval, decision="approve")
    assert _decide(first, approval, decision="approve").status_code == 302
    late = _decide(second, approval, decision="reject", comment="not so fast")
    assert late.status_code == 409
    page = late.content.decode()
    assert "It has been decided already" in page
    assert "ada-north" in page
    assert "not so fast" in page
    own = _decide(first, approval, decision="reject")
    assert "You have decided this already" in own.content.decode()
    with inside(north):
        assert Approval.objects.get().status == "approved"


def test_an_overdue_approval_expires_instead_of_being_decided(
    north: Tenant, browser: Browser, approval: Approval
) -> None:
    with inside(north):
        Approval.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    late = _decide(browser(north), approval, decision="approve")
    assert late.status_code == 409
    assert "It has expired" in late.content.decode()


@pytest.mark.parametrize(
    "form", [{"comment": "kept words"}, {"decision": "approve", "comment": "kept words" * 300}]
)
def test_a_form_at_fault_keeps_what_was_typed(
    north: Tenant, browser: Browser, approval: Approval, form: dict[str, str]
) -> None:
    answer = _decide(browser(north), approval, **form)
    assert answer.status_code == 422
    assert "kept words" in answer.content.decode()
    with inside(north):
        assert Approval.objects.get().is_pending


def test_viewers_see_why_they_may_not(north: Tenant, browser: Browser, approval: Approval) -> None:
    client = browser(north, role="viewer")
    page = client.get(f"/approvals/{approval.pk}/").content.decode()
    assert "Your role may look at this but not decide it" in page
    assert 'data-testid="approve"' not in page
    assert _decide(client, approval, decision="approve").status_code == 403
    with inside(north):
        assert Approval.objects.get().is_pending


def test_another_tenants_approval_is_not_found(
    south: Tenant, browser: Browser, approval: Approval, member_actor: Actor
) -> None:
    client = browser(south)
    assert client.get(f"/approvals/{approval.pk}/").status_code == 404
    assert _decide(client, approval, decision="approve").status_code == 404
