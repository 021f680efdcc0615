"""Whoever opens customer data leaves an entry: one for a person, a subject and an hour."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from controlplane.audit.models import Entry
from controlplane.audit.services import verify_chain
from controlplane.core.errors import DomainError
from tenants import payload_access
from tenants.context import inside
from tenants.models import Member, Tenant
from tests.factories.approvals import make_approval, make_order
from tests.factories.events import make_workspace
from tests.factories.invoices import make_invoice
from tests.factories.support_access import make_entry

Browser = Callable[..., Client]


def opened(tenant: Tenant) -> list[tuple[str, str, str]]:
    with inside(tenant):
        return [
            (e.actor_label, e.subject_type, e.subject_id)
            for e in Entry.objects.filter(action="payload.opened")
        ]


def test_one_entry_for_a_person_a_subject_and_an_hour(north: Tenant, browser: Browser) -> None:
    with inside(north):
        first, second = make_order(1001), make_order(1002)
    ada, bob = browser(north, name="ada"), browser(north, name="bob")
    for client in (ada, ada, bob):
        assert client.get(f"/orders/{first.pk}/").status_code == 200
    ada.get(f"/orders/{second.pk}/")
    ada.get("/orders/?q=1001")
    ada.get("/orders/")

    assert opened(north) == [
        ("ada-north", "order", str(first.pk)),
        ("bob-north", "order", str(first.pk)),
        ("ada-north", "order", str(second.pk)),
        ("ada-north", "page", "orders:list"),
    ]
    with inside(north):
        assert verify_chain().broken_at is None
        assert Entry.objects.filter(action="payload.opened")[0].data["kinds"]


def test_an_hour_later_there_is_another(
    north: Tenant, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    from django.utils import timezone

    with inside(north):
        order = make_order()
    ada = browser(north)
    ada.get(f"/orders/{order.pk}/")
    later = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr(payload_access.timezone, "now", lambda: later)
    ada.get(f"/orders/{order.pk}/")

    assert len(opened(north)) == 2


def test_pages_without_customer_data_leave_none(north: Tenant, browser: Browser) -> None:
    ada = browser(north, role=Member.Role.MANAGER)
    for page in ("/installations/", "/members/", "/keys/", "/data/", "/orders/"):
        assert ada.get(page).status_code == 200, page

    assert opened(north) == []


def test_what_was_refused_or_not_found_leaves_none(north: Tenant, browser: Browser) -> None:
    import uuid

    browser(north).get(f"/orders/{uuid.uuid4()}/")

    assert opened(north) == []


def test_the_api_of_members_counts_too(north: Tenant, browser: Browser) -> None:
    with inside(north):
        make_workspace()
        approval = make_approval()
    browser(north).get(f"/api/v1/approvals/{approval.pk}")

    assert opened(north) == [("ada-north", "approval", str(approval.pk))]


def test_a_machine_leaves_one_for_a_key_what_it_asked_and_an_hour(
    north: Tenant, machine: Callable[..., Client]
) -> None:
    """As of a leaked key: which operations were asked with it, not each of a thousand rows."""
    with inside(north):
        make_workspace()
        orders = [make_order(1001), make_order(1002)]
    leaked = machine(north, scopes=["decisions:read", "events:read"])
    for order in (*orders, orders[0]):
        for operation, sent in (
            ("decision/get", {"decision_id": str(order.decision_id)}),
            ("event/get", {"event_id": str(order.event_id)}),
        ):
            answer = leaked.post(f"/api/v1/operations/{operation}", sent, "application/json")
            assert answer.status_code == 200, answer.content
    leaked.post("/api/v1/operations/decision/get", {"decision_id": "no"}, "application/json")

    assert opened(north) == [
        ("test key", "operation", "decision.get"),
        ("test key", "operation", "event.get"),
    ]
    with inside(north):
        entry = Entry.objects.filter(action="payload.opened")[0]
        assert entry.actor_kind == "machine"
        assert "Decision" in entry.data["kinds"]


def test_what_a_machine_lists_is_told(north: Tenant, machine: Callable[..., Client]) -> None:
    with inside(north):
        make_workspace()
        make_invoice()
    client = machine(north, scopes=["invoices:read"])
    for _n in range(2):
        assert client.get("/api/v1/invoices").status_code == 200

    assert opened(north) == [("test key", "api", "api/v1/invoices")]


def test_a_visit_of_support_leaves_one_by_the_visitors_own_name(north: Tenant) -> None:
    grace = User.objects.create_superuser("grace", "grace@pergola.example", first_name="Grace")
    make_entry(grace, north)
    client = Client(headers={"host": "localhost"})
    client.force_login(grace, "django.contrib.auth.backends.ModelBackend")
    with inside(north):
        order = make_order()
    for _n in range(2):
        page = client.get(f"/t/north/admin/orders/order/{order.pk}/change/")
        assert page.status_code == 200
    client.get("/t/north/admin/orders/order/")

    assert opened(north) == [
        ("Grace (platform support)", "orders_order", str(order.pk)),
        ("Grace (platform support)", "page", "admin:orders_order_changelist"),
    ]


def test_nothing_is_shown_where_the_entry_cannot_be_written(
    north: Tenant, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(DomainError):
        code = "full"

    def fail(**_: Any) -> None:
        raise Full("The disk is full.")

    with inside(north):
        order = make_order()
    ada = browser(north)
    monkeypatch.setattr(payload_access, "record", fail)
    with pytest.raises(Full):
        ada.get(f"/orders/{order.pk}/")
    monkeypatch.undo()

    assert ada.get(f"/orders/{order.pk}/").status_code == 200
    assert len(opened(north)) == 1


def test_without_a_cache_there_is_rather_one_more(
    north: Tenant, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Away:
        def add(self, *_: Any, **__: Any) -> None:
            raise ConnectionError

    with inside(north):
        order = make_order()
    ada = browser(north)
    monkeypatch.setattr(payload_access, "cache", Away())
    for _n in range(2):
        ada.get(f"/orders/{order.pk}/")

    assert len(opened(north)) == 2
