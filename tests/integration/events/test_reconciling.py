"""Runs that failed or vanished without a word are found in n8n."""

from datetime import timedelta

import pytest
from django.utils import timezone

from controlplane.events import reconciling
from controlplane.events.models import Delivery, Event, ExceptionCase, LedgerEntry
from controlplane.events.reconciling import reconcile
from tenants.models import Tenant
from tests.factories.events import make_event, make_subscription, make_workspace
from tests.fakes.n8n import FakeN8n


@pytest.fixture(autouse=True)
def _delivered(tenant: Tenant, n8n: FakeN8n) -> None:
    make_workspace(n8n.url)
    make_subscription(n8n.url)
    make_event()
    Event.objects.update(workflow_id="wf1", execution_id="71")
    Delivery.objects.update(
        status=Delivery.Status.DELIVERED, delivered_at=timezone.now() - timedelta(minutes=5)
    )


def test_a_run_that_ended_well_is_not_asked_for_again(n8n: FakeN8n) -> None:
    n8n.executions["71"] = "success"

    assert (reconcile(), reconcile()) == (0, 0)
    assert Delivery.objects.get().reconciled_at
    assert len([call for call in n8n.calls if call.path.endswith("/executions/71")]) == 1


@pytest.mark.parametrize(
    ("status", "failure"),
    [("error", "rejected"), ("crashed", "vanished_run"), ("canceled", "rejected")],
)
def test_a_run_that_failed_is_an_exception(n8n: FakeN8n, status: str, failure: str) -> None:
    n8n.executions["71"] = status

    assert (reconcile(), reconcile()) == (1, 0)
    case = ExceptionCase.objects.get()
    assert (case.type, case.execution_id, case.subject) == (failure, "71", "#1001")


@pytest.mark.parametrize("status", ["running", "waiting", "new"])
def test_a_run_that_goes_on_is_asked_for_again(n8n: FakeN8n, status: str) -> None:
    n8n.executions["71"] = status

    assert reconcile() == 0
    assert Delivery.objects.get().reconciled_at is None


def test_a_run_that_is_gone_and_did_nothing_has_vanished() -> None:
    assert reconcile() == 1
    assert ExceptionCase.objects.get().type == "vanished_run"


def test_a_run_that_is_gone_and_acted_is_taken_as_done() -> None:
    LedgerEntry.objects.create(
        key="key-1:n8n:wf1:71:Review:0:0", operation="order.review", request_sha256="0" * 64
    )

    assert reconcile() == 0
    assert Delivery.objects.get().reconciled_at


def test_a_run_that_only_fetched_its_event_did_nothing() -> None:
    LedgerEntry.objects.create(
        key="key-1:n8n:wf1:71:Fetch:0:0", operation="event.fetch", request_sha256="0" * 64
    )

    assert reconcile() == 1


def test_of_many_runs_those_that_ended_well_are_listed_and_not_asked_for(n8n: FakeN8n) -> None:
    for number in range(2000, 2030):
        event = make_event(number=number)
        Event.objects.filter(pk=event.pk).update(workflow_id="wf1", execution_id=str(number))
        n8n.executions[str(number)] = "success"
    n8n.executions |= {"71": "success", "2007": "crashed"}
    Delivery.objects.update(
        status=Delivery.Status.DELIVERED, delivered_at=timezone.now() - timedelta(minutes=5)
    )

    assert reconcile() == 1

    assert ExceptionCase.objects.get().execution_id == "2007"
    assert not Delivery.objects.filter(reconciled_at=None).exists()
    assert len([call for call in n8n.calls if "/executions/" in call.path]) == 1


def test_an_n8n_that_does_not_answer_is_asked_next_time(n8n: FakeN8n) -> None:
    n8n.refuse("GET", "/api/v1/executions/71", status=500)
    n8n.executions["71"] = "success"

    assert reconcile() == 0
    assert Delivery.objects.get().reconciled_at is None
    reconcile()
    assert Delivery.objects.get().reconciled_at


def test_what_was_delivered_just_now_is_left_alone() -> None:
    Delivery.objects.update(delivered_at=timezone.now())

    assert reconcile() == 0


def later(monkeypatch: pytest.MonkeyPatch, **past: float) -> None:
    """As if so much time had passed since everything was delivered."""
    now = timezone.now() + timedelta(**past)
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)


def test_one_that_crashed_behind_very_many_that_wait_is_found(
    n8n: FakeN8n, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person's answer takes days: those that wait for one keep nobody from being looked at."""
    monkeypatch.setattr(reconciling, "ASKED", 5)
    monkeypatch.setattr(reconciling, "FEW", 100)
    for number in range(2000, 2012):
        event = make_event(number=number)
        Event.objects.filter(pk=event.pk).update(workflow_id="wf1", execution_id=str(number))
        Delivery.objects.filter(event=event).update(
            status=Delivery.Status.DELIVERED,
            delivered_at=timezone.now() - timedelta(hours=5, minutes=number - 2000),
        )
        n8n.executions[str(number)] = "waiting"
    n8n.executions["71"] = "crashed"

    assert sum(reconcile() for _time in range(3)) == 1
    assert ExceptionCase.objects.get().execution_id == "71"


def test_of_very_many_those_that_failed_are_looked_at_first(
    n8n: FakeN8n, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "ASKED", 2)
    monkeypatch.setattr(reconciling, "FEW", 3)
    for number in range(2000, 2006):
        event = make_event(number=number)
        Event.objects.filter(pk=event.pk).update(workflow_id="wf1", execution_id=str(number))
        Delivery.objects.filter(event=event).update(
            status=Delivery.Status.DELIVERED, delivered_at=timezone.now() - timedelta(hours=5)
        )
        n8n.executions[str(number)] = "waiting"
    n8n.executions["71"] = "error"

    assert reconcile() == 1


@pytest.mark.parametrize("status", ["error", "crashed"])
def test_a_run_that_waits_for_weeks_and_then_fails_is_found(
    n8n: FakeN8n, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    n8n.executions["71"] = "waiting"
    for days in (0, 2, 2.5, 2.5, 2.5, 2.5):
        later(monkeypatch, days=days)
        assert reconcile() == 0
    n8n.executions["71"] = status
    later(monkeypatch, days=2)

    assert reconcile() == 1


def test_a_run_that_was_resumed_has_its_time_from_then_on(
    n8n: FakeN8n, monkeypatch: pytest.MonkeyPatch
) -> None:
    n8n.executions["71"] = "waiting"
    n8n.started["71"] = (timezone.now() - timedelta(days=1)).isoformat()
    assert reconcile() == 0
    n8n.executions["71"] = "running"
    later(monkeypatch, hours=1)
    assert reconcile() == 0
    later(monkeypatch, hours=1.5)

    assert reconcile() == 1
    assert ExceptionCase.objects.get().type == "vanished_run"


@pytest.fixture
def uncalled(n8n: FakeN8n) -> Delivery:
    """Its workflow got it by the Pergola Trigger, and called no operation since."""
    Event.objects.update(workflow_id="", execution_id="")
    Delivery.objects.update(claimed_at=timezone.now() - timedelta(minutes=5))
    return Delivery.objects.get()


def ran(n8n: FakeN8n, delivery: Delivery, number: str, status: str, *, names: bool) -> None:
    n8n.executions[number] = status
    assert delivery.claimed_at is not None
    n8n.started[number] = (delivery.claimed_at + timedelta(seconds=1)).isoformat()
    item = {"json": {"delivery_id": str(delivery.pk), "event_id": str(delivery.event_id)}}
    trigger = [{"data": {"main": [[item]]}}]
    failed = {"message": "Cannot read properties of undefined"}
    if names:
        n8n.data_of[number] = {"resultData": {"runData": {"Trigger": trigger}, "error": failed}}


def test_a_run_that_failed_before_it_called_is_found_by_what_n8n_kept_of_it(
    n8n: FakeN8n, uncalled: Delivery
) -> None:
    other = make_event(number=1002)
    Delivery.objects.filter(event=other).update(
        status=Delivery.Status.DELIVERED,
        delivered_at=timezone.now() - timedelta(minutes=5),
        claimed_at=uncalled.claimed_at,
    )
    ran(n8n, uncalled, "88", "error", names=True)
    ran(n8n, uncalled, "89", "error", names=False)

    assert (reconcile(), reconcile()) == (1, 0)

    case = ExceptionCase.objects.get()
    assert (case.execution_id, case.event_id) == ("88", uncalled.event_id)
    assert "undefined" in case.detail


def test_a_run_that_crashed_before_it_called_is_found_by_its_moment(
    n8n: FakeN8n, uncalled: Delivery
) -> None:
    ran(n8n, uncalled, "88", "crashed", names=False)

    assert reconcile() == 1
    assert ExceptionCase.objects.get().type == "vanished_run"


def test_where_the_moment_says_not_whose_a_run_is_nothing_is_concluded(
    n8n: FakeN8n, uncalled: Delivery
) -> None:
    ran(n8n, uncalled, "88", "crashed", names=False)
    ran(n8n, uncalled, "89", "crashed", names=False)

    assert reconcile() == 0
    assert not ExceptionCase.objects.exists()


def test_a_run_of_another_workflow_or_another_time_is_not_taken_for_it(
    n8n: FakeN8n, uncalled: Delivery
) -> None:
    ran(n8n, uncalled, "88", "crashed", names=False)
    n8n.runs_of["88"] = "wf2"
    ran(n8n, uncalled, "89", "crashed", names=False)
    n8n.started["89"] = (timezone.now() - timedelta(hours=2)).isoformat()

    assert reconcile() == 0
