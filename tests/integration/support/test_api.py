"""Tickets through the JSON door: handed in, looked at, and the node operations."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from controlplane.support import model_in_use
from controlplane.support.models import Ticket
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.support import make_answer, make_ticket, make_triaged

BODY = {
    "subject": "Refund",
    "body": "When do I get my money back?",
    "requester": {"name": "Kaja", "email": "kaja@example.com"},
    "external_id": "F-1",
    "language": "en",
}


@pytest.fixture(autouse=True)
def _words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_in_use.embedding, "available", lambda: False)


def operation(client: Client, name: str, body: dict[str, Any], **headers: str) -> Any:
    return client.post(
        f"/api/v1/operations/ticket/{name}", body, "application/json", headers=headers
    )


def test_a_ticket_is_handed_in_once(north: Tenant, machine: Callable[..., Client]) -> None:
    client = machine(north)

    first = client.post("/api/v1/tickets", BODY, "application/json")
    again = client.post("/api/v1/tickets", BODY, "application/json")

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() | {"duplicate": True} == again.json()
    assert first.json()["number"] == "T-1001"
    found = client.get("/api/v1/tickets?status=new").json()["results"]
    assert [ticket["number"] for ticket in found] == ["T-1001"]
    one = client.get(f"/api/v1/tickets/{first.json()['ticket_id']}").json()
    assert (one["channel"], one["language"], one["requester_email"]) == (
        "api", "en", "kaja@example.com",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"requester": {"email": "nobody"}}, "requester.email"),
        ({"language": "English"}, "language"),
        ({"colour": "green"}, "colour"),
        ({"body": "x" * 50_001}, "body"),
    ],
)
def test_what_is_wrong_is_said(
    north: Tenant, machine: Callable[..., Client], change: dict[str, Any], field: str
) -> None:
    answer = machine(north).post("/api/v1/tickets", BODY | change, "application/json")

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def test_a_key_needs_the_scope_and_a_member_the_role(
    north: Tenant, machine: Callable[..., Client], browser: Callable[..., Client]
) -> None:
    poor = machine(north, scopes=["tickets:triage"])
    assert poor.post("/api/v1/tickets", BODY, "application/json").status_code == 403
    assert poor.get("/api/v1/tickets").status_code == 403

    viewer = browser(north, role="viewer", name="vic")
    assert viewer.get("/api/v1/tickets").status_code == 200
    assert viewer.post("/api/v1/tickets", BODY, "application/json").status_code == 403

    approver = browser(north, role="approver", name="ada")
    assert approver.post("/api/v1/tickets", BODY, "application/json").status_code == 202


def test_whoever_hands_in_sees_no_tickets_and_the_other_way_round(
    north: Tenant, machine: Callable[..., Client]
) -> None:
    form = machine(north, scopes=["tickets:submit"])
    made = form.post("/api/v1/tickets", BODY, "application/json")
    assert made.status_code == 202
    one = f"/api/v1/tickets/{made.json()['ticket_id']}"
    assert form.get("/api/v1/tickets").status_code == 403
    assert form.get(one).status_code == 403

    report = machine(north, scopes=["tickets:read"])
    assert report.get("/api/v1/tickets").status_code == 200
    assert report.get(one).json()["number"] == "T-1001"
    assert report.post("/api/v1/tickets", BODY, "application/json").status_code == 403


def test_another_tenants_ticket_is_not_found(
    north: Tenant, south: Tenant, machine: Callable[..., Client]
) -> None:
    with inside(north):
        ticket = make_ticket()
    client = machine(south)

    assert client.get(f"/api/v1/tickets/{ticket.pk}").status_code == 404
    for name in ("reply", "hand_over"):
        assert operation(client, name, {"ticket_id": str(ticket.pk)}).status_code == 404
    assert operation(client, "triage", {"event_id": str(ticket.event_id)}).status_code == 404


def test_the_operations_say_what_is_promised(north: Tenant, machine: Callable[..., Client]) -> None:
    client = machine(north)
    with inside(north):
        ticket, other = make_ticket(), make_ticket("What are your opening hours?")
        make_answer(ticket)

    sorted_ = operation(client, "triage", {"event_id": str(ticket.event_id)}).json()
    replied = operation(client, "reply", {"ticket_id": str(ticket.pk)}).json()
    given = operation(client, "hand_over", {"ticket_id": str(other.pk), "reason": "Odd"}).json()

    assert set(sorted_) == {
        "ticket_id", "number", "intent", "intent_confidence", "urgency", "language",
        "is_confident", "alternatives", "url",
    }  # fmt: skip
    assert sorted_["intent"] == "refund_status"
    assert set(sorted_["alternatives"][0]) == {"intent", "confidence"}
    assert set(replied) == {
        "ticket_id", "number", "status", "sent_to", "replied_at", "audit_sequence", "url",
    }  # fmt: skip
    assert (replied["status"], replied["sent_to"]) == ("answered", "kaja@example.com")
    assert set(given) == {
        "ticket_id", "number", "status", "queue", "handed_over_at", "audit_sequence", "url",
    }  # fmt: skip
    assert given["status"] == "handed_over"


def test_a_reply_without_its_approval_is_refused(
    north: Tenant, machine: Callable[..., Client]
) -> None:
    with inside(north):
        ticket = make_triaged()
        answer = make_answer(ticket, "hold")

    refused = operation(
        machine(north), "reply", {"ticket_id": str(ticket.pk), "answer_id": str(answer.pk)}
    )

    assert refused.status_code == 409
    assert refused.json()["code"] == "reply_not_allowed"
    with inside(north):
        assert Ticket.objects.get(pk=ticket.pk).replied_at is None


def test_a_node_that_is_run_again_gets_its_first_answer(
    north: Tenant, machine: Callable[..., Client]
) -> None:
    client = machine(north)
    with inside(north):
        ticket = make_ticket()
        make_answer(ticket)
    body = {"ticket_id": str(ticket.pk)}

    first = operation(client, "reply", body, **{"Idempotency-Key": "once"})
    again = operation(client, "reply", body, **{"Idempotency-Key": "once"})

    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
