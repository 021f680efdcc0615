"""Tickets as members see them: sorted, answered with marked sources, corrected, approved."""

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from controlplane.knowledge.answers.models import Answer
from controlplane.knowledge.answers.services import answer_subject
from controlplane.support import services
from controlplane.support.models import Ticket, TriageExample
from tenants.context import inside
from tenants.models import Member, Partner, Tenant
from tests.factories import knowledge, support
from tests.factories.approvals import make_execution_actor

Browser = Callable[..., Client]
# Who it is and where, then the number of tickets, the tickets, and the tabs.
QUERIES_OF_LIST = 12
HOSTILE = "<script>alert(1)</script> & <b>refund</b>"


@pytest.fixture
def ticket(north: Tenant) -> Ticket:
    """Sorted as a refund's; nothing was answered yet."""
    with inside(north):
        ticket = support.make_ticket(HOSTILE, subject="Where is <i>it</i>?")
        ticket.status, ticket.intent, ticket.intent_confidence = "triaged", "refund_status", 0.61
        ticket.urgency, ticket.urgency_confidence = "critical", 0.9
        ticket.language, ticket.language_confidence = "en", 0.999
        ticket.triage = {
            "words": [{"word": "refund", "weight": 2.0}, {"word": "is", "weight": 1.0}],
            "alternatives": [{"intent": "return_request", "confidence": 0.27}],
            "urgency_reasons": [{"rule": "legal", "urgency": "critical", "words": "lawyer"}],
            "threshold": 0.72,
        }
        ticket.triage_model, ticket.triaged_at = "comes with Pergola", timezone.now()
        ticket.save()
        return ticket


@pytest.fixture
def answered(north: Tenant) -> Answer:
    """By the real services, from a document whose text means mischief."""
    with inside(north):
        knowledge.approved(
            "Refunds are paid within five working days & <em>never</em> later "
            "than ten days. Ask <script>alert(2)</script> nobody about refunds.\n",
            filename="refunds.txt",
            title="Refunds <u>2026</u>",
        )
        ticket = support.make_ticket("How many working days until refunds are paid?")
        return answer_subject(
            subject_type="ticket", subject_id=ticket.pk, by=make_execution_actor()
        )


def _page(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert not re.search(r"<style|<script>|\sstyle=|\son\w+=|javascript:|hx-on", page)
    assert not re.search(r"\{[%{#]|[%#}]\}", page)
    assert page.count("<h1") == 1
    return page


def test_the_list_searches_counts_and_survives_nonsense(
    north: Tenant, browser: Browser, ticket: Ticket
) -> None:
    client = browser(north, role="viewer")
    page = _page(client, "/tickets/")
    assert "Where is &lt;i&gt;it&lt;/i&gt;?" in page
    assert "Where is my refund?" in page  # what refund_status is called
    assert "61%" in page
    assert "Critical" in page
    assert re.search(r'New<span class="tab-count">1</span>', page)
    assert ticket.number in _page(client, f"/tickets/?status=new&q={ticket.number}+refund")
    assert "Nothing fits" in _page(client, "/tickets/?q=elephant")
    assert "Nothing here" in _page(client, "/tickets/?status=answered")
    odd = client.get("/tickets/?q=%00&sort=-password&status=what&page=-3")
    assert ticket.number in odd.content.decode()


def test_an_empty_list_says_how_tickets_come(north: Tenant, browser: Browser) -> None:
    page = _page(browser(north), "/tickets/")
    assert "No tickets yet" in page
    assert 'href="/support/"' in page


def test_a_poll_is_answered_with_nothing_while_nothing_changes(
    north: Tenant, browser: Browser, ticket: Ticket
) -> None:
    client = browser(north)
    part = client.get("/tickets/", headers={"hx-request": "true"}).content.decode()
    assert "<html" not in part
    seen = re.search(r'"X-Seen": "(\w+)"', part)
    assert seen is not None
    again = {"hx-request": "true", "x-seen": seen[1]}
    assert client.get("/tickets/", headers=again).status_code == 204


def test_the_number_of_queries_does_not_grow_with_the_list(
    north: Tenant, browser: Browser, ticket: Ticket, django_assert_num_queries: Any
) -> None:
    client = browser(north)
    client.get("/tickets/")
    with inside(north):
        for number in range(8):
            support.make_ticket(f"Question {number}")
    with django_assert_num_queries(QUERIES_OF_LIST):
        client.get("/tickets/")


def test_the_page_says_how_it_was_sorted_and_why(
    north: Tenant, browser: Browser, ticket: Ticket
) -> None:
    page = _page(browser(north), f"/tickets/{ticket.pk}/")
    assert '&lt;b&gt;<mark class="mark-word">refund</mark>&lt;/b&gt;' in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    for words in ("Not sure", "61%", "Return", "27%", "lawyer", "English", "comes with Pergola"):
        assert words in page
    # 99.9 % is not “sure”.
    assert "99%" in page
    assert "100%" not in page
    assert 'class="bar-mark" x="71.6"' in page
    assert "Your documents have not been asked yet." in page


def test_the_answer_stands_beside_its_marked_sources(
    north: Tenant, browser: Browser, answered: Answer
) -> None:
    page = _page(browser(north), f"/tickets/{answered.subject_id}/")
    sentence = answered.sentences[0]
    assert sentence["text"].startswith("Refunds are paid within five working days")
    assert 'href="#mark-1-1"' in page
    source = page[page.index('id="source-1"') :]
    assert re.search(
        r'<mark id="mark-1-1">Refunds are paid within five working days &amp; '
        r"&lt;em&gt;never&lt;/em&gt; later than ten days\.</mark>",
        source,
    )
    assert "Ask &lt;script&gt;alert(2)&lt;/script&gt; nobody" in source
    assert "Refunds &lt;u&gt;2026&lt;/u&gt;" in source
    cited = sentence["citations"][0]
    link = re.search(r'href="(/knowledge/documents/[^"]+)"', source)
    assert link is not None
    assert f"from={cited['start']}&amp;to={cited['end']}#passage-{cited['chunk_id']}" in link[1]
    document = _page(browser(north, name="vic"), link[1].replace("&amp;", "&").partition("#")[0])
    assert "<mark>Refunds are paid within five" in document
    assert "Quoted from your documents, word for word." in page


def test_the_confidence_is_shown_against_the_thresholds_that_it_went_by(
    north: Tenant, browser: Browser, answered: Answer
) -> None:
    page = _page(browser(north), f"/tickets/{answered.subject_id}/")
    assert "under 40%: handed over to a person" in page
    assert "from 85%: sent by itself" in page
    assert 'x="39.6"' in page
    assert 'x="84.6"' in page
    with inside(north):
        Answer.objects.update(confidence=0.9, verdict="hold")
    assert "a rule says otherwise" in _page(
        browser(north, name="bo"), f"/tickets/{answered.subject_id}/"
    )


def test_only_managers_see_what_the_model_was_told(
    north: Tenant, browser: Browser, answered: Answer
) -> None:
    with inside(north):
        Answer.objects.update(
            by_model=True, model="openai:<b>", prompt=[{"role": "user", "content": "<i>Q</i>"}],
            raw_output="<u>raw</u>", fallback="timeout",
            dropped=[{"text": "Made <up>", "reason": "not_in_source: 7"}],
        )  # fmt: skip
    address = f"/tickets/{answered.subject_id}/"
    page = _page(browser(north, role="manager"), address)
    for words in ("openai:&lt;b&gt;", "&lt;i&gt;Q&lt;/i&gt;", "&lt;u&gt;raw&lt;/u&gt;"):
        assert words in page
    assert "Made &lt;up&gt;" in page
    assert "is not in its source: 7" in page
    assert "did not answer in time" in page
    assert "&lt;i&gt;Q&lt;/i&gt;" not in _page(browser(north, name="al"), address)


def test_an_open_page_is_told_that_its_ticket_has_moved_on(
    north: Tenant, browser: Browser, ticket: Ticket
) -> None:
    client = browser(north)
    asks = re.search(r'hx-get="([^"]+/news/[^"]+)"', _page(client, f"/tickets/{ticket.pk}/"))
    assert asks is not None
    assert client.get(asks[1]).status_code == 204
    with inside(north):
        support.make_answer(ticket)
    assert client.get(asks[1]).headers["HX-Refresh"] == "true"
    with inside(north):
        Ticket.objects.update(received_at=timezone.now() - timedelta(minutes=3))
    assert "has moved on" in client.get(asks[1]).content.decode()


def test_a_correction_is_kept_and_teaches(north: Tenant, browser: Browser, ticket: Ticket) -> None:
    client = browser(north)
    form = {"intent": "complaint", "urgency": "high", "language": "de"}
    done = client.post(f"/tickets/{ticket.pk}/triage/", form, follow=True)
    assert "The next model learns from it" in done.content.decode()
    assert "Corrected by ada-north" in done.content.decode()
    with inside(north):
        ticket.refresh_from_db()
        example = TriageExample.objects.get(ticket=ticket)
    assert (ticket.intent, ticket.urgency, ticket.language) == ("complaint", "high", "de")
    assert (example.intent, example.origin) == ("complaint", "correction")


def test_a_correction_may_name_something_new(
    north: Tenant, browser: Browser, ticket: Ticket
) -> None:
    client, address = browser(north), f"/tickets/{ticket.pk}/triage/"
    form = {"intent": "+", "new_intent": "", "urgency": "low", "language": "en"}
    wrong = client.post(address, {**form, "new_intent": "7 <b>"})
    assert wrong.status_code == 422
    assert "beginning with a Latin letter" in wrong.content.decode()
    assert 'value="7 &lt;b&gt;"' in wrong.content.decode()
    assert client.post(address, {**form, "new_intent": "Boat hire"}).status_code == 302
    with inside(north):
        assert Ticket.objects.get(pk=ticket.pk).intent == "boat_hire"
    assert "Boat hire" in _page(client, f"/tickets/{ticket.pk}/")


def test_a_member_enters_a_ticket(north: Tenant, browser: Browser) -> None:
    client = browser(north)
    form = {"requester_email": "x", "requester_name": "Eve", "subject": "", "body": "Hello <b>"}
    wrong = client.post("/tickets/new/", form)
    assert wrong.status_code == 422
    assert "Hello &lt;b&gt;" in wrong.content.decode()
    form |= {"requester_email": "eve@example.com", "subject": "Telephone"}
    made = client.post("/tickets/new/", form)
    with inside(north):
        ticket = Ticket.objects.get()
    assert made.headers["Location"] == f"/tickets/{ticket.pk}/"
    assert (ticket.channel, ticket.body) == ("portal", "Hello <b>")


def test_what_was_sent_and_what_failed_is_told(
    north: Tenant, browser: Browser, ticket: Ticket
) -> None:
    with inside(north):
        answer = support.make_answer(ticket, text="Five days <b>.")
        Ticket.objects.filter(pk=ticket.pk).update(
            answer_id=answer.pk, replied_at=timezone.now(), mail="failed", status="answered",
            reply_text="Dear Kaja <b>, five days.", mail_problem="550 no such <mailbox>",
        )  # fmt: skip
    client = browser(north)
    page = _page(client, f"/tickets/{ticket.pk}/")
    assert "Dear Kaja &lt;b&gt;, five days." in page
    assert "550 no such &lt;mailbox&gt;" in page
    client.post(f"/tickets/{ticket.pk}/reply/")
    assert "On its way" in _page(client, f"/tickets/{ticket.pk}/")
    again = client.post(f"/tickets/{ticket.pk}/reply/")
    assert again.status_code == 409
    assert "needs no second try" in again.content.decode()


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("", "the requester of a test is made up"),
        ("help@partner.example", "A test, so to your partner: help@partner.example"),
    ],
)
def test_a_tests_reply_goes_to_no_made_up_person(
    north: Tenant, browser: Browser, address: str, told: str
) -> None:
    Partner.objects.filter(slug="partner-north").update(support_email=address)
    with inside(north):
        ticket = support.make_ticket(is_test=True)
        support.make_answer(ticket)
        services.reply_to_ticket(ticket_id=ticket.pk, by=support.make_machine())

    page = _page(browser(north), f"/tickets/{ticket.pk}/")

    assert told in page
    assert "To kaja@example.com" not in page
    assert ("A test: sent to nobody" in page) is (address == "")


def test_a_ticket_that_was_handed_over_is_closed_by_hand(
    north: Tenant, browser: Browser, ticket: Ticket
) -> None:
    with inside(north):
        services.hand_over(ticket_id=ticket.pk, reason="A <b>lawyer</b>", by=support.make_machine())
    client = browser(north)
    page = _page(client, f"/tickets/{ticket.pk}/")
    assert "A &lt;b&gt;lawyer&lt;/b&gt;" in page
    assert "Accounting" in page
    client.post(f"/tickets/{ticket.pk}/closing/")
    with inside(north):
        assert Ticket.objects.get(pk=ticket.pk).status == "closed"


def test_an_approval_shows_question_draft_and_sources(
    north: Tenant, browser: Browser, answered: Answer
) -> None:
    with inside(north):
        Answer.objects.update(verdict="hold")
        ticket = Ticket.objects.get(pk=answered.subject_id)
        approval = support.make_draft_approval(ticket)
    page = _page(browser(north), f"/approvals/{approval.pk}/")
    assert "How many working days until refunds are paid?" in page
    assert '<mark id="mark-1-1">Refunds are paid within five' in page
    assert f'href="/tickets/{ticket.pk}/"' in page
    assert 'data-testid="approve"' in page


def test_viewers_look_and_change_nothing(north: Tenant, browser: Browser, ticket: Ticket) -> None:
    client = browser(north, role=Member.Role.VIEWER)
    page = _page(client, f"/tickets/{ticket.pk}/")
    assert "Correct it" not in page
    assert "New ticket" not in _page(client, "/tickets/")
    form = {"intent": "complaint", "urgency": "high", "language": "de"}
    for part in ("triage", "reply", "closing"):
        refused = client.post(f"/tickets/{ticket.pk}/{part}/", form)
        assert refused.status_code == 403
        assert "“Approver”" in refused.content.decode()
    assert client.post("/tickets/new/", {}).status_code == 403
    with inside(north):
        assert Ticket.objects.get(pk=ticket.pk).intent == "refund_status"


def test_another_tenants_ticket_is_not_found(
    south: Tenant, browser: Browser, ticket: Ticket
) -> None:
    client = browser(south, role="manager")
    form = {"intent": "complaint", "urgency": "high", "language": "de"}
    assert client.get(f"/tickets/{ticket.pk}/").status_code == 404
    assert client.get(f"/tickets/{uuid.uuid4()}/").status_code == 404
    assert client.get(f"/tickets/{ticket.pk}/news/").status_code == 404
    for part in ("triage", "reply", "closing"):
        assert client.post(f"/tickets/{ticket.pk}/{part}/", form).status_code == 404


def test_it_is_all_there_in_german(
    north: Tenant,
    browser: Browser,
    make_member: Callable[..., Member],
    ticket: Ticket,
    answered: Answer,
) -> None:
    member = make_member(north, role="manager")
    member.language = "de"
    member.save()
    client = browser(north, member=member)
    assert "Entwurf wartet" in _page(client, "/tickets/")
    page = _page(client, f"/tickets/{ticket.pk}/")
    for words in ("Wo ist meine Erstattung?", "61\u00a0%", "Kritisch", "Englisch", "Rücksendung"):
        assert words in page
    answer = _page(client, f"/tickets/{answered.subject_id}/")
    assert "unter 40\u00a0%: wird einem Menschen übergeben" in answer
    assert "Wörtlich aus Ihren Dokumenten zitiert." in answer
