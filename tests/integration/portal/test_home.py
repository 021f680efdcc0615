"""The first page counts what waits, what failed and what was decided, and leads there."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from controlplane.approvals.models import Approval
from controlplane.core.models import new_id
from controlplane.events.models import ExceptionCase
from controlplane.policies.models import Decision
from controlplane.portal.overview import overview
from tenants.context import inside
from tenants.models import Tenant

Browser = Callable[..., Client]


def decided(verdict: str, days_ago: float = 0) -> Decision:
    return Decision.objects.create(
        context="order", subject_type="order", subject_id=new_id(), verdict=verdict,
        input_sha256="", decided_at=timezone.now() - timedelta(days=days_ago),
    )  # fmt: skip


@pytest.fixture
def filled(north: Tenant) -> None:
    now = timezone.now()
    with inside(north):
        for title in ("One", "Two"):
            Approval.objects.create(
                subject_type="order", subject_id=new_id(), title=title,
                expires_at=now + timedelta(hours=1),
            )  # fmt: skip
        Approval.objects.create(
            subject_type="order", subject_id=new_id(), title="Past", status="approved",
            decided_at=now, expires_at=now,
        )  # fmt: skip
        for verdict, count in (("accept", 4), ("hold", 2), ("reject", 1)):
            for _each in range(count):
                decided(verdict)
        decided("hold", days_ago=8)


def test_it_counts_and_leads_to_the_lists(north: Tenant, browser: Browser, filled: None) -> None:
    client = browser(north)
    page = client.get("/").content.decode()
    assert "2 wait for people" in page
    assert "0 are open" in page
    assert 'class="bar-received" width="100.00"' in page
    assert 'class="bar-tolerated" width="50.00"' in page
    assert "7 decisions in all" in page
    assert 'href="/approvals/"' in page
    assert 'href="/exceptions/"' in page
    address = "/decisions/?status=hold&days=7"
    assert address.replace("&", "&amp;") in page
    shown = client.get(address)
    assert shown.context["listing"].page.paginator.count == 2
    assert client.get("/decisions/?status=hold").context["listing"].page.paginator.count == 3
    assert client.get("/decisions/?days=odd").context["listing"].page.paginator.count == 8


def test_it_asks_as_often_however_much_there_is(
    north: Tenant, filled: None, django_assert_num_queries: Any
) -> None:
    with inside(north), django_assert_num_queries(4):  # one of them enters the tenant
        found = overview()
    assert (found.approvals, found.exceptions, found.late, found.decisions) == (2, 0, 0, 7)


def test_an_exception_past_its_time_is_said(north: Tenant, browser: Browser) -> None:
    with inside(north):
        ExceptionCase.objects.create(
            type="timeout", subject="order:1", summary="It took too long.",
            due_at=timezone.now() - timedelta(minutes=1),
        )  # fmt: skip
    page = browser(north).get("/").content.decode()
    assert "1 is open" in page
    assert "1 of them is past its time" in page
    assert "/exceptions/?status=overdue" in page


def test_it_opens_with_nothing_to_count(north: Tenant, browser: Browser) -> None:
    page = browser(north).get("/").content.decode()
    assert "0 wait for people" in page
    assert "Nothing is held at the moment." in page


def test_another_tenants_work_is_not_counted(
    north: Tenant, south: Tenant, browser: Browser, filled: None
) -> None:
    assert "0 wait for people" in browser(south).get("/").content.decode()
