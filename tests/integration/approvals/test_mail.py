"""Who may decide hears of it: once, in their language, with their time."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from smtplib import SMTPRecipientsRefused
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.mail import EmailMessage

from controlplane.approvals.mail import mail_waiting
from controlplane.approvals.models import Approval
from controlplane.approvals.services import decide
from tenants.context import inside
from tenants.models import Member, Partner, Tenant
from tests.factories.approvals import make_approval
from tests.factories.events import ADA, make_workspace


@pytest.fixture
def approval(north: Tenant) -> Approval:
    with inside(north):
        make_workspace()
        found = make_approval()
        found.expires_at = datetime(2026, 7, 1, 10, 30, tzinfo=UTC)
        found.save()
    return found


def send(north: Tenant, approval: Approval) -> int:
    with inside(north):
        return mail_waiting(approval.pk)


def test_only_those_who_may_decide_here_get_a_mail(
    north: Tenant,
    south: Tenant,
    approval: Approval,
    make_member: Callable[..., Member],
    mailoutbox: list[Any],
) -> None:
    make_member(north, Member.Role.APPROVER, "ada")
    make_member(north, Member.Role.MANAGER, "mia")
    make_member(north, Member.Role.VIEWER, "vic")
    make_member(south, Member.Role.APPROVER, "sue")
    consultant = User.objects.create_user("carl", "carl@partner.example", "pw")
    Member.objects.create(
        user=consultant, partner=Partner.objects.get(slug="partner-north"), role="approver"
    )
    gone = make_member(north, Member.Role.APPROVER, "gus")
    gone.user.is_active = False
    gone.user.save()

    assert send(north, approval) == 3
    assert sorted(mail.to[0] for mail in mailoutbox) == [
        "ada@north.example", "carl@partner.example", "mia@north.example",
    ]  # fmt: skip
    assert all(len(mail.recipients()) == 1 for mail in mailoutbox)


def test_who_is_member_twice_gets_one(
    north: Tenant, approval: Approval, make_member: Callable[..., Member], mailoutbox: list[Any]
) -> None:
    user = make_member(north).user
    Member.objects.create(
        user=user, partner=Partner.objects.get(slug="partner-north"), role="manager"
    )

    assert send(north, approval) == 1


def test_language_and_zone_are_the_members(
    north: Tenant, approval: Approval, make_member: Callable[..., Member], mailoutbox: list[Any]
) -> None:
    dora = make_member(north, name="dora")
    Member.objects.filter(pk=dora.pk).update(language="de", time_zone="Europe/Berlin")
    make_member(north, name="ed")

    send(north, approval)

    german, english = sorted(mailoutbox, key=lambda mail: mail.to[0])
    assert "1. Juli 2026 12:30" in german.body
    assert "July 1, 2026, 10:30 a.m." in english.body
    for mail in (german, english):
        assert "#1001" in mail.subject + mail.body
        assert "http://north.localhost" in mail.body
        assert f"/approvals/{approval.pk}/" in mail.body


def test_an_address_that_is_refused_stops_no_other(
    north: Tenant, approval: Approval, make_member: Callable[..., Member], mailoutbox: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    make_member(north, name="ada")
    make_member(north, name="ben")
    send_mail = EmailMessage.send

    def refuse_ada(message: EmailMessage, fail_silently: bool = False) -> int:
        if message.to == ["ada@north.example"]:
            raise SMTPRecipientsRefused({})
        return send_mail(message, fail_silently)

    monkeypatch.setattr(EmailMessage, "send", refuse_ada)

    with pytest.raises(RuntimeError, match="1 of 2 mails"):
        send(north, approval)
    assert [mail.to for mail in mailoutbox] == [["ben@north.example"]]


def test_what_is_decided_meanwhile_is_not_announced(
    north: Tenant, approval: Approval, make_member: Callable[..., Member], mailoutbox: list[Any]
) -> None:
    make_member(north)
    with inside(north):
        Approval.objects.update(expires_at=datetime(2999, 1, 1, tzinfo=UTC))
        decide(approval_id=approval.pk, decision="approve", comment="", by=ADA)

    assert send(north, approval) == 0
    assert mailoutbox == []


def test_a_request_enqueues_one_mail_for_all_who_ask(
    north: Tenant, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as enqueued, inside(north):
        make_workspace()
        approval = make_approval()
        make_approval(subject_id=approval.subject_id, execution_id="72")

    assert len(enqueued) == 1
    assert enqueued[0].args == ("approvals.mail_waiting",)
    assert enqueued[0].keywords["kwargs"] == {"approval_id": str(approval.pk)}
    assert uuid.UUID(enqueued[0].keywords["kwargs"]["approval_id"])


@pytest.mark.parametrize("title", ["Order #1\r\nBcc: eve@example.com", "Order\n#1\x0b\x85\u2028x"])
def test_an_orders_name_adds_no_header_and_stops_no_mail(
    north: Tenant,
    approval: Approval,
    make_member: Callable[..., Member],
    mailoutbox: list[Any],
    title: str,
) -> None:
    """The shop, and whoever may name its orders, writes the title."""
    make_member(north, Member.Role.APPROVER, "ada")
    with inside(north):
        Approval.objects.filter(pk=approval.pk).update(title=title)

    assert send(north, approval) == 1
    mail = mailoutbox[0]
    assert "\n" not in mail.subject
    assert mail.message()["Bcc"] is None
    assert mail.recipients() == ["ada@north.example"]
