"""Replies: allowed by verdict or approval, sent once, never lost; and handing over."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage

from controlplane.audit.models import Entry
from controlplane.events.models import OutboxMessage
from controlplane.support import sending
from controlplane.support.mail import mail_handed_over
from controlplane.support.models import Ticket
from controlplane.support.services import (
    AlreadyAnswered,
    AnswerMissing,
    ReplyNotAllowed,
    TicketFinished,
    TicketUnknown,
    close_ticket,
    hand_over,
    reply_to_ticket,
)
from tenants.context import inside, outside
from tenants.models import Member, Partner, Tenant
from tests.factories.events import ADA, make_machine
from tests.factories.knowledge import approved
from tests.factories.support import (
    ANSWER,
    decide,
    make_answer,
    make_draft_approval,
    make_ticket,
)

MACHINE = make_machine()


def reply(ticket: Ticket, **fields: Any) -> Ticket:
    return reply_to_ticket(ticket_id=ticket.pk, by=MACHINE, **fields)


def answered(**fields: Any) -> Ticket:
    ticket = make_ticket(**fields)
    make_answer(ticket)
    return reply(ticket)


def test_a_source_that_is_in_the_portal_only_is_named_without_a_link(
    tenant: Tenant, mailoutbox: list[EmailMessage]
) -> None:
    ticket = make_ticket()
    make_answer(ticket, citations=[{
        "document": str(approved().document_id), "title": "Returns", "version": 1,
        "url": f"{tenant.portal_url}/knowledge/documents/1/",
        "start": 0, "end": 5, "quote": "Goods",
    }])  # fmt: skip

    reply(ticket)
    sending.send_reply(ticket.pk)

    assert "- Returns\n" in mailoutbox[0].body
    assert "/knowledge/" not in mailoutbox[0].body


def test_an_accepted_answer_is_sent_with_its_sources(
    tenant: Tenant, mailoutbox: list[EmailMessage]
) -> None:
    with outside():
        Partner.objects.filter(slug="partner-north").update(support_email="help@partner.example")
    version = approved(source_url="https://help.example.com/returns")
    ticket = make_ticket(subject="Refund\r\nBcc: eve")
    make_answer(ticket, citations=[{
        "document": str(version.document_id), "title": "Returns", "version": 1,
        "url": "https://help.example.com/returns", "start": 0, "end": 5, "quote": "Goods",
    }] * 2)  # fmt: skip

    replied = reply(ticket)
    sending.send_reply(ticket.pk)

    assert (replied.status, replied.mail) == ("answered", "queued")
    ticket.refresh_from_db()
    assert ticket.mail == "sent"
    assert ticket.reply_text == ANSWER
    assert ticket.sent_at >= ticket.replied_at
    mail = mailoutbox[0]
    assert mail.recipients() == ["kaja@example.com"]
    assert mail.subject == "Re: Refund Bcc: eve [T-1001]"
    assert mail.reply_to == ["help@partner.example"]
    assert mail.from_email.startswith("North <")
    assert ANSWER in mail.body
    assert mail.body.count("https://help.example.com/returns") == 1
    assert "Partner North" in mail.body
    assert mail.extra_headers["Message-ID"].startswith(f"<{ticket.pk}.")
    entry = Entry.objects.get(action="ticket.replied")
    assert entry.sequence == ticket.reply_sequence


def test_a_german_ticket_is_answered_in_german(
    tenant: Tenant, mailoutbox: list[EmailMessage]
) -> None:
    ticket = answered(language="de", subject="")
    sending.send_reply(ticket.pk)

    mail = mailoutbox[0]
    assert mail.subject == "Ihre Anfrage T-1001"
    assert mail.body.startswith("Hallo Kaja Nowak,")
    assert "Hat das nicht geholfen?" in mail.body


@pytest.mark.parametrize(
    "link", ["https://evil.example", "WWW.evil", "evil.example", "evil。рф", "evil\u00ad.example"]
)
def test_a_reply_carries_no_strangers_links(
    tenant: Tenant, mailoutbox: list[EmailMessage], link: str
) -> None:
    """Anybody may write to support in another's name."""
    ticket = answered(requester_name=f"You won, see {link}", subject=f"A prize at {link}")
    sending.send_reply(ticket.pk)

    mail = mailoutbox[0]
    assert mail.subject == "Your request T-1001"
    assert mail.body.startswith("Hello,")
    assert link not in mail.body


def test_the_same_reply_again_changes_nothing(
    tenant: Tenant, mailoutbox: list[EmailMessage]
) -> None:
    ticket = answered()

    again = reply(ticket, answer_id=ticket.answer_id)
    sending.send_reply(ticket.pk)
    sending.send_reply(ticket.pk)

    assert again.replied_at == ticket.replied_at
    assert len(mailoutbox) == 1
    assert Entry.objects.filter(action="ticket.replied").count() == 1
    with pytest.raises(AlreadyAnswered):
        reply(ticket, answer_id=uuid.uuid4())


def test_a_held_draft_needs_the_approval_of_that_very_draft(
    tenant: Tenant, mailoutbox: list[EmailMessage]
) -> None:
    ticket = make_ticket()
    first = make_answer(ticket, "hold")
    with pytest.raises(ReplyNotAllowed, match="nobody was asked"):
        reply(ticket)

    approval = make_draft_approval(ticket)
    ticket.refresh_from_db()
    assert ticket.status == "waiting"
    assert approval.title == "Reply to T-1001: Refund"
    assert ANSWER in approval.summary
    assert ticket.body in approval.summary
    with pytest.raises(ReplyNotAllowed, match="pending"):
        reply(ticket)

    decide(approval)
    second = make_answer(ticket, "hold", text="Another one.")
    with pytest.raises(ReplyNotAllowed, match="answered anew"):
        reply(ticket)
    with pytest.raises(AnswerMissing):
        reply(ticket, answer_id=first.pk)

    decide(make_draft_approval(ticket))
    assert reply(ticket, answer_id=second.pk).reply_text == "Another one."


def test_a_refused_draft_is_not_sent(tenant: Tenant) -> None:
    ticket = make_ticket()
    make_answer(ticket, "hold")
    decide(make_draft_approval(ticket), "reject")

    with pytest.raises(ReplyNotAllowed, match="rejected"):
        reply(ticket)
    ticket.refresh_from_db()
    assert (ticket.status, ticket.mail) == ("triaged", "")
    with outside():
        assert not OutboxMessage.objects.filter(handler="support.send_reply").exists()


def test_a_rejected_answer_is_never_sent_nor_put_to_anybody(tenant: Tenant) -> None:
    from controlplane.approvals.subjects import SubjectUnknown

    ticket = make_ticket()
    make_answer(ticket, "reject")

    with pytest.raises(ReplyNotAllowed):
        reply(ticket)
    with pytest.raises(SubjectUnknown):
        make_draft_approval(ticket)


def test_an_answer_to_another_ticket_is_no_answer_to_this_one(tenant: Tenant) -> None:
    theirs, mine = make_ticket(), make_ticket()
    answer = make_answer(theirs)

    with pytest.raises(AnswerMissing):
        reply(mine)
    make_answer(mine)
    with pytest.raises(AnswerMissing):
        reply(mine, answer_id=answer.pk)


def test_what_was_withdrawn_since_is_not_quoted(tenant: Tenant) -> None:
    version = approved()
    citation = {
        "document": str(version.document_id), "title": "Returns", "version": version.number,
        "url": "", "start": 0, "end": 5, "quote": "Goods",
    }  # fmt: skip
    ticket = make_ticket()
    make_answer(ticket, citations=[citation])
    type(version).objects.filter(pk=version.pk).update(status="retired")

    with pytest.raises(ReplyNotAllowed, match="Returns"):
        reply(ticket)


def test_another_tenants_ticket_is_unknown(north: Tenant, south: Tenant) -> None:
    with inside(north):
        ticket = make_ticket()
    with inside(south), pytest.raises(TicketUnknown):
        reply(ticket)


def test_a_ticket_is_handed_over_once_and_its_people_told(
    north: Tenant,
    make_member: Callable[..., Member],
    mailoutbox: list[EmailMessage],
    django_capture_on_commit_callbacks: Any,
) -> None:
    make_member(north, Member.Role.APPROVER, "ada")
    make_member(north, Member.Role.VIEWER, "vic")
    with inside(north):
        ticket = make_ticket(subject="Broken\nvase")
        Ticket.objects.filter(pk=ticket.pk).update(intent="damaged_item", urgency="high")
        with django_capture_on_commit_callbacks() as enqueued:
            first = hand_over(ticket_id=ticket.pk, reason="Nothing fits.", by=MACHINE)
            again = hand_over(ticket_id=ticket.pk, reason="Other", by=MACHINE)
        sent = mail_handed_over(ticket.pk)

    assert (first.status, first.queue, again.reason) == ("handed_over", "returns", "Nothing fits.")
    assert first.hand_over_sequence == again.hand_over_sequence
    assert [call.args for call in enqueued] == [("support.mail_handed_over",)]
    assert sent == 1
    assert [mail.to for mail in mailoutbox] == [["ada@north.example"]]
    mail = mailoutbox[0]
    assert "\n" not in mail.subject
    assert "Nothing fits." in mail.body
    assert f"/tickets/{ticket.pk}/" in mail.body
    assert "Damaged item" in mail.body


def test_a_test_that_is_handed_over_disturbs_nobody(
    north: Tenant, make_member: Callable[..., Member], mailoutbox: list[EmailMessage]
) -> None:
    make_member(north, Member.Role.APPROVER, "ada")
    with inside(north):
        ticket = make_ticket(is_test=True)
        hand_over(ticket_id=ticket.pk, reason="", by=MACHINE)
        assert mail_handed_over(ticket.pk) == 0

    assert not mailoutbox


def test_what_a_person_has_is_not_answered_by_pergola(tenant: Tenant) -> None:
    ticket = make_ticket()
    make_answer(ticket)
    hand_over(ticket_id=ticket.pk, reason="", by=MACHINE)

    with pytest.raises(TicketFinished):
        reply(ticket)


def test_what_was_answered_is_not_handed_over(tenant: Tenant) -> None:
    with pytest.raises(AlreadyAnswered):
        hand_over(ticket_id=answered().pk, reason="", by=MACHINE)


def test_a_ticket_is_closed_once(tenant: Tenant) -> None:
    ticket = make_ticket()

    assert close_ticket(ticket_id=ticket.pk, by=ADA).status == "closed"
    close_ticket(ticket_id=ticket.pk, by=ADA)

    assert Entry.objects.filter(action="ticket.closed").count() == 1
    with pytest.raises(AlreadyAnswered):
        hand_over(ticket_id=ticket.pk, reason="", by=MACHINE)
