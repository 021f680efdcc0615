"""Handing a reply to the mail server: never forgotten, never twice.

Between the mail server's yes and the row that remembers it a process may die, and nobody can ask
a mail server afterwards. So the connection is opened first, "sending" is committed, and only then
the mail goes. Whoever finds "sending" without an end knows that it is unknown, sends nothing, and
gives the ticket to a person, who looks and sends again where need be. The window is one mail long.
"""

import smtplib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.mail import get_connection
from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import system
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.locks import alone
from controlplane.core.logs import bound, get_logger
from controlplane.events.outbox import NotYet
from controlplane.support.drafts import draft_named
from controlplane.support.mail import reply_message
from controlplane.support.models import Ticket
from controlplane.support.queues import queue_for
from controlplane.support.services.receiving import SUBJECT
from tenants.context import current_schema

# The message cannot have left: there was no connection on which it could.
NEVER_LEFT = (ConnectionRefusedError, smtplib.SMTPConnectError, smtplib.SMTPHeloError)

log = get_logger(__name__)


def send_reply(reference: uuid.UUID) -> None:
    """The outbox handler. Raises NotYet while the mail server cannot be reached or asks to wait."""
    # A mail server may take longer than a relay holds a message, and another relay come along.
    with alone("support.reply", f"{current_schema()} {reference}"):
        ticket = Ticket.objects.get(pk=reference)
        with bound(ticket_id=str(ticket.pk)):
            if ticket.mail == Ticket.Mail.SENDING:
                _give_up(
                    ticket,
                    Ticket.Mail.UNCLEAR,
                    "Pergola was interrupted while it handed the reply to the mail server. Ask the "
                    "requester or look into the mail server's log, and send it again if need be.",
                )
            elif ticket.mail == Ticket.Mail.QUEUED:
                _send(ticket)


def give_up(reference: uuid.UUID) -> None:
    """The outbox tried long enough."""
    ticket = Ticket.objects.get(pk=reference)
    if ticket.mail == Ticket.Mail.QUEUED:
        problem = ticket.mail_problem or "The mail server could not be reached."
        _give_up(ticket, Ticket.Mail.FAILED, problem)


def _send(ticket: Ticket) -> None:
    assert ticket.answer_id is not None  # a constraint of the row
    message = reply_message(ticket, draft_named(ticket.answer_id))
    if not message.recipients():  # a test, and the partner has no address for support any more
        _mark(ticket, Ticket.Mail.WITHHELD)
        return
    message.message()  # what cannot be written as a mail fails before anything is marked
    with _connected(ticket) as connection:
        _mark(ticket, Ticket.Mail.SENDING)
        try:
            connection.send_messages([message])
        except NEVER_LEFT as error:
            raise _later(ticket, error) from error
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as error:
            if _is_for_good(error):
                _give_up(ticket, Ticket.Mail.FAILED, f"The mail server refused it: {error}")
                return
            raise _later(ticket, error) from error
        except OSError as error:  # cut off in the middle: SMTPServerDisconnected, a timeout
            _give_up(
                ticket,
                Ticket.Mail.UNCLEAR,
                f"The mail server was lost while it took the reply ({type(error).__name__}). Ask "
                "the requester or look into the mail server's log, and send it again if need be.",
            )
            return
        ticket.sent_at = timezone.now()
        _mark(ticket, Ticket.Mail.SENT)
    log.info("ticket.reply_sent", message_id=message.extra_headers["Message-ID"])


@contextmanager
def _connected(ticket: Ticket) -> Iterator[Any]:
    connection = get_connection()
    try:
        connection.open()
    except OSError as error:  # SMTPException is one too
        raise _later(ticket, error) from error
    try:
        yield connection
    finally:
        try:
            connection.close()
        except OSError:  # the mail is with the server already, or was refused by it
            log.warning("ticket.mail_server_left")


def _mark(ticket: Ticket, mail: Ticket.Mail, problem: str = "") -> None:
    ticket.mail, ticket.mail_problem = mail, problem[:2000]
    ticket.save(update_fields=["mail", "mail_problem", "sent_at", "updated_at"])


def _later(ticket: Ticket, error: OSError) -> NotYet:
    why = f"The mail server did not take it: {type(error).__name__}: {error}"
    _mark(ticket, Ticket.Mail.QUEUED, why)
    return NotYet(why)


def _is_for_good(error: smtplib.SMTPException) -> bool:
    """5xx: the same mail will be refused again. 4xx: a little later it may be taken."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= 500 for code, _text in error.recipients.values())
    assert isinstance(error, smtplib.SMTPResponseException)
    return error.smtp_code >= 500


@transaction.atomic
def _give_up(ticket: Ticket, mail: Ticket.Mail, problem: str) -> None:
    """The ticket goes to a person; the reply stays on it, and can be sent again from there."""
    ticket.mail, ticket.mail_problem = mail, problem[:2000]
    ticket.status, ticket.reason = Ticket.Status.HANDED_OVER, problem[:2000]
    ticket.queue = ticket.queue or queue_for(ticket.intent)
    # One that was closed in the belief that it was answered is open again.
    ticket.handed_over_at, ticket.closed_at = timezone.now(), None
    enqueue_on_commit("support.mail_handed_over", ticket_id=str(ticket.pk))
    entry = record(
        action="ticket.reply_unclear" if mail == Ticket.Mail.UNCLEAR else "ticket.reply_refused",
        subject_type=SUBJECT,
        subject_id=str(ticket.pk),
        data={"number": ticket.number, "problem": problem[:500]},
        by=system("relay"),
    )
    ticket.hand_over_sequence = entry.sequence
    ticket.save(
        update_fields=[
            "mail", "mail_problem", "status", "reason", "queue", "handed_over_at",
            "hand_over_sequence", "closed_at", "updated_at",
        ]
    )  # fmt: skip
    log.warning("ticket.reply_given_up", mail=mail.value, problem=problem)
