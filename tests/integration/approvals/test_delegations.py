"""Standing in for one another, and what nobody decides: what they asked for."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from controlplane.approvals import groups
from controlplane.approvals.delegations import DelegationInvalid, delegate, revoke_delegation
from controlplane.approvals.models import Approval, Delegation, Vote
from controlplane.approvals.services import (
    AlreadyVoted,
    NotADecider,
    RequesterDecides,
    decide,
    request_approval,
)
from controlplane.audit.models import Entry
from controlplane.core.actor import Actor
from tenants.models import Tenant
from tests.factories.approvals import make_approval, make_execution_actor, make_order
from tests.factories.approvers import BY, make_person, make_route
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


def test_who_asked_never_decides_not_even_through_another(ada: Actor, ben: Actor) -> None:
    approval = request_approval(
        subject_type="order",
        subject_id=make_order().pk,
        requested_by=[ada],
        by=make_execution_actor(),
    )
    delegate_now(ada, ben)
    delegate_now(ben, ada)

    for by, principal in ((ada, ada), (ada, ben), (ben, ada)):
        with pytest.raises(RequesterDecides):
            yes(approval, by, on_behalf_of=principal.id)
    assert not Vote.objects.exists()
    assert yes(approval, ben).status == "approved"


def delegate_now(principal: Actor, other: Actor, hours: float = 24) -> Delegation:
    now = timezone.now()
    return delegate(
        to=other.id, starts_at=now - timedelta(hours=1), ends_at=now + timedelta(hours=hours),
        by=principal,
    )  # fmt: skip


def test_a_vote_is_recorded_as_one_for_the_other(tenant: Tenant, ada: Actor, ben: Actor) -> None:
    groups.save_group(group=None, slug="g", name="G", member_ids=[ada.id], by=BY)
    make_route(steps=[{"groups": ["g"]}])
    approval = make_approval()
    with pytest.raises(NotADecider):
        yes(approval, ben, on_behalf_of=ada.id)
    delegate_now(ada, ben)

    ended = yes(approval, ben, on_behalf_of=ada.id)

    assert (ended.status, ended.decided_by) == ("approved", "Ben for Ada")
    vote = Vote.objects.get()
    assert (vote.member_label, vote.principal_label, vote.is_for_another) == ("Ben", "Ada", True)


def test_both_never_count(ada: Actor, ben: Actor) -> None:
    make_route(steps=[{"quorum": 2}])
    approval = make_approval()
    delegate_now(ada, ben)
    yes(approval, ben, on_behalf_of=ada.id)

    for by, principal in ((ada, ada), (ben, ben), (ben, ada)):
        if (by, principal) == (ben, ada):
            assert yes(approval, by, on_behalf_of=principal.id).is_pending
            continue
        with pytest.raises(AlreadyVoted):
            yes(approval, by, on_behalf_of=principal.id)
    assert Vote.objects.count() == 1


def test_a_delegation_goes_no_further_and_ends(tenant: Tenant, ada: Actor, ben: Actor) -> None:
    cid = make_person(tenant, "cid")
    groups.save_group(group=None, slug="g", name="G", member_ids=[ada.id], by=BY)
    make_route(steps=[{"groups": ["g"]}])
    approval = make_approval()
    given = delegate_now(ada, ben)
    delegate_now(ben, cid)

    for principal in (ada, ben):
        with pytest.raises(NotADecider):
            yes(approval, cid, on_behalf_of=principal.id)
    revoke_delegation(delegation_id=given.pk, by=ada)
    with pytest.raises(NotADecider):
        yes(approval, ben, on_behalf_of=ada.id)
    Delegation.objects.filter(pk=given.pk).update(
        revoked_at=None, ends_at=timezone.now() - timedelta(seconds=1)
    )
    with pytest.raises(NotADecider):
        yes(approval, ben, on_behalf_of=ada.id)
    assert Entry.objects.filter(action__startswith="delegation.").count() == 3


def test_what_cannot_be_delegated_says_why(tenant: Tenant, ada: Actor) -> None:
    vic, now, day = make_person(tenant, "vic", "viewer"), timezone.now(), timedelta(days=1)

    for to, start, end, field in (
        (ada.id, now, now + day, "to"),
        ("999999", now, now + day, "to"),
        (vic.id, now, now + day, "to"),
        (vic.id, now, now, "ends_at"),
        (vic.id, now - 2 * day, now - day, "ends_at"),
        (vic.id, now, now + 500 * day, "ends_at"),
    ):
        with pytest.raises(DelegationInvalid) as caught:
            delegate(to=to, starts_at=start, ends_at=end, by=ada)
        assert field in {each.field for each in caught.value.errors}
    assert not Delegation.objects.exists()
