"""Tickets as a service desk's webhook sends them, and the documents that answer them."""

import json
from pathlib import Path

from controlplane.knowledge.answers.services import latest_answer
from controlplane.support.models import Ticket
from deploy.demo.flows import State, post, signed
from deploy.demo.story import TICKETS, Chapter
from deploy.demo.world import Place

TEMPLATE = "answer-support-ticket"
SOURCE, NAME, KIND = "helpdesk", "Helpdesk", "tickets"
DOCUMENTS = Path(__file__).parents[3] / "tests" / "data" / "demo" / "knowledge"
_OUTCOMES = {"answered": "answered", "handed_over": "handed over"}


def send(place: Place, chapter: Chapter, *, number: int) -> str:
    ticket = TICKETS[chapter.file]
    body = json.dumps(
        {
            "id": str(number),
            "subject": ticket.subject,
            "body": ticket.body,
            "requester": {"name": ticket.name, "email": ticket.email},
        },
        ensure_ascii=False,
    ).encode()
    headers = {
        "Content-Type": "application/json",
        **signed(body, place.secrets[SOURCE], number=number),
    }
    return post(place, SOURCE, body, headers, copies=chapter.copies)


def look(event_id: str) -> State | None:
    ticket = Ticket.objects.filter(event_id=event_id).first()
    if ticket is None:
        return None
    answer = latest_answer("ticket", ticket.pk)
    return State(
        "ticket",
        ticket.pk,
        f"{ticket.intent.replace('_', ' ')}, answer {answer.confidence:.0%} sure" if answer else "",
        answer.verdict if answer else "",
        _OUTCOMES.get(ticket.status, ""),
    )
