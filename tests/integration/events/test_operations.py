"""The nodes about events and exceptions, through their endpoints."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from controlplane.events.models import Delivery, Event, ExceptionCase
from tenants.context import inside
from tenants.models import Member, Tenant
from tests.factories.events import make_event, make_subscription, make_workspace


@pytest.fixture
def call(north: Tenant, machine: Callable[..., Client]) -> Callable[..., Any]:
    client = machine(north)

    def call(operation: str, **data: Any) -> Any:
        return client.post(f"/api/v1/operations/{operation}", data, "application/json")

    return call


@pytest.fixture
def event(north: Tenant) -> Event:
    with inside(north):
        make_workspace()
        make_subscription()
        return make_event()


def test_an_event_is_read_and_found(call: Callable[..., Any], event: Event) -> None:
    read = call("event/get", event_id=str(event.pk), cloudevent=True).json()
    found = call("event/list", type="order.created", subject="#1001").json()["events"]

    assert read["payload"]["name"] == "#1001"
    assert read["cloudevent"]["data"] == read["payload"]
    assert [one["event_id"] for one in found] == [str(event.pk)]
    assert call("event/list", type="order.updated").json()["events"] == []


def test_listed_events_are_cloudevents_too_where_asked(
    call: Callable[..., Any], event: Event
) -> None:
    (shown,) = call("event/list", cloudevents=True).json()["cloudevents"]

    assert (shown["specversion"], shown["id"]) == ("1.0", str(event.pk))
    assert shown["type"] == "pergola.order.created"
    assert "data" not in shown
    assert call("event/list").json()["cloudevents"] == []


@pytest.mark.parametrize("moment", ["the same", "its own"])
def test_events_come_in_pages_that_shift_by_nothing(
    call: Callable[..., Any], event: Event, moment: str
) -> None:
    def add(number: int) -> None:
        at = event.received_at + timedelta(seconds=0 if moment == "the same" else number)
        Event.objects.create(
            source_id=event.source_id, type="order.updated", external_id=f"p{number}",
            subject="pages", body="{}", body_sha256=f"{number:064}", received_at=at,
        )  # fmt: skip

    with inside(current := Tenant.objects.get(slug="north")):
        for number in range(5):
            add(number)
    first = call("event/list", subject="pages", limit=2).json()
    with inside(current):
        add(7)
    found, page = list(first["events"]), first
    while page["next_page"]:
        page = call("event/list", subject="pages", limit=2, after=page["next_page"]).json()
        found += page["events"]

    assert len({one["event_id"] for one in found}) == len(found) == 5


@pytest.mark.parametrize("after", ["nonsense", "bm9uc2Vuc2U", "\u00e9", "9" * 120])
@pytest.mark.parametrize("operation", ["event/list", "exception/list", "decision/list"])
def test_a_page_that_is_none_names_the_field(
    call: Callable[..., Any], operation: str, after: str
) -> None:
    answer = call(operation, after=after)
    assert (answer.status_code, answer.json()["code"]) == (400, "page_unknown")
    assert answer.json()["errors"][0]["field"] == "after"


def test_exceptions_come_in_pages_the_soonest_due_first(
    call: Callable[..., Any], north: Tenant
) -> None:
    for number in range(3):
        call("exception/open", type="missing_data", subject=f"#{number}", summary="No address")

    first = call("exception/list", limit=2).json()
    rest = call("exception/list", limit=2, after=first["next_page"]).json()

    due = [one["due_at"] for one in (*first["exceptions"], *rest["exceptions"])]
    assert (len(due), due) == (3, sorted(due))
    assert rest["next_page"] == ""


def test_an_event_is_emitted_once(call: Callable[..., Any], north: Tenant) -> None:
    given = {"type": "message.received", "subject": "A", "payload": {"a": 1}, "external_id": "7"}

    first, again = call("event/emit", **given).json(), call("event/emit", **given).json()

    assert (first["duplicate"], again["duplicate"]) == (False, True)
    assert first["event_id"] == again["event_id"]
    assert call("event/emit", **given | {"type": "nonsense"}).status_code == 422


def test_an_exceptions_life(call: Callable[..., Any], event: Event, north: Tenant) -> None:
    opened = call(
        "exception/open", type="missing_data", summary="No VAT ID", event_id=str(event.pk)
    ).json()
    case = {"exception_id": opened["exception_id"]}

    assert (opened["status"], opened["area"], opened["subject"]) == ("open", "support", "#1001")
    assert call("exception/assign", **case, assignee="Grace").json()["assignee"] == "Grace"
    assert call("exception/comment", **case, text="Asked the customer").status_code == 200
    assert call("exception/get", **case).json()["assignee"] == "Grace"
    with inside(north):
        assert ExceptionCase.objects.get().assignee_id == ""  # a team's name
    assert call("exception/retry", **case).json()["status"] == "retrying"
    assert len(call("exception/list", type="missing_data").json()["exceptions"]) == 1
    assert call("exception/resolve", **case, text="Got it").json()["resolution"] == "by_hand"
    assert call("exception/list").json()["exceptions"] == []
    assert call("exception/retry", **case).json()["code"] == "exception_resolved"
    with inside(north):
        assert ExceptionCase.objects.get().notes.count() == 5
        assert Delivery.objects.get().status == "pending"


def test_the_same_failure_again_is_the_same_exception(call: Callable[..., Any]) -> None:
    first, again = (call("exception/open", summary="No VAT ID").json() for _time in range(2))

    assert first["exception_id"] == again["exception_id"]
    assert again["occurrences"] == 2


def test_what_is_not_there_is_said(call: Callable[..., Any]) -> None:
    nobodys = "00000000-0000-4000-8000-000000000000"

    assert call("exception/get", exception_id=nobodys).json()["code"] == "exception_unknown"
    assert call("event/get", event_id=nobodys).json()["code"] == "event_unknown"


@pytest.mark.parametrize("name", ["ada@example.com", "ID", "ada lovelace"])
def test_an_exception_is_given_to_a_member_who_finds_it_among_their_own(
    call: Callable[..., Any],
    event: Event,
    north: Tenant,
    make_member: Callable[..., Member],
    name: str,
) -> None:
    ada = make_member(north).user
    ada.first_name, ada.last_name, ada.email = "Ada", "Lovelace", "ada@example.com"
    ada.save()
    case = call("exception/open", summary="No VAT ID", event_id=str(event.pk)).json()
    named = str(ada.pk) if name == "ID" else name

    done = call("exception/assign", exception_id=case["exception_id"], assignee=named)

    assert done.json()["assignee"] == "Ada Lovelace"
    with inside(north):
        assert ExceptionCase.objects.get().assignee_id == str(ada.pk)


@pytest.mark.parametrize("name", ["nobody@example.com", "99999999"])
def test_an_address_that_is_nobodys_is_an_error_at_the_field(
    call: Callable[..., Any], event: Event, name: str
) -> None:
    case = call("exception/open", summary="No VAT ID", event_id=str(event.pk)).json()

    answer = call("exception/assign", exception_id=case["exception_id"], assignee=name)

    assert (answer.status_code, answer.json()["code"]) == (422, "assignee_unknown")
    assert answer.json()["errors"][0]["field"] == "assignee"
