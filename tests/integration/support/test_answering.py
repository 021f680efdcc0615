"""A ticket's whole way, with real documents: sorted, answered from what is approved, replied to."""

import pytest
from django.core.mail import EmailMessage

from controlplane.approvals.models import Approval
from controlplane.knowledge.answers.services import answer_subject
from controlplane.knowledge.services.approval import retire_document
from controlplane.policies.models import Decision
from controlplane.support import model_in_use, sending
from controlplane.support.models import Ticket
from controlplane.support.services import ReplyNotAllowed, reply_to_ticket
from tenants.models import Tenant
from tests.factories.approvals import make_execution_actor
from tests.factories.knowledge import GRACE, approved
from tests.factories.support import decide, make_draft_approval, make_triaged

PEOPLE = make_execution_actor()


@pytest.fixture(autouse=True)
def _words_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_in_use.embedding, "available", lambda: False)


def test_a_ticket_is_answered_from_an_approved_document(
    tenant: Tenant, mailoutbox: list[EmailMessage]
) -> None:
    approved(source_url="https://help.example.com/returns")
    ticket = make_triaged("When are refunds paid after the parcel has arrived?")

    answer = answer_subject(subject_type="ticket", subject_id=ticket.pk, by=PEOPLE)
    if answer.verdict == "hold":
        approval = make_draft_approval(ticket)
        assert "five working days" in approval.summary
        assert "- Returns (https://help.example.com/returns)" in approval.summary
        decide(approval)
    reply_to_ticket(ticket_id=ticket.pk, answer_id=answer.pk, by=PEOPLE)
    sending.send_reply(ticket.pk)

    ticket.refresh_from_db()
    assert (ticket.status, ticket.mail) == ("answered", "sent")
    assert "five working days" in mailoutbox[0].body
    assert "Returns: https://help.example.com/returns" in mailoutbox[0].body
    assert Decision.objects.filter(context="answer").exists()


def test_a_document_that_is_retired_meanwhile_is_not_sent(tenant: Tenant) -> None:
    version = approved()
    ticket = make_triaged("When are refunds paid after the parcel has arrived?")
    answer = answer_subject(subject_type="ticket", subject_id=ticket.pk, by=PEOPLE)
    if answer.verdict == "hold":
        decide(make_draft_approval(ticket))
    retire_document(document_id=version.document_id, by=GRACE)

    with pytest.raises(ReplyNotAllowed, match="withdrawn"):
        reply_to_ticket(ticket_id=ticket.pk, by=PEOPLE)
    assert Ticket.objects.get(pk=ticket.pk).replied_at is None


def test_a_question_that_nothing_answers_is_put_to_nobody(tenant: Tenant) -> None:
    approved()
    ticket = make_triaged("Would you sponsor our regatta?")

    answer = answer_subject(subject_type="ticket", subject_id=ticket.pk, by=PEOPLE)

    assert answer.verdict == "reject"
    with pytest.raises(ReplyNotAllowed):
        reply_to_ticket(ticket_id=ticket.pk, answer_id=answer.pk, by=PEOPLE)
    assert not Approval.objects.exists()
