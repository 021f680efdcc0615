"""One event's page, and a source's list of them: found, sorted, and read by who may."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from controlplane.audit.models import Entry
from controlplane.events import delivery
from controlplane.events.exceptions import handling
from controlplane.events.models import Delivery, Event, ExceptionCase
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.approvals import make_order
from tests.factories.approvers import make_partner, make_person
from tests.factories.events import ADA, make_event, make_source, make_subscription, make_workspace

Browser = Callable[..., Client]
HOSTILE = "<script>alert(1)</script>"
# Who it is and where, the event, its deliveries, what it became, what was decided, what went wrong,
# its other revisions, and that it was looked at.
QUERIES = 22


@pytest.fixture
def event(north: Tenant) -> Event:
    with inside(north):
        make_workspace()
        make_subscription()
        make_order(note=HOSTILE)
        Event.objects.update(execution_id="71", workflow_id="wf1")
        Delivery.objects.update(last_error="n8n answered 500", failure="rejected", attempts=3)
        delivery.give_up(Delivery.objects.get().pk)
        return Event.objects.get()


@pytest.fixture
def ada(north: Tenant, browser: Browser) -> Client:
    return browser(north, role="manager")


def test_a_page_shows_where_it_came_from_and_what_became_of_it(
    ada: Client, event: Event, north: Tenant
) -> None:
    page = ada.get(f"/events/{event.pk}/").text

    for said in ("#1001", "n8n answered 500", "3 tries", "workflow wf1", "run 71", "Given up",
                 "X-Shopify-Topic", "Hafenstraße"):  # fmt: skip
        assert said in page, said
    assert HOSTILE not in page
    with inside(north):
        case = ExceptionCase.objects.get()
    for address in (f"/exceptions/{case.pk}/", "/decisions/", "/orders/", "/sources/shop/"):
        assert f'href="{address}' in page, address


def test_it_is_reached_from_its_source_and_its_exception(
    ada: Client, event: Event, north: Tenant
) -> None:
    with inside(north):
        case = ExceptionCase.objects.get()
    address = f'href="/events/{event.pk}/"'

    assert address in ada.get("/sources/shop/").text
    assert address in ada.get(f"/exceptions/{case.pk}/").text


def test_revisions_lead_to_one_another(ada: Client, event: Event, north: Tenant) -> None:
    with inside(north):
        handling.edit_and_retry(case=ExceptionCase.objects.get(), body='{"name": "x"}', by=ADA)
        second = Event.objects.get(revision=2)

    assert f"/events/{second.pk}/" in ada.get(f"/events/{event.pk}/").text
    assert f"/events/{event.pk}/" in ada.get(f"/events/{second.pk}/").text


def test_who_looks_into_it_is_in_the_audit_trail(ada: Client, event: Event, north: Tenant) -> None:
    ada.get(f"/events/{event.pk}/")

    with inside(north):
        entry = Entry.objects.get(action="payload.opened", subject_type="event")
    assert entry.subject_id == str(event.pk)


def test_who_may_not_see_customer_data_sees_how_it_went(event: Event, north: Tenant) -> None:
    person = make_person(north, "pat", partner=make_partner(north, "acme", {"automation"}))
    client = Client(headers={"host": north.host})
    client.force_login(User.objects.get(pk=person.id), "django.contrib.auth.backends.ModelBackend")

    page = client.get(f"/events/{event.pk}/").text

    assert "Given up" in page
    assert "n8n answered 500" in page
    for hidden in ("Hafenstraße", "#1001", "X-Shopify-Topic", 'data-testid="body"'):
        assert hidden not in page, hidden
    with inside(north):
        assert not Entry.objects.filter(action="payload.opened").exists()


def test_another_tenants_is_not_there(browser: Browser, event: Event, south: Tenant) -> None:
    assert browser(south, role="manager").get(f"/events/{event.pk}/").status_code == 404


def test_a_sources_events_are_searched_and_sorted(ada: Client, north: Tenant) -> None:
    with inside(north):
        source = make_source()
        for number in (1001, 1002, 1003):
            make_event(source, number=number)

    def shown(query: str, **headers: str) -> list[str]:
        return re.findall(r"#100\d", ada.get(f"/sources/shop/{query}", headers=headers).text)

    assert shown("?sort=subject") == ["#1001", "#1002", "#1003"]
    assert shown("?sort=-subject") == ["#1003", "#1002", "#1001"]
    assert shown("?q=1002") == ["#1002"]
    part = ada.get("/sources/shop/?q=1002", headers={"HX-Request": "true"})
    assert "<html" not in part.text
    assert "#1002" in part.text
    assert "Nothing fits" in ada.get("/sources/shop/?q=nothing").text


def test_queries_of_the_page(
    ada: Client, event: Event, django_assert_max_num_queries: Callable[..., object]
) -> None:
    with django_assert_max_num_queries(QUERIES):  # type: ignore[attr-defined]
        ada.get(f"/events/{event.pk}/")
