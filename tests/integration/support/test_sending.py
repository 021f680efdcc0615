"""Between Pergola and the mail server: never forgotten, never twice."""

import smtplib
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.db import connections

from controlplane.audit.models import Entry
from controlplane.events.models import OutboxMessage
from controlplane.events.outbox import NotYet, carry_out, claim
from controlplane.support import sending
from controlplane.support.models import Ticket
from controlplane.support.services import (
    AlreadyAnswered,
    NothingToSendAgain,
    close_ticket,
    hand_over,
    reply_to_ticket,
    send_reply_again,
)
from tenants.context import inside, outside
from tenants.models import Partner, Tenant
from tests.factories.events import ADA, make_machine
from tests.factories.support import make_answer, make_ticket

MACHINE = make_machine()


class Died(BaseException):
    """The process is gone: nothing catches it."""


def reply(ticket: Ticket) -> Ticket:
    return reply_to_ticket(ticket_id=ticket.pk, by=MACHINE)


def answered(**fields: Any) -> Ticket:
    ticket = make_ticket(**fields)
    make_answer(ticket)
    return reply(ticket)


def failing(monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException) -> Callable[[], None]:
    """Until it is called: the mail server does that."""
    before = getattr(EmailBackend, name)

    def fail(*_args: Any, **_kwargs: Any) -> Any:
        raise error

    monkeypatch.setattr(EmailBackend, name, fail)
    return lambda: monkeypatch.setattr(EmailBackend, name, before)


def test_a_server_that_is_away_is_tried_again(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, mailoutbox: list[EmailMessage]
) -> None:
    ticket = answered()
    mend = failing(monkeypatch, "open", ConnectionRefusedError("nobody there"))
    with pytest.raises(NotYet, match="nobody there"):
        sending.send_reply(ticket.pk)
    ticket.refresh_from_db()
    assert ticket.mail == "queued"
    assert "nobody there" in ticket.mail_problem

    mend()
    sending.send_reply(ticket.pk)

    ticket.refresh_from_db()
    assert (ticket.mail, ticket.mail_problem) == ("sent", "")
    assert len(mailoutbox) == 1


def test_another_relay_waits_for_a_slow_mail_server(
    yard: Tenant, monkeypatch: pytest.MonkeyPatch, mailoutbox: list[EmailMessage]
) -> None:
    """Else it would take a reply that is being sent for one of a process that died."""
    with inside(yard):
        ticket = answered()
    send, begun = EmailBackend.send_messages, threading.Event()

    def slowly(backend: EmailBackend, messages: list[EmailMessage]) -> int:
        begun.set()
        time.sleep(0.5)
        return send(backend, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", slowly)

    def relay() -> None:
        with inside(yard):
            sending.send_reply(ticket.pk)
        connections.close_all()

    first, second = threading.Thread(target=relay), threading.Thread(target=relay)
    first.start()
    assert begun.wait(10)
    second.start()
    for thread in (first, second):
        thread.join(30)

    with inside(yard):
        ticket.refresh_from_db()
        assert (ticket.mail, ticket.status) == ("sent", "answered")
    assert len(mailoutbox) == 1


def test_a_crash_before_the_commit_leaves_nothing_to_send(
    yard: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with inside(yard):
        ticket = make_ticket()
        make_answer(ticket)

    def die(*_args: Any, **_kwargs: Any) -> None:
        raise Died

    monkeypatch.setattr("controlplane.support.services.replying.outbox.put", die)
    with inside(yard), pytest.raises(Died):
        reply(ticket)

    with inside(yard):
        ticket.refresh_from_db()
        assert (ticket.replied_at, ticket.mail, ticket.status) == (None, "", "new")
        assert not Entry.objects.filter(action="ticket.replied").exists()
    assert not OutboxMessage.objects.filter(handler="support.send_reply").exists()


@pytest.mark.parametrize("moment", ["before the mail left", "after the mail left"])
def test_a_crash_while_sending_neither_doubles_nor_loses_it(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, mailoutbox: list[EmailMessage], moment: str
) -> None:
    """Nobody can ask the mail server afterwards, so a person looks."""
    ticket = answered()
    send = EmailBackend.send_messages

    def die(backend: EmailBackend, messages: list[EmailMessage]) -> int:
        if moment == "after the mail left":
            send(backend, messages)
        raise Died

    monkeypatch.setattr(EmailBackend, "send_messages", die)
    with pytest.raises(Died):
        sending.send_reply(ticket.pk)
    left = len(mailoutbox)
    monkeypatch.setattr(EmailBackend, "send_messages", send)

    sending.send_reply(ticket.pk)
    sending.send_reply(ticket.pk)

    ticket.refresh_from_db()
    assert len(mailoutbox) == left
    assert (ticket.mail, ticket.status) == ("unclear", "handed_over")
    assert Entry.objects.filter(action="ticket.reply_unclear").count() == 1

    send_reply_again(ticket_id=ticket.pk, by=ADA)
    sending.send_reply(ticket.pk)

    ticket.refresh_from_db()
    assert (ticket.mail, ticket.status) == ("sent", "answered")
    assert len(mailoutbox) == left + 1
    with pytest.raises(NothingToSendAgain):
        send_reply_again(ticket_id=ticket.pk, by=ADA)


@pytest.mark.parametrize(
    ("error", "mail"),
    [
        (smtplib.SMTPRecipientsRefused({"kaja@example.com": (550, b"unknown")}), "failed"),
        (smtplib.SMTPDataError(554, b"spam"), "failed"),
        (smtplib.SMTPServerDisconnected("gone"), "unclear"),
        (TimeoutError("slow"), "unclear"),
    ],
)
def test_what_the_server_does_not_take_goes_to_a_person(
    tenant: Tenant,
    monkeypatch: pytest.MonkeyPatch,
    mailoutbox: list[EmailMessage],
    error: OSError,
    mail: str,
) -> None:
    ticket = answered()
    failing(monkeypatch, "send_messages", error)

    sending.send_reply(ticket.pk)

    ticket.refresh_from_db()
    assert (ticket.mail, ticket.status, ticket.queue) == (mail, "handed_over", "general")
    assert ticket.mail_problem == ticket.reason
    assert not mailoutbox


@pytest.mark.parametrize(
    "error",
    [
        smtplib.SMTPRecipientsRefused({"kaja@example.com": (450, b"greylisted")}),
        smtplib.SMTPSenderRefused(421, b"later", "us@example.com"),
        ConnectionRefusedError("not now"),
    ],
)
def test_what_the_server_takes_later_is_sent_later(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, mailoutbox: list[EmailMessage],
    error: OSError,
) -> None:  # fmt: skip
    ticket = answered()
    mend = failing(monkeypatch, "send_messages", error)
    with pytest.raises(NotYet):
        sending.send_reply(ticket.pk)
    mend()

    sending.send_reply(ticket.pk)

    ticket.refresh_from_db()
    assert (ticket.mail, len(mailoutbox)) == ("sent", 1)


def test_a_server_that_stays_away_gives_the_ticket_to_a_person(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = answered()
    failing(monkeypatch, "open", ConnectionRefusedError("nobody there"))
    with pytest.raises(NotYet):
        sending.send_reply(ticket.pk)

    sending.give_up(ticket.pk)
    sending.give_up(ticket.pk)

    ticket.refresh_from_db()
    assert (ticket.mail, ticket.status) == ("failed", "handed_over")
    assert "nobody there" in ticket.reason


def _refused(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> Ticket:
    """The mail server will not have its reply, so a person has it."""
    ticket = answered(**fields)
    mend = failing(monkeypatch, "send_messages", smtplib.SMTPSenderRefused(550, b"no", "us"))
    sending.send_reply(ticket.pk)
    mend()
    ticket.refresh_from_db()
    assert (ticket.mail, ticket.status) == ("failed", "handed_over")
    return ticket


def test_what_is_sent_again_is_in_nobodys_hands_any_more(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, mailoutbox: list[EmailMessage]
) -> None:
    ticket = _refused(monkeypatch)

    send_reply_again(ticket_id=ticket.pk, by=ADA)
    sending.send_reply(ticket.pk)

    ticket.refresh_from_db()
    assert (ticket.mail, ticket.status, len(mailoutbox)) == ("sent", "answered", 1)
    assert (ticket.queue, ticket.reason) == ("", "")
    assert ticket.handed_over_at is ticket.hand_over_sequence is None
    with pytest.raises(AlreadyAnswered):
        hand_over(ticket_id=ticket.pk, reason="", by=MACHINE)


def test_what_is_closed_is_sent_again_and_stays_closed(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, mailoutbox: list[EmailMessage]
) -> None:
    ticket = _refused(monkeypatch)
    close_ticket(ticket_id=ticket.pk, by=ADA)

    send_reply_again(ticket_id=ticket.pk, by=ADA)
    sending.send_reply(ticket.pk)

    ticket.refresh_from_db()
    assert (ticket.mail, ticket.status, len(mailoutbox)) == ("sent", "closed", 1)
    assert ticket.closed_at is not None


def test_what_is_closed_opens_again_when_its_reply_is_refused(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = answered()
    close_ticket(ticket_id=ticket.pk, by=ADA)
    failing(monkeypatch, "send_messages", smtplib.SMTPSenderRefused(550, b"no", "us"))

    sending.send_reply(ticket.pk)

    ticket.refresh_from_db()
    assert (ticket.mail, ticket.status, ticket.closed_at) == ("failed", "handed_over", None)


def _support_address(address: str) -> None:
    with outside():
        Partner.objects.filter(slug="partner-north").update(support_email=address)


def test_a_test_writes_to_the_partner_and_never_to_its_requester(
    tenant: Tenant, mailoutbox: list[EmailMessage]
) -> None:
    _support_address("help@partner.example")
    ticket = answered(is_test=True)

    sending.send_reply(ticket.pk)

    assert [mail.recipients() for mail in mailoutbox] == [["help@partner.example"]]
    assert Ticket.objects.get(pk=ticket.pk).mail == "sent"
    assert Entry.objects.get(action="ticket.replied").data["sent_to"] == "help@partner.example"


def test_a_test_of_a_partner_without_an_address_writes_to_nobody(
    tenant: Tenant, mailoutbox: list[EmailMessage]
) -> None:
    _support_address("")
    ticket = answered(is_test=True)

    sending.send_reply(ticket.pk)

    assert (ticket.status, ticket.mail) == ("answered", "withheld")
    assert not mailoutbox
    assert Entry.objects.get(action="ticket.replied").data["sent_to"] == ""
    with outside():
        assert not OutboxMessage.objects.filter(handler="support.send_reply").exists()
    with pytest.raises(NothingToSendAgain):
        send_reply_again(ticket_id=ticket.pk, by=ADA)


def test_a_test_whose_partner_has_lost_its_address_writes_to_nobody(
    tenant: Tenant, mailoutbox: list[EmailMessage]
) -> None:
    _support_address("help@partner.example")
    ticket = answered(is_test=True)
    _support_address("")

    sending.send_reply(ticket.pk)

    assert Ticket.objects.get(pk=ticket.pk).mail == "withheld"
    assert not mailoutbox


def test_the_relay_sends_it(yard: Tenant, mailoutbox: list[EmailMessage]) -> None:
    with inside(yard):
        ticket = answered()

    for message in claim(10):
        carry_out(message)

    with inside(yard):
        assert Ticket.objects.get(pk=ticket.pk).mail == "sent"
    assert len(mailoutbox) == 1
    assert not OutboxMessage.objects.filter(handler="support.send_reply").exists()
