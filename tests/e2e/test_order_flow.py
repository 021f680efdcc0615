"""The first flow in a real n8n: what a shop, a member and an attacker would see."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from controlplane.events.models import Event, Subscription
from controlplane.instances.models import Workspace
from controlplane.instances.services import client_for
from controlplane.orders.models import Order
from deploy.demo.member import MemberClient
from tenants.context import inside
from tests.e2e.flow import post, send, signed
from tests.services import stack

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("tenant", "file", "verdict", "outcome"),
    [
        ("hafen", "eur_small", "accept", "accepted"),
        ("hafen", "test_order", "reject", "rejected"),
        ("prairie", "cancelled", "reject", "rejected"),
    ],
)
def test_a_clear_case_needs_nobody(
    running: Any, eventually: Any, tenant: str, file: str, verdict: str, outcome: str
) -> None:
    sent = send(running.places[tenant], file)
    assert eventually(sent.outcome, what="an outcome") == outcome
    assert sent.order().verdict == verdict
    assert sent.approval() is None
    assert sent.audit("order.reviewed") == 1
    eventually(lambda: sent.execution().status == "success", what="the execution ends")


def test_a_held_order_waits_and_finishes_once_approved(running: Any, eventually: Any) -> None:
    place = running.places["prairie"]
    sent = send(place, "usd_large")
    approval = eventually(sent.waiting, what="n8n waits")
    member = MemberClient(place)
    answer = member.decide(str(approval.pk), "approve", "Credit is fine.")
    member.close()
    assert answer.json()["decided_by"] == place.customer.approver[0]
    assert eventually(sent.outcome) == "accepted"
    eventually(lambda: sent.execution().status == "success", what="the execution ends")
    assert [
        sent.audit(a) for a in ("approval.requested", "approval.approved", "order.accepted")
    ] == [1, 1, 1]


def test_the_same_parameters_differ_by_tenant(running: Any, eventually: Any) -> None:
    """One workflow, one hash; what is fine in Hamburg waits in Chicago."""
    here, there = (send(running.places[slug], "eur_small") for slug in ("hafen", "prairie"))
    assert eventually(here.outcome) == "accepted"
    assert eventually(there.approval).is_pending
    member = MemberClient(running.places["prairie"])
    member.decide(str(there.approval().pk), "reject", "").raise_for_status()
    member.close()
    assert eventually(there.outcome) == "rejected"


def test_a_replayed_body_is_one_event_and_one_execution(running: Any, eventually: Any) -> None:
    place = running.places["hafen"]
    sent = send(place)
    for number in range(5):
        answer = post(place, sent.body, signed(place, sent.body, webhook_id=f"again-{number}"))
        assert (answer.status_code, answer.json()["duplicate"]) == (200, True)
        assert answer.json()["event_id"] == sent.event_id
    assert eventually(sent.outcome) == "accepted"
    assert sent.event().duplicates == 5
    assert sent.audit("order.reviewed") == 1


def test_a_changed_byte_is_refused_and_nothing_kept(running: Any) -> None:
    place = running.places["hafen"]
    body = b'{"id": 1, "name": "#changed-byte"}'
    answer = post(place, body.replace(b"1", b"2"), signed(place, body))
    assert (answer.status_code, answer.json()["code"]) == (401, "signature_invalid")
    with inside(place.tenant):
        assert not Event.objects.filter(subject="#changed-byte").exists()


def test_twice_and_from_two_windows_is_one_decision(running: Any, eventually: Any) -> None:
    place = running.places["prairie"]
    sent = send(place, "usd_large")
    approval = eventually(sent.waiting)
    windows = [MemberClient(place) for _window in range(2)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(lambda window: window.decide(str(approval.pk), "approve", ""), windows * 2)
        )
    for window in windows:
        window.close()
    assert {answer.status_code for answer in answers} == {200}
    assert eventually(sent.outcome) == "accepted"
    assert sent.audit("approval.approved") == 1
    assert sent.audit("order.accepted") == 1


def test_n8n_down_between_hold_and_approval_still_finishes_once(
    running: Any, eventually: Any
) -> None:
    place = running.places["prairie"]
    sent = send(place, "usd_large")
    approval = eventually(sent.waiting)
    stack.n8n.stop(stack.n8n.running())
    member = MemberClient(place)
    assert member.decide(str(approval.pk), "approve", "While n8n is down.").is_success
    member.close()
    eventually(lambda: any(w.attempts for w in sent.waiters()), what="a first try to resume")
    assert sent.outcome() == ""
    stack.restart_n8n()
    assert eventually(sent.outcome, within=90, what="the outcome after the restart") == "accepted"
    eventually(lambda: sent.execution().status == "success")
    assert sent.audit("order.accepted") == 1
    assert [waiter.status for waiter in sent.waiters()] == ["resumed"]
    # The triggers came back too.
    assert eventually(send(running.places["hafen"]).outcome) == "accepted"


def test_a_forged_call_to_the_webhook_ends_where_it_fetches(running: Any, eventually: Any) -> None:
    place = running.places["hafen"]
    with inside(place.tenant):
        subscription = Subscription.objects.listening().get(
            is_test=False, event_types=["order.created"]
        )
        before = _done_here()
        with client_for(Workspace.current()) as n8n:
            known = {run.id for run in n8n.list_executions(workflow_id=subscription.workflow_id)}
    forged = [{}, {"delivery_id": "0198", "token": "x"}, {"event_id": "x", "verdict": "accept"}]
    for body in forged:
        httpx.post(subscription.webhook_url, json=body, trust_env=False)

    def ended() -> list[Any]:
        with inside(place.tenant), client_for(Workspace.current()) as n8n:
            found = n8n.list_executions(workflow_id=subscription.workflow_id)
        ended = [run for run in found if run.id not in known and run.has_ended]
        return ended if len(ended) == len(forged) else []

    assert {run.status for run in eventually(ended, what="the forged runs end")} == {"error"}
    with inside(place.tenant):
        assert _done_here() == before


def _done_here() -> tuple[int, int]:
    return Event.objects.count(), Order.objects.count()


def test_a_forged_resume_decides_nothing(running: Any, eventually: Any) -> None:
    place = running.places["prairie"]
    sent = send(place, "usd_large")
    approval = eventually(sent.waiting)
    [waiter] = sent.waiters()
    body = {"approval_id": str(approval.pk), "status": "approved"}
    answer = httpx.post(waiter.resume_url, json=body, trust_env=False)
    assert answer.status_code == 409
    assert sent.execution().status == "waiting"
    member = MemberClient(place)
    member.decide(str(approval.pk), "reject", "").raise_for_status()
    member.close()
    assert eventually(sent.outcome) == "rejected"


def test_odd_orders_end_in_a_verdict(running: Any, eventually: Any) -> None:
    """Each is judged or held; none is lost, and none crashes the flow."""
    place = running.places["hafen"]
    address = {"country_code": "DE", "city": "Köln", "address1": "Straße 1"}
    odd = {
        "no shipping address": send(place, shipping_address=None),
        "no lines": send(place, line_items=[]),
        "numbers for texts": send(place, "numeric_amounts"),
        "yen": send(place, "jpy"),
        "200 lines": send(
            place,
            line_items=[
                {"id": n, "title": f"Teil {n}", "sku": f"T-{n}", "quantity": 1, "price": "0.10"}
                for n in range(200)
            ],
            shipping_address=address,
        ),
        "refunded": send(place, "refunded"),
        "non-ASCII": send(place, note="日本語 🧾 ẞ", shipping_address=address),
    }
    for what, sent in odd.items():
        order = eventually(lambda sent=sent: (o := sent.order()) and o.verdict and o, what=what)
        assert order.verdict in {"accept", "hold", "reject"}, what
    assert odd["no lines"].order().verdict == "hold"
    assert odd["yen"].order().verdict == "hold"


def test_no_secret_of_the_customer_reaches_n8n(running: Any, eventually: Any) -> None:
    """n8n's execution data holds references: neither the order's buyer nor the shop's secret."""
    place = running.places["hafen"]
    sent = send(place, email="canary-buyer@example.com")
    eventually(sent.outcome)
    eventually(lambda: sent.execution().status == "success")
    data = str(sent.execution().data)
    assert "canary-buyer" not in data
    assert place.secrets["shopify"] not in data
