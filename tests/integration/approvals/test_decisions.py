"""Asking a person, and the one answer that counts."""

import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.utils import timezone

from controlplane.approvals.models import Approval, Vote, Waiter
from controlplane.approvals.services import (
    AlreadyEnded,
    ApprovalUnknown,
    NotADecider,
    decide,
    expire_overdue,
    get_approval,
)
from controlplane.approvals.subjects import SubjectUnknown
from controlplane.audit.models import Entry
from controlplane.audit.services import verify_chain
from controlplane.core.actor import Actor, system
from controlplane.events.models import OutboxMessage
from controlplane.instances.addresses import ForeignUrl
from tenants.context import inside, outside
from tenants.models import Member, Tenant
from tests.factories.approvals import make_approval, make_order
from tests.factories.events import ADA, make_machine, make_workspace

BEN = replace(ADA, id="2", label="Ben Okri")
CID = replace(ADA, scopes=frozenset())


@pytest.fixture
def approval(tenant: Tenant) -> Approval:
    make_workspace()
    return make_approval()


def answer(
    approval: Approval, decision: str = "approve", by: Actor = ADA, comment: str = ""
) -> Approval:
    return decide(approval_id=approval.pk, decision=decision, comment=comment, by=by)


def to_resume() -> list[uuid.UUID]:
    with outside():
        found = OutboxMessage.objects.filter(handler="approvals.resume")
        return list(found.values_list("reference", flat=True))


def test_a_request_shows_the_order_and_waits(approval: Approval) -> None:
    assert approval.is_pending
    assert approval.title == "Order #1001"
    assert "Kaja Nowak" in approval.summary
    assert str(approval.money) == "119.0000 EUR"
    assert approval.expires_at - approval.requested_at == pytest.approx(
        timedelta(hours=72), abs=timedelta(seconds=5)
    )
    waiter = Waiter.objects.get()
    assert waiter.execution_id == "71"
    assert waiter.resume_url.endswith("/webhook-waiting/71")
    assert Entry.objects.filter(action="approval.requested").count() == 1


def test_a_second_execution_joins_the_request(approval: Approval) -> None:
    order_id = approval.subject_id

    joined = make_approval(subject_id=order_id, execution_id="72")
    again = make_approval(subject_id=order_id, execution_id="72")

    assert joined == again == approval
    assert set(Waiter.objects.values_list("execution_id", flat=True)) == {"71", "72"}
    answer(approval)
    assert set(to_resume()) == set(Waiter.objects.values_list("pk", flat=True))


def test_a_request_for_what_was_decided_brings_the_answer_and_waits_for_nothing(
    approval: Approval,
) -> None:
    answer(approval, "reject", comment="no")

    late = make_approval(subject_id=approval.subject_id, execution_id="73")

    assert (late.status, late.comment) == ("rejected", "no")
    assert not Waiter.objects.filter(execution_id="73").exists()


def test_a_new_decision_on_the_order_needs_a_new_approval(approval: Approval) -> None:
    from controlplane.orders.models import Order

    Order.objects.filter(pk=approval.subject_id).update(decision_id=uuid.uuid4())

    assert make_approval(subject_id=approval.subject_id) != approval


def test_nothing_is_asked_about_what_is_not_there(tenant: Tenant) -> None:
    make_workspace()

    with pytest.raises(SubjectUnknown):
        make_approval(subject_id=uuid.uuid4())
    with pytest.raises(ApprovalUnknown):
        get_approval(uuid.uuid4())


def test_only_the_tenants_own_n8n_is_resumed(tenant: Tenant) -> None:
    make_workspace()
    order = make_order()

    with pytest.raises(ForeignUrl):
        make_approval(order, url="http://evil.example")
    assert not Approval.objects.exists()


@pytest.mark.parametrize(("decision", "status"), [("approve", "approved"), ("reject", "rejected")])
def test_one_answer_ends_it(approval: Approval, decision: str, status: str) -> None:
    ended = answer(approval, decision, comment="Called them.")

    assert (ended.status, ended.decided_by, ended.comment) == (
        status,
        "Ada Lovelace",
        "Called them.",
    )
    assert ended.decided_at is not None
    assert len(to_resume()) == 1
    entry = Entry.objects.get(action=f"approval.{status}")
    assert (entry.actor_label, entry.data["comment"]) == ("Ada Lovelace", "Called them.")


def test_the_same_answer_by_the_same_person_again_changes_nothing(approval: Approval) -> None:
    first = answer(approval, comment="fine")
    again = answer(approval, comment="another comment")

    assert (again.decided_at, again.comment) == (first.decided_at, "fine")
    assert len(to_resume()) == Vote.objects.count() == 1
    assert Entry.objects.filter(action="approval.approved").count() == 1


def test_changing_ones_mind_is_too_late_and_says_so(approval: Approval) -> None:
    answer(approval)

    with pytest.raises(AlreadyEnded, match="“Order #1001” was approved by Ada Lovelace on"):
        answer(approval, "reject")


def test_another_person_learns_who_was_faster(approval: Approval) -> None:
    answer(approval, "reject")

    with pytest.raises(AlreadyEnded, match="rejected by Ada Lovelace") as caught:
        answer(approval, by=BEN)
    assert caught.value.approval.status == "rejected"
    assert Vote.objects.count() == 1


@pytest.mark.parametrize("by", [make_machine(), system("test"), CID])
def test_machines_and_those_who_only_look_decide_nothing(approval: Approval, by: Actor) -> None:
    with pytest.raises(NotADecider):
        answer(approval, by=by)
    assert get_approval(approval.pk).is_pending


def test_unanswered_it_expires_and_the_execution_goes_on(approval: Approval) -> None:
    assert expire_overdue() == 0
    Approval.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert expire_overdue() == 1
    assert expire_overdue() == 0

    assert get_approval(approval.pk).status == "expired"
    assert len(to_resume()) == 1
    assert Entry.objects.get(action="approval.expired").actor_kind == "system"


def test_an_answer_after_the_time_is_up_is_an_expiry(approval: Approval) -> None:
    Approval.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    with pytest.raises(AlreadyEnded) as caught:
        answer(approval)

    assert (caught.value.approval.status, caught.value.approval.decided_by) == ("expired", "")
    assert get_approval(approval.pk).status == "expired"
    assert not Vote.objects.exists()
    with pytest.raises(AlreadyEnded, match="was expired on"):
        answer(approval)


def test_two_people_at_once_make_one_decision(yard: Tenant) -> None:
    with inside(yard):
        make_workspace()
        approval = make_approval()
    ready = threading.Barrier(2)
    outcome: dict[str, Any] = {}

    def click(by: Actor, decision: str) -> None:
        with inside(yard):
            ready.wait(timeout=10)
            try:
                outcome[by.label] = answer(approval, decision, by=by).status
            except AlreadyEnded as error:
                outcome[by.label] = str(error)
        connections.close_all()

    threads = [
        threading.Thread(target=click, args=arguments)
        for arguments in ((ADA, "approve"), (BEN, "reject"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)

    with inside(yard):
        ended = Approval.objects.get()
        assert Vote.objects.count() == 1
        assert (
            Entry.objects.filter(action__in=["approval.approved", "approval.rejected"]).count() == 1
        )
        assert verify_chain().broken_at is None
    winner, loser = (ADA, BEN) if ended.status == "approved" else (BEN, ADA)
    assert outcome[winner.label] == ended.status
    assert f"by {winner.label} on" in outcome[loser.label]
    assert len(to_resume()) == 1


def test_a_click_in_two_windows_at_once_is_one_answer(yard: Tenant) -> None:
    with inside(yard):
        make_workspace()
        approval = make_approval()
    ready = threading.Barrier(4)
    statuses: list[str] = []

    def click() -> None:
        with inside(yard):
            ready.wait(timeout=10)
            statuses.append(answer(approval).status)
        connections.close_all()

    threads = [threading.Thread(target=click) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)

    assert statuses == ["approved"] * 4
    with inside(yard):
        assert Vote.objects.count() == 1
    assert len(to_resume()) == 1


@pytest.mark.parametrize(
    ("role", "status"),
    [(Member.Role.VIEWER, 403), (Member.Role.APPROVER, 200), (Member.Role.MANAGER, 200)],
)
def test_roles_through_the_api(
    north: Tenant, browser: Callable[..., Client], role: str, status: int
) -> None:
    with inside(north):
        make_workspace()
        approval = make_approval()

    answered = browser(north, role=role).post(
        f"/api/v1/approvals/{approval.pk}/decision", {"decision": "approve"}, "application/json"
    )

    assert answered.status_code == status
    with inside(north):
        assert get_approval(approval.pk).is_pending is (status == 403)
