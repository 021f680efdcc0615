"""What becomes of a ticket: an answer is sent, or a person takes it over."""

import uuid

from django.db import transaction
from django.utils import timezone

from controlplane.approvals.standing import why_not_approved
from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.events import outbox
from controlplane.policies.verdicts import Verdict
from controlplane.support.drafts import Draft, newest_draft, withdrawn_sources
from controlplane.support.models import Ticket
from controlplane.support.queues import queue_for
from controlplane.support.recipients import recipient_of
from controlplane.support.services.receiving import SUBJECT, locked_ticket


class AlreadyAnswered(DomainError):
    code = "ticket_answered"
    status = 409
    title = "The ticket was answered already"


class TicketFinished(DomainError):
    code = "ticket_finished"
    status = 409
    title = "The ticket is in a person's hands"


class AnswerMissing(DomainError):
    code = "answer_missing"
    status = 409
    title = "There is no such answer to send"


class ReplyNotAllowed(DomainError):
    code = "reply_not_allowed"
    status = 409
    title = "The answer cannot be sent"


class NothingToSendAgain(DomainError):
    code = "nothing_to_send_again"
    status = 409
    title = "The reply needs no second try"


@transaction.atomic
def reply_to_ticket(
    *, ticket_id: uuid.UUID, by: Actor, answer_id: uuid.UUID | None = None
) -> Ticket:
    """Send the ticket's newest answer to the requester, once; the same again changes nothing.

    An answer that policies hold is sent only with an approval of that very answer, one that they
    reject never is. The e-mail leaves after the commit; that of a test never to its made-up
    requester. Raises TicketUnknown, AlreadyAnswered, TicketFinished, AnswerMissing,
    ReplyNotAllowed.
    """
    ticket = locked_ticket(ticket_id)
    if ticket.replied_at is not None:
        if answer_id in (None, ticket.answer_id):
            return ticket
        raise AlreadyAnswered(
            f"Ticket {ticket.number} was answered on {ticket.replied_at:%Y-%m-%d %H:%M} UTC with "
            "another answer. Nothing was sent.",
            errors=(FieldError("answer_id", "is not the answer that was sent"),),
        )
    if ticket.is_finished:
        raise TicketFinished(
            f"Ticket {ticket.number} is {ticket.get_status_display().lower()}, so Pergola answers "
            "it no more. Whoever has it now answers it."
        )
    draft = _draft_of(ticket, answer_id)
    _assert_sendable(ticket, draft)
    recipient = recipient_of(ticket)
    entry = record(
        action="ticket.replied",
        subject_type=SUBJECT,
        subject_id=str(ticket.pk),
        data={
            "number": ticket.number,
            "answer_id": str(draft.answer_id),
            "verdict": draft.verdict,
            "sent_to": recipient,
        },
        by=by,
    )
    ticket.answer_id, ticket.reply_text = draft.answer_id, draft.text
    ticket.replied_at, ticket.reply_sequence = timezone.now(), entry.sequence
    ticket.status = Ticket.Status.ANSWERED
    ticket.mail = Ticket.Mail.QUEUED if recipient else Ticket.Mail.WITHHELD
    ticket.save()
    if recipient:
        outbox.put("support.send_reply", ticket.pk)
    return ticket


@transaction.atomic
def send_reply_again(*, ticket_id: uuid.UUID, by: Actor) -> Ticket:
    """A person has looked and found that the reply did not go out.

    The ticket is answered again and in nobody's hands; one that is closed stays closed.
    Raises TicketUnknown, NothingToSendAgain.
    """
    ticket = locked_ticket(ticket_id)
    if ticket.mail not in {Ticket.Mail.UNCLEAR, Ticket.Mail.FAILED}:
        raise NothingToSendAgain(
            f"The reply to ticket {ticket.number} is “{ticket.get_mail_display()}”. Only one that "
            "was refused, or of which nobody knows, is sent again."
        )
    ticket.mail, ticket.mail_problem = Ticket.Mail.QUEUED, ""
    if ticket.status != Ticket.Status.CLOSED:
        ticket.status = Ticket.Status.ANSWERED
        ticket.queue = queue_for(ticket.intent) if ticket.intent else ""
        ticket.reason, ticket.handed_over_at, ticket.hand_over_sequence = "", None, None
    ticket.save()
    outbox.put("support.send_reply", ticket.pk)
    record(
        action="ticket.reply_repeated",
        subject_type=SUBJECT,
        subject_id=str(ticket.pk),
        data={"number": ticket.number, "answer_id": str(ticket.answer_id)},
        by=by,
    )
    return ticket


@transaction.atomic
def hand_over(*, ticket_id: uuid.UUID, reason: str, by: Actor) -> Ticket:
    """Give the ticket to the people of its queue, once, and tell them.

    Raises TicketUnknown, AlreadyAnswered.
    """
    ticket = locked_ticket(ticket_id)
    if ticket.handed_over_at is not None:
        return ticket
    if ticket.is_finished:
        raise AlreadyAnswered(
            f"Ticket {ticket.number} is {ticket.get_status_display().lower()} already, so it is "
            "not handed over."
        )
    ticket.status, ticket.reason = Ticket.Status.HANDED_OVER, reason
    ticket.queue = ticket.queue or queue_for(ticket.intent)
    ticket.handed_over_at = timezone.now()
    enqueue_on_commit("support.mail_handed_over", ticket_id=str(ticket.pk))
    entry = record(
        action="ticket.handed_over",
        subject_type=SUBJECT,
        subject_id=str(ticket.pk),
        data={"number": ticket.number, "queue": ticket.queue, "reason": reason},
        by=by,
    )
    ticket.hand_over_sequence = entry.sequence
    ticket.save()
    return ticket


@transaction.atomic
def close_ticket(*, ticket_id: uuid.UUID, by: Actor) -> Ticket:
    """Nothing more is to be done; again changes nothing. Raises TicketUnknown."""
    ticket = locked_ticket(ticket_id)
    if ticket.status == Ticket.Status.CLOSED:
        return ticket
    ticket.status, ticket.closed_at = Ticket.Status.CLOSED, timezone.now()
    ticket.save(update_fields=["status", "closed_at", "updated_at"])
    record(
        action="ticket.closed",
        subject_type=SUBJECT,
        subject_id=str(ticket.pk),
        data={"number": ticket.number},
        by=by,
    )
    return ticket


def _draft_of(ticket: Ticket, answer_id: uuid.UUID | None) -> Draft:
    draft = newest_draft(ticket.pk)
    if draft is None:
        raise AnswerMissing(
            f"Nothing was answered to ticket {ticket.number} yet. Use Knowledge → Answer first."
        )
    if answer_id not in (None, draft.answer_id):
        raise AnswerMissing(
            f"Answer {answer_id} is not the newest answer to ticket {ticket.number}. Pass on the "
            "answer_id of Knowledge → Answer, or leave it out.",
            errors=(FieldError("answer_id", "is not the ticket's newest answer"),),
        )
    return draft


def _assert_sendable(ticket: Ticket, draft: Draft) -> None:
    if draft.verdict != Verdict.REJECT and (gone := withdrawn_sources(draft)):
        raise ReplyNotAllowed(
            f"The answer to ticket {ticket.number} rests on {', '.join(gone)}, which was withdrawn "
            "or replaced since. Use Knowledge → Answer again.",
            errors=(FieldError("answer_id", "cites what was withdrawn"),),
        )
    if draft.verdict == Verdict.ACCEPT:
        return
    if draft.verdict != Verdict.HOLD or not draft.text:
        raise ReplyNotAllowed(
            f"The answer to ticket {ticket.number} was rejected by the tenant's policies, so it "
            "cannot be sent. Use Ticket → Hand Over.",
            errors=(FieldError("answer_id", "was rejected"),),
        )
    state = why_not_approved(
        SUBJECT, ticket.pk, draft.answer_id, changed="the ticket was answered anew"
    )
    if not state:
        return
    raise ReplyNotAllowed(
        f"The answer to ticket {ticket.number} is a draft, and {state}. Use Approval → Request "
        "and Wait first, and reply only where its status is approved.",
        errors=(FieldError("answer_id", "needs an approval"),),
    )
