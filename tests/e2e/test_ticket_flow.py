"""The third flow in a real n8n: a ticket is sorted, answered with its sources, or handed over."""

from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from controlplane.knowledge.answers.services import latest_answer
from controlplane.support.models import Ticket
from deploy.demo.story import STORY, TICKETS, Chapter
from tenants.context import inside
from tests.e2e.following import Followed, chapter_of, play, send, subject_id

pytestmark = pytest.mark.e2e

CHAPTERS = [chapter for chapter in STORY if chapter.flow == "tickets"]


def replies_to(followed: Followed) -> list[EmailMessage]:
    """What was written to the customer about this ticket."""
    with inside(followed.place.tenant):
        ticket = Ticket.objects.get(pk=subject_id(followed))
    # Mails outlive a database, whose next one counts its tickets from the start.
    since = ticket.received_at.timestamp()
    address = TICKETS[followed.chapter.file].email
    found = []
    for path in Path(settings.EMAIL_FILE_PATH).iterdir():
        if path.stat().st_mtime < since:
            continue
        for text in path.read_bytes().split(b"-" * 79):
            message = message_from_bytes(text.strip(), policy=policy.default)
            if address in str(message["To"]) and ticket.number in f"{message['Subject']}{text!r}":
                found.append(message)
    return found


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda c: f"{c.tenant}/{c.file}")
def test_a_ticket_ends_as_the_story_says(running: Any, eventually: Any, chapter: Chapter) -> None:
    followed = play(running, eventually, chapter)

    state = followed.state()
    assert (state.verdict, state.outcome) == (chapter.verdict, chapter.outcome)
    eventually(lambda: followed.execution().status == "success", what="the execution ends")


def test_an_answer_goes_out_once_with_its_source(running: Any, eventually: Any) -> None:
    followed = play(running, eventually, chapter_of("tickets", "return-window"))

    (reply,) = eventually(lambda: replies_to(followed), what="the reply in the mail folder")
    text = reply.get_body(("plain",)).get_content()
    assert "30 days" in text
    assert "Returns" in text  # the document that says so
    with inside(followed.place.tenant):
        answer = latest_answer("ticket", subject_id(followed))
        citation = answer.sentences[0]["citations"][0]
    assert citation["document"] or citation["title"]
    assert "30 days" in citation["quote"]


def test_a_draft_waits_and_nothing_is_sent_before_somebody_read_it(
    running: Any, eventually: Any
) -> None:
    followed = send(running, chapter_of("tickets", "lost-package"))
    approval = eventually(followed.waiting, what="n8n waits")
    assert replies_to(followed) == []

    followed.decide("approve", "Fine.")

    assert eventually(followed.outcome) == "answered"
    eventually(lambda: len(replies_to(followed)) == 1, what="the reply in the mail folder")
    assert approval.title.startswith("Reply to")


def test_a_draft_that_is_refused_is_handed_over(running: Any, eventually: Any) -> None:
    followed = send(running, chapter_of("tickets", "lost-package"))
    eventually(followed.waiting, what="n8n waits")

    followed.decide("reject", "Let me call her.")

    assert eventually(followed.outcome) == "handed over"
    assert replies_to(followed) == []


def test_n8n_does_not_hold_the_customers_words(running: Any, eventually: Any) -> None:
    followed = play(running, eventually, chapter_of("tickets", "sponsorship"))

    execution = eventually(lambda: (e := followed.execution()).status == "success" and e)
    data = str(execution.data)
    assert str(subject_id(followed)) in data
    for private in (TICKETS["sponsorship"].email, "regatta", "sponsor"):
        assert private not in data.lower()
