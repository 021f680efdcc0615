"""Separation of duties: because of whom it is asked does not decide it, whoever says so."""

import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from controlplane.approvals.delegations import delegate
from controlplane.approvals.models import Approval, Vote
from controlplane.approvals.services import RequesterDecides, decide, request_approval
from controlplane.audit.models import Entry
from controlplane.core.actor import Actor
from controlplane.core.models import new_id
from controlplane.core.schema import entered_schema
from controlplane.events.models import LedgerEntry
from controlplane.policies.contexts import get_context
from controlplane.policies.models import Decision
from controlplane.policies.services import override_decision, seed_policy
from tenants.context import inside
from tenants.database.base import DatabaseWrapper
from tenants.models import Tenant
from tests.factories.approvals import make_approval, make_order
from tests.factories.approvers import BY, make_partner, make_person, make_route
from tests.factories.events import make_workspace
from tests.factories.support import make_answer, make_ticket

URL = "/api/v1/operations/approval/request"


@pytest.fixture
def ask(north: Tenant, machine: Callable[..., Client]) -> Callable[..., Any]:
    with inside(north):
        make_workspace()
    client = machine(north)

    def post(**given: Any) -> Any:
        with inside(north):
            subject_id = given.pop("subject_id", None) or make_order().pk
        data = {"subject_id": str(subject_id), **given}
        headers = {"Idempotency-Key": str(new_id())}
        return client.post(URL, data, "application/json", headers=headers)

    return post


def yes(approval: Approval, by: Actor, **more: Any) -> Approval:
    return decide(approval_id=approval.pk, decision="approve", comment="", by=by, **more)


def assert_never_decides(approval: Approval, person: Actor, other: Actor) -> None:
    """Neither in person, nor for the other, nor the other for them. The other alone does."""
    now = timezone.now()
    for principal, stand_in in ((person, other), (other, person)):
        delegate(to=stand_in.id, starts_at=now - timedelta(hours=1),
                 ends_at=now + timedelta(hours=24), by=principal)  # fmt: skip
    for by, principal in ((person, person), (person, other), (other, person)):
        with pytest.raises(RequesterDecides):
            yes(approval, by, on_behalf_of=principal.id)
    assert not Vote.objects.filter(approval=approval).exists()
    assert yes(approval, other).status == "approved"


@pytest.mark.parametrize("named_by", ["email", "EMAIL", "id"])
def test_whom_a_workflow_names_does_not_decide(
    north: Tenant, ask: Callable[..., Any], named_by: str
) -> None:
    with inside(north):
        ada, ben = make_person(north, "ada"), make_person(north, "ben")
    name = {"email": "ada@people.example", "EMAIL": " Ada@People.example ", "id": ada.id}[named_by]

    answer = ask(requested_by=name)

    assert answer.status_code == 200, answer.content
    with inside(north):
        approval = Approval.objects.get(pk=answer.json()["approval_id"])
        assert approval.requesters == [{"id": ada.id, "label": "Ada"}]
        assert Entry.objects.filter(action="approval.requested", data__requested_by="Ada").exists()
        assert_never_decides(approval, ada, ben)


def test_a_partners_member_may_be_named(north: Tenant, ask: Callable[..., Any]) -> None:
    with inside(north):
        mia = make_person(north, "mia", partner=make_partner(north, "pilots", ["support"]))

    answer = ask(requested_by="mia@people.example")

    with inside(north):
        assert Approval.objects.get().requesters == [{"id": mia.id, "label": "Mia"}]
    assert answer.status_code == 200


@pytest.mark.parametrize("name", ["eve@elsewhere.example", "99999999", "ada", "key-1"])
def test_who_is_no_member_is_an_error_at_the_field_and_nothing_is_asked(
    north: Tenant, south: Tenant, ask: Callable[..., Any], name: str
) -> None:
    with inside(south):
        make_person(south, "eve")

    answer = ask(requested_by=name)

    assert (answer.status_code, answer.json()["code"]) == (422, "requester_unknown")
    assert answer.json()["errors"] == [{"field": "requested_by", "message": "names no member"}]
    with inside(north):
        assert not Approval.objects.exists()


def test_a_member_of_another_tenant_is_nobody_here(
    north: Tenant, south: Tenant, ask: Callable[..., Any]
) -> None:
    with inside(south):
        make_person(south, "ada")

    assert ask(requested_by="ada@people.example").json()["code"] == "requester_unknown"


def test_without_a_name_a_machine_asks(north: Tenant, ask: Callable[..., Any]) -> None:
    assert ask(requested_by=" ").status_code == 200
    with inside(north):
        assert not Approval.objects.get().requesters


def test_a_second_request_adds_its_person(north: Tenant, ask: Callable[..., Any]) -> None:
    with inside(north):
        people = [make_person(north, "ada"), make_person(north, "ben")]
        order = make_order().pk
    ask(subject_id=order, requested_by="ada@people.example")
    ask(subject_id=order, requested_by="ben@people.example")
    with inside(north):
        assert Approval.objects.get().requester_ids == {person.id for person in people}


@pytest.mark.parametrize("is_asked_first", [False, True])
def test_who_overrode_the_decision_does_not_approve_what_comes_of_it(
    tenant: Tenant, is_asked_first: bool
) -> None:
    make_workspace()
    ada, ben = make_person(tenant, "ada", "manager"), make_person(tenant, "ben")
    order = make_order()
    approval = make_approval(order) if is_asked_first else None

    override_decision(decision_id=order.decision_id, verdict="accept", why="a regular", by=ada)

    assert_never_decides(approval or make_approval(order), ada, ben)


def test_a_vote_that_was_given_before_the_override_counts_no_more(tenant: Tenant) -> None:
    make_workspace()
    make_route(steps=[{"quorum": 2}])
    ada, ben, cid = (make_person(tenant, name, "manager") for name in ("ada", "ben", "cid"))
    order = make_order()
    approval = yes(make_approval(order), ada)

    override_decision(decision_id=order.decision_id, verdict="accept", why="a regular", by=ada)

    assert yes(approval, ben).status == "pending"
    assert yes(approval, cid).status == "approved"


def test_for_whom_an_agent_acts_does_not_let_it_act(north: Tenant, machine: Any) -> None:
    """The whole way of an agent's workflow: judged, held, put to people, and what came of it."""
    rule = {"code": "pays", "verdict": "hold", "expression": "action.effect == 'pay'",
            "message": "{action.summary}"}  # fmt: skip
    with inside(north):
        make_workspace()
        ada, ben = make_person(north, "ada"), make_person(north, "ben")
        seed_policy(context="agent_action", slug="agents", title="Agents", rules=[rule], by=BY)
    facts = copy.deepcopy(get_context("agent_action").sample)
    facts["agent"]["on_behalf_of"] = "Ada@people.example"
    client = machine(north)
    judged = client.post(
        "/api/v1/operations/policy/evaluate",
        {"context": "agent_action", "facts": facts}, "application/json",
    ).json()  # fmt: skip
    assert judged["verdict"] == "hold"

    given = {"subject_type": "decision", "subject_id": judged["decision_id"]}
    asked = client.post(URL, given, "application/json")

    assert asked.status_code == 200, asked.content
    with inside(north):
        approval = Approval.objects.get(pk=asked.json()["approval_id"])
        assert approval.title == "refunds wants to call refund_order"
        assert "action.arguments.reason: damaged" in approval.summary
        assert str(approval.money) == "12.5000 EUR"
        assert approval.reasons[0]["code"] == "pays"
        assert_never_decides(approval, ada, ben)
        decision = Decision.objects.get(pk=judged["decision_id"])
        outcome = decision.entries.get(kind="outcome")
        assert (outcome.value, outcome.by) == ("approved", "Ben")


def test_a_decision_that_is_not_there_cannot_be_put_to_people(ask: Callable[..., Any]) -> None:
    answer = ask(subject_type="decision", subject_id=new_id())
    assert (answer.status_code, answer.json()["code"]) == (404, "subject_unknown")


def test_who_took_a_question_down_does_not_approve_its_answer(tenant: Tenant) -> None:
    """Nor what the rules made of the question itself."""
    make_workspace()
    ada, ben = make_person(tenant, "ada"), make_person(tenant, "ben")
    ticket = make_ticket(channel="portal", by=ada)
    make_answer(ticket, "hold")
    about_it = Decision.objects.create(
        context="ticket", subject_type="ticket", subject_id=ticket.pk, verdict="hold",
        input={}, input_sha256="",
    )  # fmt: skip

    for kind, key in (("ticket", ticket.pk), ("decision", about_it.pk)):
        approval = request_approval(subject_type=kind, subject_id=key, by=BY)
        assert approval.requester_ids == {ada.id}
    assert_never_decides(approval, ada, ben)


def test_a_question_by_a_form_or_machine_has_no_author(tenant: Tenant) -> None:
    make_workspace()
    ticket = make_ticket()
    make_answer(ticket, "hold")
    asked = request_approval(subject_type="ticket", subject_id=ticket.pk, by=BY)
    assert not asked.requester_ids


def test_who_asks_is_found_out_before_the_transaction_that_writes(
    north: Tenant, ask: Callable[..., Any], monkeypatch: Any
) -> None:
    """So that the tenant is not left in the middle of it."""
    with inside(north):
        make_person(north, "ada")
        ticket = make_ticket(requester_email="ada@people.example")
        make_answer(ticket, "hold")
    left = []
    in_public = DatabaseWrapper.set_schema_to_public

    def noting(self: Any, *args: Any, **kwargs: Any) -> Any:
        left.append(LedgerEntry.objects.exists() if entered_schema() != "public" else False)
        return in_public(self, *args, **kwargs)

    monkeypatch.setattr(DatabaseWrapper, "set_schema_to_public", noting)
    answer = ask(subject_type="ticket", subject_id=ticket.pk, requested_by="ada@people.example")
    monkeypatch.undo()

    assert answer.status_code == 200, answer.content
    assert left
    with inside(north):
        assert Approval.objects.get().requesters[0]["label"] == "Ada"
    # Once more by the door itself, when all is done.
    assert left.count(True) <= 1
