"""A mailed link answers once, for one person, on what the mail was about."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from controlplane.approvals.links import LinkOver, decide_by_link, new_link, open_link
from controlplane.approvals.mail import mail_waiting
from controlplane.approvals.models import Approval, MailLink, Vote
from controlplane.approvals.services import (
    AlreadyEnded,
    ApprovalChanged,
    RequesterDecides,
    decide,
    get_approval,
)
from controlplane.core.actor import Actor
from controlplane.events.models import OutboxMessage
from tenants.context import inside, outside
from tenants.models import Member, Partner, Tenant
from tests.factories.approvals import make_approval
from tests.factories.approvers import make_partner, make_person, make_route
from tests.factories.events import make_workspace


@pytest.fixture
def approval(tenant: Tenant) -> Approval:
    make_workspace()
    return make_approval()


@pytest.fixture
def ada(tenant: Tenant) -> Actor:
    return make_person(tenant, "ada")


def token_for(approval: Approval, person: Actor) -> str:
    return new_link(approval, member_id=person.id).rstrip("/").rpartition("/")[2]


def answer(token: str, decision: str = "approve") -> Approval:
    return decide_by_link(token=token, decision=decision, comment="by mail")


def test_to_open_it_decides_nothing(approval: Approval, ada: Actor) -> None:
    token = token_for(approval, ada)

    for _again in range(3):
        opened = open_link(token)

    assert (opened.approval, opened.person.name) == (approval, "Ada")
    assert get_approval(approval.pk).is_pending
    assert not Vote.objects.exists()


def test_the_answer_is_the_members_own(approval: Approval, ada: Actor) -> None:
    ended = answer(token_for(approval, ada))

    assert (ended.status, ended.decided_by, ended.comment) == ("approved", "Ada", "by mail")
    with outside():
        assert OutboxMessage.objects.filter(handler="approvals.resume").count() == 1


def test_a_link_that_was_used_says_so_and_does_nothing(tenant: Tenant, ada: Actor) -> None:
    make_workspace()
    make_route(steps=[{"quorum": 2}])
    approval = make_approval()
    token = token_for(approval, ada)
    answer(token)

    for replay in (
        lambda: answer(token),
        lambda: answer(token, "reject"),
        lambda: open_link(token),
    ):
        with pytest.raises(LinkOver, match="works once"):
            replay()
    assert Vote.objects.count() == 1
    assert get_approval(approval.pk).is_pending


def test_a_link_that_was_changed_or_made_up_is_refused(
    approval: Approval, ada: Actor, south: Tenant
) -> None:
    token = token_for(approval, ada)

    for wrong in (token[:-1], token + "x", "x" + token, token.partition("~")[0], "", "~", "ü~ü"):
        with pytest.raises(LinkOver, match="not one of ours"):
            answer(wrong)
    with inside(south), pytest.raises(LinkOver, match="not one of ours"):
        answer(token)
    assert get_approval(approval.pk).is_pending
    assert not MailLink.objects.filter(token_sha256__contains=token[:10]).exists()


def test_a_link_ends_with_its_time_with_the_revision_and_with_the_approval(
    approval: Approval, ada: Actor, tenant: Tenant
) -> None:
    late, changed, ended = (token_for(approval, ada) for _n in range(3))
    first = MailLink.objects.order_by("pk")[0]
    MailLink.objects.filter(pk=first.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    with pytest.raises(LinkOver, match="was good until"):
        answer(late)
    Approval.objects.update(revision="another")
    with pytest.raises(ApprovalChanged):
        answer(changed)
    assert MailLink.objects.filter(used_at__isnull=False).count() == 0
    Approval.objects.update(revision=approval.revision)
    decide(approval_id=approval.pk, decision="reject", comment="", by=make_person(tenant, "ben"))
    with pytest.raises(AlreadyEnded, match="rejected by Ben"):
        answer(ended)


def test_who_lost_the_role_lost_the_link(approval: Approval, ada: Actor) -> None:
    token = token_for(approval, ada)
    with outside():
        Member.objects.filter(user_id=ada.id).update(role="viewer")

    with pytest.raises(LinkOver, match="not asked"):
        answer(token)


def test_who_asked_does_not_decide_by_mail_either(approval: Approval, ada: Actor) -> None:
    token = token_for(approval, ada)
    Approval.objects.update(requesters=[{"id": ada.id, "label": "Ada"}])

    with pytest.raises(RequesterDecides):
        answer(token)
    assert get_approval(approval.pk).is_pending


def test_a_mail_is_no_way_around_a_second_factor(
    approval: Approval, tenant: Tenant, mailoutbox: list[Any]
) -> None:
    careful = make_partner(tenant, "careful", owns=["escalation"])
    with outside():
        Partner.objects.filter(pk=careful.pk).update(requires_mfa=True)
    hanna, ben = make_person(tenant, "hanna", partner=careful), make_person(tenant, "ben")

    assert mail_waiting(approval.pk) == 2

    links = {mail.to[0]: "/approvals/by-mail/" in mail.body for mail in mailoutbox}
    assert links == {"hanna@people.example": False, "ben@people.example": True}
    with pytest.raises(LinkOver, match="second factor"):
        open_link(token_for(approval, hanna))
    assert open_link(token_for(approval, ben)).person.name == "Ben"


def test_the_mail_of_each_opens_for_each_alone(
    approval: Approval, tenant: Tenant, mailoutbox: list[Any]
) -> None:
    make_person(tenant, "ada")
    make_person(tenant, "ben")

    mail_waiting(approval.pk)

    found = {}
    for mail in mailoutbox:
        (token,) = re.findall(r"/approvals/by-mail/(\S+)/", mail.body)
        found[mail.to[0]] = open_link(token).person.contact.email
    assert found == {email: email for email in ("ada@people.example", "ben@people.example")}


def test_reminders_and_escalations_reach_those_whom_they_are_for(
    tenant: Tenant, ada: Actor, mailoutbox: list[Any]
) -> None:
    from controlplane.approvals.delegations import delegate

    make_workspace()
    make_person(tenant, "mia", "manager")
    cid = make_person(tenant, "cid", "viewer")
    ben, dan = make_person(tenant, "ben"), make_person(tenant, "dan", "manager")
    assert cid
    make_route(steps=[{"roles": ["approver"], "quorum": 2, "hours": 4}, {"roles": ["manager"]}])
    approval = make_approval()
    decide(approval_id=approval.pk, decision="approve", comment="", by=ada)
    now = timezone.now()
    delegate(to=dan.id, starts_at=now, ends_at=now + timedelta(days=1), by=ben)

    mail_waiting(approval.pk, why="reminder")
    assert sorted(mail.to[0] for mail in mailoutbox) == ["ben@people.example", "dan@people.example"]
    assert "still waits" in mailoutbox[0].body
    mailoutbox.clear()
    Approval.objects.update(step=1)
    mail_waiting(approval.pk, why="escalated")
    assert sorted(mail.to[0] for mail in mailoutbox) == ["dan@people.example", "mia@people.example"]
    assert "put to you now" in mailoutbox[0].body
