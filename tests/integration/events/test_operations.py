"""The nodes about events and exceptions, through their endpoints."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from controlplane.events.models import Delivery, Event, ExceptionCase
from tenants.context import inside
from tenants.models import Tenant
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
