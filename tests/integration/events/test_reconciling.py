"""Runs that failed or vanished without a word are found in n8n."""

from datetime import timedelta

import pytest
from django.utils import timezone

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
