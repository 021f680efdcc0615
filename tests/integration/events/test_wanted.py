"""A trigger that wants some events only, and an editor that tries it with one that came in."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from controlplane.events import outbox
from controlplane.events.delivery import deliver
from controlplane.events.models import Delivery, Event, Subscription
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.events import make_event, make_source, make_subscription, make_workspace
from tests.fakes.n8n import FakeN8n

PATH = "/webhook/orders"


@pytest.fixture
def claim(north: Tenant, n8n: FakeN8n, machine: Callable[..., Client]) -> Callable[..., Any]:
    """Offer n8n an order #1001 of the source “shop”, and fetch it as the trigger does."""
    client = machine(north)
    with inside(north):
        make_workspace(n8n.url)

    def claim(**wanted: Any) -> Any:
        with inside(north):
            make_subscription(n8n.url)
            make_event()
            n8n.webhooks[PATH] = lambda body: 200
            with pytest.raises(outbox.NotYet):
                deliver(Delivery.objects.latest("created_at").pk)
        body = n8n.called("POST", PATH)[-1].body
        path = f"/api/v1/deliveries/{body['delivery_id']}/claim"
        return client.post(path, {"token": body["token"], **wanted}, "application/json")

    return claim


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"sources": ["shop", "other"]},
        {"subject": "#10*"},
        {"sources": ["shop"], "subject": "*"},
    ],
)
def test_a_wanted_event_is_fetched(claim: Callable[..., Any], wanted: dict[str, Any]) -> None:
    answer = claim(**wanted)

    assert (answer.status_code, answer.json()["subject"]) == (200, "#1001")


@pytest.mark.parametrize("wanted", [{"sources": ["other"]}, {"subject": "#2*"}])
def test_another_event_starts_nothing_and_is_not_sent_again(
    claim: Callable[..., Any], north: Tenant, wanted: dict[str, Any]
) -> None:
    answer = claim(**wanted)

    assert (answer.status_code, answer.content) == (204, b"")
    with inside(north):
        assert Delivery.objects.get().status == Delivery.Status.DELIVERED
        assert Event.objects.get().execution_id == ""


def listen(client: Client, n8n: FakeN8n, **given: Any) -> Any:
    body = {
        "webhook_url": f"{n8n.url}/webhook-test/x", "event_types": ["order.created"], "test": True,
        "offer": "newest",
    } | given  # fmt: skip
    return client.put("/api/v1/subscriptions", body, "application/json")


@pytest.fixture
def editor(north: Tenant, n8n: FakeN8n, machine: Callable[..., Client]) -> Client:
    with inside(north):
        make_workspace(n8n.url)
        make_subscription(n8n.url)
        for number in (1, 2, 3):
            make_event(make_source(f"shop-{number}"), number=number)
    return machine(north)


def offered_to_the_editor(tenant: Tenant) -> list[str]:
    with inside(tenant):
        found = Subscription.objects.get(is_test=True).deliveries.select_related("event")
        return [delivery.event.subject for delivery in found]


@pytest.mark.parametrize(
    ("wanted", "subjects"),
    [
        ({}, ["#3"]),
        ({"sources": ["shop-1", "shop-2"]}, ["#2"]),
        ({"subject": "#1*"}, ["#1"]),
        ({"subject": "#9"}, []),
        ({"event_types": ["order.updated"]}, []),
        ({"offer": ""}, []),
        ({"test": False}, None),
    ],
)
def test_an_editor_gets_the_newest_event_that_the_trigger_would_get(
    editor: Client, north: Tenant, n8n: FakeN8n, wanted: dict[str, Any], subjects: Any
) -> None:
    assert listen(editor, n8n, **wanted).status_code == 200

    if subjects is not None:
        assert offered_to_the_editor(north) == subjects
    else:
        with inside(north):
            assert Delivery.objects.count() == 3


def test_an_editor_that_listens_once_more_gets_the_newest_once_more(
    editor: Client, north: Tenant, n8n: FakeN8n
) -> None:
    for _time in range(2):
        answer = listen(editor, n8n, workflow_id="wf9")
        assert (answer.status_code, offered_to_the_editor(north)) == (200, ["#3"])
        path = f"/api/v1/subscriptions/{answer.json()['subscription_id']}"
        assert editor.delete(path).status_code == 204


def test_what_an_editor_gets_is_marked_a_test(editor: Client, north: Tenant, n8n: FakeN8n) -> None:
    listen(editor, n8n)
    n8n.webhooks["/webhook-test/x"] = lambda body: 200
    with inside(north), pytest.raises(outbox.NotYet):
        deliver(Subscription.objects.get(is_test=True).deliveries.get().pk)
    body = n8n.called("POST", "/webhook-test/x")[-1].body

    path = f"/api/v1/deliveries/{body['delivery_id']}/claim"
    fetched = editor.post(path, {"token": body["token"]}, "application/json").json()

    assert (fetched["subject"], fetched["test"]) == ("#3", True)
