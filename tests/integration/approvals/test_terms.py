"""By whose votes an approval ends: steps, groups, organisations, time."""

from datetime import timedelta
from typing import Any

import pytest

from controlplane.approvals import groups
from controlplane.approvals.models import Approval, Group, Vote
from controlplane.approvals.services import (
    AlreadyVoted,
    NotADecider,
    advance_due,
    decide,
    get_approval,
    request_approval,
)
from controlplane.approvals.terms import DEFAULT
from controlplane.audit.models import Entry
from controlplane.audit.services import verify_chain
from controlplane.core.actor import Actor
from controlplane.core.models import new_id
from controlplane.events.models import OutboxMessage
from tenants.context import outside
from tenants.models import Partner, Tenant
from tests.factories.approvals import make_approval, make_execution_actor, make_order
from tests.factories.approvers import BY, make_partner, make_person, make_route
from tests.factories.events import make_workspace


@pytest.fixture(autouse=True)
def _workspace(tenant: Tenant) -> None:
    make_workspace()


@pytest.fixture
def ada(tenant: Tenant) -> Actor:
    return make_person(tenant, "ada")


@pytest.fixture
def ben(tenant: Tenant) -> Actor:
    return make_person(tenant, "ben")


def yes(approval: Approval, by: Actor, **more: Any) -> Approval:
    return decide(approval_id=approval.pk, decision="approve", comment="", by=by, **more)


def no(approval: Approval, by: Actor) -> Approval:
    return decide(approval_id=approval.pk, decision="reject", comment="no", by=by)


def pass_hours(hours: float) -> None:
    """For every approval, as if it had been asked that much earlier."""
    back = timedelta(hours=hours)
    for approval in Approval.objects.all():
        for name in ("expires_at", "step_due_at", "remind_at"):
            if at := getattr(approval, name):
                setattr(approval, name, at - back)
        approval.save()


def test_without_a_route_anyone_who_may_decide_ends_it(ada: Actor) -> None:
    approval = make_approval()

    assert approval.rules == DEFAULT
    assert yes(approval, ada).status == "approved"


def test_a_quorum_waits_for_as_many_as_it_says(ada: Actor, ben: Actor) -> None:
    make_route(steps=[{"quorum": 2}])
    approval = make_approval()

    assert yes(approval, ada).is_pending
    assert yes(approval, ada).is_pending, "the same answer again changes nothing"
    assert Vote.objects.count() == 1
    with pytest.raises(AlreadyVoted, match="not taken back"):
        no(approval, ada)
    ended = yes(approval, ben)

    assert (ended.status, ended.decided_by) == ("approved", "Ada, Ben")
    entries = Entry.objects.filter(subject_id=str(approval.pk)).order_by("sequence")
    actions = [entry.action for entry in entries]
    assert actions == ["approval.requested", "approval.voted", "approval.approved"]
    with outside():
        assert OutboxMessage.objects.filter(handler="approvals.resume").count() == 1


def test_a_joint_council_needs_both_houses(tenant: Tenant, ada: Actor, ben: Actor) -> None:
    helper = make_partner(tenant, "helper", owns=["optimisation"])
    hanna = make_person(tenant, "hanna", partner=helper)
    cara = make_person(tenant, "cara")
    groups.save_group(
        group=None, slug="council", name="Council", member_ids=[ada.id, ben.id, hanna.id], by=BY
    )
    make_route(steps=[{"groups": ["council"], "quorum": 2, "organisations": 2}])
    approval = make_approval()

    with pytest.raises(NotADecider, match="Ada, Ben, Hanna"):
        yes(approval, cara)
    assert yes(approval, ada).is_pending
    assert yes(approval, ben).is_pending, "two of one organisation"
    assert yes(approval, hanna).status == "approved"
    assert set(Vote.objects.values_list("organisation", flat=True)) == {
        "customer", "partner:helper",
    }  # fmt: skip


def test_who_leaves_the_group_is_asked_no_more(ada: Actor, ben: Actor) -> None:
    group = groups.save_group(group=None, slug="two", name="Two", member_ids=[ada.id], by=BY)
    make_route(steps=[{"groups": ["two"]}])
    approval = make_approval()
    with pytest.raises(groups.GroupInUse, match="Orders"):
        groups.delete_group(group=group, by=BY)

    groups.save_group(group=group, slug="two", name="Two", member_ids=[ben.id], by=BY)

    with pytest.raises(NotADecider):
        yes(approval, ada)
    assert yes(approval, ben).status == "approved"


def test_a_group_is_of_people_who_are_here(ada: Actor) -> None:
    with pytest.raises(groups.GroupInvalid):
        groups.save_group(group=None, slug="x", name="X", member_ids=["999999"], by=BY)
    groups.save_group(group=None, slug="x", name="X", member_ids=[ada.id], by=BY)
    with pytest.raises(groups.GroupInvalid, match="already"):
        groups.save_group(group=None, slug="x", name="X", member_ids=[], by=BY)
    assert Group.objects.count() == 1


def test_roles_and_areas_are_asked_as_the_step_says(tenant: Tenant, ada: Actor) -> None:
    with outside():
        lead = Partner.objects.get(slug="partner-north")
    leo = make_person(tenant, "leo", "manager", partner=lead)
    mia = make_person(tenant, "mia", "manager")
    vic = make_person(tenant, "vic", "viewer", partner=lead)
    make_route(steps=[{"roles": ["manager"], "areas": ["escalation"], "quorum": 2}])
    approval = make_approval()

    for stranger in (ada, vic):
        with pytest.raises(NotADecider, match="Leo, Mia"):
            yes(approval, stranger)
    yes(approval, mia)
    assert yes(approval, leo).status == "approved"


def test_nobody_decides_on_what_they_may_not_see(tenant: Tenant) -> None:
    """Who only hosts sees no customer data, whatever group they are put in."""
    host = make_partner(tenant, "host", owns=["infrastructure"])
    hal = make_person(tenant, "hal", "manager", partner=host)
    groups.save_group(group=None, slug="all", name="All", member_ids=[hal.id], by=BY)
    make_route(steps=[{"groups": ["all"], "areas": ["infrastructure"]}])

    with pytest.raises(NotADecider, match="Nobody fits"):
        yes(make_approval(), hal)


def test_who_asks_later_has_not_voted(ada: Actor, ben: Actor, tenant: Tenant) -> None:
    make_route(steps=[{"quorum": 2}])
    approval = make_approval()
    yes(approval, ada)

    request_approval(
        subject_type="order", subject_id=approval.subject_id, requested_by=[ada],
        by=make_execution_actor(),
    )  # fmt: skip

    assert yes(approval, ben).is_pending
    ended = yes(approval, make_person(tenant, "cid"))
    assert (ended.status, ended.decided_by) == ("approved", "Ben, Cid")


def test_a_ladder_climbs_once_for_each_time(tenant: Tenant, ada: Actor) -> None:
    mia = make_person(tenant, "mia", "manager")
    make_route(steps=[{"roles": ["approver"], "hours": 4}, {"roles": ["manager"], "hours": 4}, {}],
               remind_hours=1)  # fmt: skip
    approval = make_approval()
    with pytest.raises(NotADecider):
        yes(approval, mia)

    assert advance_due().escalated == 0
    pass_hours(3.5)
    assert (advance_due().reminded, advance_due().reminded) == (1, 0)
    pass_hours(1)
    assert (advance_due().escalated, advance_due().escalated) == (1, 0)

    assert get_approval(approval.pk).step == 1
    # A clock that was wrong, and went back: what was done stands in the row.
    pass_hours(-2)
    assert advance_due().escalated == 0
    assert get_approval(approval.pk).step == 1
    assert Entry.objects.filter(action="approval.escalated").count() == 1
    assert yes(approval, mia).status == "approved"
    assert verify_chain().broken_at is None


@pytest.mark.parametrize("outcome", ["expired", "rejected", "approved"])
def test_unanswered_it_ends_as_its_terms_say(outcome: str) -> None:
    make_route(on_expiry=outcome, expires_in_hours=10)
    approval = make_approval()
    assert approval.expires_at - approval.requested_at == timedelta(hours=10)

    pass_hours(10.1)

    assert advance_due().ended == 1
    ended = get_approval(approval.pk)
    assert ended.status == outcome
    assert Entry.objects.get(action=f"approval.{outcome}").actor_kind == "system"
    with outside():
        assert OutboxMessage.objects.filter(handler="approvals.resume").count() == 1


def test_one_that_fails_keeps_no_other_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    from controlplane.approvals.services import clock

    first, second = make_approval(), make_approval(make_order(1002), execution_id="72")
    pass_hours(100)
    real = clock.end_by_time

    def fail_for_the_first(approval: Approval, *args: Any, **kwargs: Any) -> None:
        if approval.pk == first.pk:
            raise ValueError("a subject that cannot be told")
        real(approval, *args, **kwargs)

    monkeypatch.setattr(clock, "end_by_time", fail_for_the_first)

    with pytest.raises(RuntimeError, match="1 approvals"):
        advance_due()
    assert get_approval(first.pk).is_pending
    assert get_approval(second.pk).status == "expired"


def test_a_chain_goes_from_step_to_step(tenant: Tenant, ada: Actor) -> None:
    mia = make_person(tenant, "mia", "manager")
    make_route(order="chain", steps=[{}, {"roles": ["manager"]}])
    approval = make_approval()

    halfway = yes(approval, ada)

    assert (halfway.status, halfway.step) == ("pending", 1)
    assert yes(approval, mia).status == "approved"


def test_what_is_judged_anew_is_voted_on_anew(ada: Actor, ben: Actor) -> None:
    from controlplane.approvals.renewal import renew_approval
    from controlplane.orders.models import Order

    make_route(steps=[{"quorum": 2}])
    approval = make_approval()
    yes(approval, ada)
    Order.objects.filter(pk=approval.subject_id).update(decision_id=new_id())
    renew_approval(subject_type="order", subject_id=approval.subject_id, by=BY)

    assert yes(approval, ben).is_pending, "Ada agreed to something else"
    assert yes(approval, ada).status == "approved"
