"""The waiting execution goes on exactly once, whatever n8n answers."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from controlplane.approvals.models import Approval, Waiter
from controlplane.approvals.resume import TOLD_AFTER, resume
from controlplane.approvals.services import decide, request_approval
from controlplane.events import circuit, outbox
from controlplane.events.exceptions.handling import ExceptionResolved, resolve, retry
from controlplane.events.models import Delivery, Event, ExceptionCase, OutboxMessage
from controlplane.events.outbox import NotYet
from controlplane.events.reconciling import reconcile
from controlplane.instances.addresses import ForeignUrl
from controlplane.instances.models import Workspace
from tenants.context import outside
from tenants.models import Tenant
from tests.factories.approvals import make_approval, make_execution_actor, make_order
from tests.factories.events import ADA, make_subscription, make_workspace
from tests.fakes.n8n import FakeN8n, Json

PATH = "/webhook-waiting/71"


@pytest.fixture
def waiter(tenant: Tenant, n8n: FakeN8n) -> Waiter:
    """A person has decided; n8n's execution 71 waits, and goes on when it is called."""
    make_workspace(n8n.url)
    approval = make_approval(url=n8n.url)
    decide(approval_id=approval.pk, decision="approve", comment="", by=ADA)
    n8n.executions["71"] = "waiting"
    n8n.webhooks[PATH] = wakes(n8n)
    return Waiter.objects.get()


def wakes(n8n: FakeN8n) -> Callable[[Json], int]:
    """As n8n's Wait node: the first call goes on, any other finds nothing that waits."""

    def wake(body: Json) -> int:
        if n8n.executions["71"] != "waiting":
            return 409
        n8n.executions["71"] = "success"
        return 200

    return wake


def state(waiter: Waiter) -> str:
    waiter.refresh_from_db()
    return waiter.status


def test_it_goes_on_and_is_told_which_approval(waiter: Waiter, n8n: FakeN8n) -> None:
    resume(waiter.pk)

    (call,) = n8n.called("POST", PATH)
    assert call.body == {"approval_id": str(waiter.approval_id)}
    assert state(waiter) == "resumed"
    assert waiter.resumed_at is not None


def test_asked_again_it_calls_nobody(waiter: Waiter, n8n: FakeN8n) -> None:
    resume(waiter.pk)
    resume(waiter.pk)

    assert len(n8n.called("POST", PATH)) == 1


@pytest.mark.parametrize("status", ["running", "new"])
def test_an_approver_faster_than_n8n_is_waited_for(
    waiter: Waiter, n8n: FakeN8n, status: str
) -> None:
    n8n.executions["71"] = status

    with pytest.raises(NotYet) as caught:
        resume(waiter.pk)
    assert caught.value.seconds is not None
    assert caught.value.seconds <= 1

    n8n.executions["71"] = "waiting"
    resume(waiter.pk)
    assert (state(waiter), n8n.executions["71"]) == ("resumed", "success")


def test_an_execution_that_went_on_otherwise_is_left_alone(waiter: Waiter, n8n: FakeN8n) -> None:
    n8n.executions["71"] = "success"

    resume(waiter.pk)

    assert state(waiter) == "resumed"
    assert not ExceptionCase.objects.exists()


@pytest.mark.parametrize(
    ("status", "failure"),
    [("error", "vanished_run"), ("canceled", "rejected"), ("crashed", "vanished_run"),
     ("", "vanished_run")],
)  # fmt: skip
def test_an_execution_that_ended_untold_is_an_exception(
    waiter: Waiter, n8n: FakeN8n, status: str, failure: str
) -> None:
    """Approved, and nobody is there to act on it: stopped, lost, failed or pruned."""
    n8n.webhooks.clear()
    n8n.executions = {"71": status} if status else {}

    resume(waiter.pk)

    assert state(waiter) == "gone"
    case = ExceptionCase.objects.get()
    assert (case.type, case.execution_id, case.workflow_id) == (failure, "71", "wf1")
    assert "approved" in case.detail


def test_it_is_the_exception_of_its_event_which_is_sent_again(waiter: Waiter, n8n: FakeN8n) -> None:
    """The reconciler finds the same run, and opens no second one."""
    make_subscription(n8n.url)
    Event.objects.update(workflow_id="wf1", execution_id="71")
    Delivery.objects.update(
        status=Delivery.Status.DELIVERED, delivered_at=timezone.now() - timedelta(minutes=5)
    )
    n8n.executions["71"] = "crashed"

    resume(waiter.pk)
    reconcile()

    case = ExceptionCase.objects.get()
    assert (case.subject, case.occurrences) == ("#1001", 1)
    retry(case=case, by=ADA)
    assert Delivery.objects.get().status == "pending"


def test_a_status_that_only_a_later_n8n_knows_is_no_end(waiter: Waiter, n8n: FakeN8n) -> None:
    n8n.executions["71"] = "hibernating"

    with pytest.raises(NotYet):
        resume(waiter.pk)

    assert state(waiter) == "waiting"


def test_an_answer_lost_after_it_went_on_is_settled_by_asking(waiter: Waiter, n8n: FakeN8n) -> None:
    n8n.break_off("POST", PATH, after_effect=True)

    with pytest.raises(NotYet):
        resume(waiter.pk)
    assert state(waiter) == "waiting"
    resume(waiter.pk)

    assert state(waiter) == "resumed"
    assert len(n8n.called("POST", PATH)) == 1


def test_a_call_that_never_arrived_is_made_again(waiter: Waiter, n8n: FakeN8n) -> None:
    n8n.break_off("POST", PATH, after_effect=False)

    with pytest.raises(NotYet, match="did not answer"):
        resume(waiter.pk)
    resume(waiter.pk)

    assert (state(waiter), n8n.executions["71"]) == ("resumed", "success")


def test_while_n8n_is_down_it_waits_and_says_why(waiter: Waiter, n8n: FakeN8n) -> None:
    n8n.refuse("POST", PATH, status=503)
    n8n.refuse("GET", "/executions/71", status=503)

    with pytest.raises(NotYet):
        resume(waiter.pk)

    assert state(waiter) == "waiting"
    assert "503" in waiter.last_error
    resume(waiter.pk)
    assert state(waiter) == "resumed"


def test_an_address_that_is_not_n8ns_any_more_is_not_called(waiter: Waiter, n8n: FakeN8n) -> None:
    Workspace.objects.update(base_url="http://n8n.example", webhook_base_url="http://n8n.example")

    with pytest.raises(NotYet, match="own n8n"):
        resume(waiter.pk)

    assert not n8n.called("POST", PATH)
    assert state(waiter) == "waiting"
    case = ExceptionCase.objects.get()
    assert (case.type, case.area, case.execution_id) == ("connection", "infrastructure", "71")


def carry_out_due() -> None:
    with outside():
        OutboxMessage.objects.update(due_at=timezone.now())
        for message in outbox.claim(limit=10):
            outbox.carry_out(message)


def last_try() -> None:
    with outside():
        OutboxMessage.objects.filter(handler="approvals.resume").update(
            attempts=outbox.MAX_ATTEMPTS - 1
        )


def test_an_address_that_was_put_right_is_tried_again_by_hand(waiter: Waiter, n8n: FakeN8n) -> None:
    Workspace.objects.update(base_url="http://n8n.example", webhook_base_url="http://n8n.example")
    with pytest.raises(NotYet):
        resume(waiter.pk)
    Workspace.objects.update(base_url=n8n.url, webhook_base_url=n8n.url)
    with outside():
        OutboxMessage.objects.all().delete()

    retry(case=ExceptionCase.objects.get(), by=ADA)
    carry_out_due()

    assert state(waiter) == "resumed"
    assert ExceptionCase.objects.get().status == "resolved"
    with pytest.raises(ExceptionResolved):
        retry(case=ExceptionCase.objects.get(), by=ADA)


@pytest.mark.parametrize("what", ["breaks off", "is not there", "does not say"])
def test_a_weekend_without_n8n_loses_no_answer(waiter: Waiter, n8n: FakeN8n, what: str) -> None:
    """However often it was tried: an n8n that does not answer counts towards no end."""
    if what == "breaks off":
        n8n.break_off("POST", PATH, after_effect=False)
    elif what == "is not there":
        n8n.refuse("POST", PATH, status=502)
    else:
        n8n.webhooks[PATH] = lambda _body: 500
        n8n.refuse("GET", "/executions/71", status=500)
    last_try()

    carry_out_due()

    assert state(waiter) == "waiting"
    with outside():
        message = OutboxMessage.objects.get(handler="approvals.resume")
        assert (message.failed_at, message.attempts) == (None, outbox.MAX_ATTEMPTS - 1)
    n8n.webhooks[PATH] = wakes(n8n)
    carry_out_due()
    assert (state(waiter), n8n.executions["71"]) == ("resumed", "success")


def test_an_n8n_that_is_away_is_said_once_and_called_less(waiter: Waiter, n8n: FakeN8n) -> None:
    n8n.break_off("POST", PATH, after_effect=False)
    for _try in range(circuit.FAILURES + 3):
        with pytest.raises(NotYet) as caught:
            resume(waiter.pk)
        assert caught.value.is_waiting
        n8n.break_off("GET", "/executions/71", after_effect=False)

    assert len(n8n.calls) == circuit.FAILURES
    case = ExceptionCase.objects.get()
    assert (case.type, case.status) == ("connection", "open")
    n8n.troubles.clear()
    circuit.close(Workspace.current().instance_id)
    resume(waiter.pk)
    assert state(waiter) == "resumed"


def test_what_keeps_being_refused_is_somebodys_and_well_again_by_itself(
    waiter: Waiter, n8n: FakeN8n
) -> None:
    n8n.webhooks[PATH] = lambda _body: 404
    for _try in range(TOLD_AFTER):
        assert not ExceptionCase.objects.exists()
        with pytest.raises(NotYet):
            resume(waiter.pk)

    assert "404" in ExceptionCase.objects.get().detail
    n8n.webhooks[PATH] = wakes(n8n)
    resume(waiter.pk)
    assert ExceptionCase.objects.get().resolution == "succeeded"


def test_after_the_last_try_somebody_is_told(waiter: Waiter, n8n: FakeN8n) -> None:
    n8n.webhooks[PATH] = lambda _body: 404
    last_try()

    carry_out_due()

    with outside():
        assert OutboxMessage.objects.get(handler="approvals.resume").failed_at
    case = ExceptionCase.objects.get()
    assert (case.type, case.status) == ("connection", "open")
    assert "last time" in case.detail
    n8n.webhooks[PATH] = wakes(n8n)
    retry(case=case, by=ADA)
    carry_out_due()
    assert state(waiter) == "resumed"


def test_what_was_done_by_hand_is_not_told_any_more(waiter: Waiter, n8n: FakeN8n) -> None:
    Workspace.objects.update(base_url="http://n8n.example", webhook_base_url="http://n8n.example")
    with pytest.raises(NotYet):
        resume(waiter.pk)

    resolve(case=ExceptionCase.objects.get(), resolution="by_hand", by=ADA)
    carry_out_due()

    assert state(waiter) == "gone"
    assert not n8n.calls
    assert ExceptionCase.objects.get().status == "resolved"
    with outside():
        assert not OutboxMessage.objects.filter(handler="approvals.resume").exists()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_leads_anywhere(waiter: Waiter, n8n: FakeN8n, status: int) -> None:
    """Not even to another address of the same n8n: only what was stored is called."""
    n8n.webhooks[PATH] = lambda _body: status

    with pytest.raises(NotYet):
        resume(waiter.pk)

    assert [call.path for call in n8n.calls if call.method == "POST"] == [PATH]
    assert state(waiter) == "waiting"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9@169.254.169.254/webhook-waiting/71",
        "http://169.254.169.254/latest/meta-data/#@127.0.0.1:9/webhook-waiting/71",
        "http://127.0.0.1.nip.io:9/webhook-waiting/71",
        "http://localhost:9/webhook-waiting/71",
        "http://2130706433:9/webhook-waiting/71",
        "http://0x7f.0.0.1:9/webhook-waiting/71",
        "http://[::ffff:127.0.0.1]:9/webhook-waiting/71",
        "http://127.0.0.1:9\\@evil.example/webhook-waiting/71",
        "http://127.0.0.1:9/webhook-waiting/../rest/owner",
        "http://127.0.0.1:9/webhook-waiting/%252e%252e/rest",
        "http://127.0.0.1:90/webhook-waiting/71",
        "file:///etc/passwd",
        "gopher://127.0.0.1:9/_x",
    ],
)
def test_a_resume_url_that_points_elsewhere_is_refused_when_it_comes(
    tenant: Tenant, url: str
) -> None:
    """Whatever a name resolves to, the host has to be the workspace's own, letter by letter."""
    make_workspace()
    order = make_order()

    with pytest.raises(ForeignUrl):
        request_approval(
            subject_type="order", subject_id=order.pk, resume_url=url, by=make_execution_actor()
        )
    assert not Approval.objects.exists()
    assert not Waiter.objects.exists()


def test_a_host_that_came_to_mean_another_place_is_called_by_its_name_alone(
    waiter: Waiter, n8n: FakeN8n
) -> None:
    """A row that was changed in the database is held against the workspace once more."""
    for url in ("http://169.254.169.254/x", "http://127.0.0.1:9@169.254.169.254/x"):
        Waiter.objects.filter(pk=waiter.pk).update(resume_url=url)
        with pytest.raises(NotYet, match="own n8n"):
            resume(waiter.pk)
    assert not n8n.calls


def test_the_address_is_kept_encrypted(waiter: Waiter) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT resume_url FROM approvals_waiter")
        assert "webhook-waiting" not in cursor.fetchone()[0]
