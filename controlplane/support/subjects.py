"""What a ticket is to others: a question to knowledge, and something to approve to a person."""

import uuid

from controlplane.approvals.models import Approval
from controlplane.approvals.requesters import members_among
from controlplane.approvals.subjects import Subject, SubjectUnknown
from controlplane.core.actor import Actor, ActorKind
from controlplane.core.errors import FieldError
from controlplane.knowledge.answers.subjects import Question
from controlplane.policies.services import overriders_of
from controlplane.support.drafts import Draft, newest_draft
from controlplane.support.models import Ticket
from controlplane.support.services.receiving import SUBJECT, get_ticket, ticket_link

_QUESTION_SHOWN = 2000


def question_of_ticket(ticket_id: uuid.UUID) -> Question:
    """Raises TicketUnknown. Facts are what policies read as `subject.…`."""
    ticket = get_ticket(ticket_id)
    return Question(
        text=ticket.text,
        language=ticket.language,
        facts={
            "intent": ticket.intent,
            "intent_confidence_percent": int((ticket.intent_confidence or 0) * 100),
            "urgency": ticket.urgency,
            "language": ticket.language,
            "channel": ticket.channel,
            "is_test": ticket.is_test,
        },
        url=ticket_link(ticket),
    )


def describe_ticket(ticket_id: uuid.UUID) -> Subject:
    """The draft of its newest answer: another answer needs another approval, hence the revision.
    A member who asked the question, or took it down, does not let its answer out.

    Raises SubjectUnknown.
    """
    ticket = Ticket.objects.filter(pk=ticket_id).first()
    if ticket is None:
        raise SubjectUnknown(
            f"This tenant has no ticket {ticket_id}. Pass on the ticket_id of Triage a ticket.",
            errors=(FieldError("subject_id", "names no ticket"),),
        )
    draft = newest_draft(ticket.pk)
    if draft is None or not draft.text:
        raise SubjectUnknown(
            f"There is no draft of an answer to ticket {ticket.number}, so there is nothing to "
            "approve. Use Knowledge → Answer first, and hand over what it rejects.",
            errors=(FieldError("subject_id", "has no draft"),),
        )
    return Subject(
        kind=SUBJECT,
        id=ticket.pk,
        title=f"Reply to {ticket.number}: {ticket.subject}".rstrip(": "),
        summary=_summary(ticket, draft),
        revision=str(draft.answer_id),
        reasons=draft.reasons,
        caused_by=(*overriders_of(draft.decision_id), *_causers(ticket)),
    )


def causers_of(ticket_id: uuid.UUID) -> tuple[Actor, ...]:
    """The members who asked it or took it down; nobody where it is none of ours."""
    ticket = Ticket.objects.filter(pk=ticket_id).first()
    return _causers(ticket) if ticket else ()


def _causers(ticket: Ticket) -> tuple[Actor, ...]:
    author = Actor(ActorKind.MEMBER, ticket.author_id, ticket.author)
    return (*members_among([ticket.requester_email]), *([author] if ticket.author_id else []))


def note_waiting(approval: Approval, by: Actor) -> None:
    """Somebody was asked about the draft, so the ticket waits."""
    Ticket.objects.filter(
        pk=approval.subject_id, status__in=[Ticket.Status.NEW, Ticket.Status.TRIAGED]
    ).update(status=Ticket.Status.WAITING)


def note_ended(approval: Approval, by: Actor) -> None:
    """It waits no more; what becomes of it the workflow says: reply or hand over."""
    Ticket.objects.filter(pk=approval.subject_id, status=Ticket.Status.WAITING).update(
        status=Ticket.Status.TRIAGED
    )


def _summary(ticket: Ticket, draft: Draft) -> str:
    """Question, draft and sources, as text."""
    asker = ", ".join(filter(None, (ticket.requester_name, ticket.requester_email)))
    question = ticket.text
    if len(question) > _QUESTION_SHOWN:
        question = question[:_QUESTION_SHOWN].rstrip() + " …"
    sources = dict.fromkeys(
        f"- {found['title']}" + (f" ({found['url']})" if found.get("url") else "")
        for found in draft.citations
    )
    parts = (
        f"From: {asker}",
        f"Question:\n{question}",
        f"Draft:\n{draft.text}",
        "Sources:\n" + "\n".join(sources) if sources else "",
    )
    return "\n\n".join(filter(None, parts))
