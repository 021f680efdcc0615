"""Answers quoted from real documents in PostgreSQL: judged and kept."""

import uuid

import pytest

from controlplane.audit.models import Entry
from controlplane.audit.services import verify_chain
from controlplane.knowledge.answers.services import (
    AnswerUnknown,
    QuestionMissing,
    answer_question,
    answer_subject,
    get_answer,
    latest_answer,
)
from controlplane.knowledge.answers.subjects import Question, QuestionSourceUnknown
from controlplane.knowledge.models import Answer
from controlplane.policies import parameters
from controlplane.policies.models import Decision
from tests.factories import knowledge as factory
from tests.factories.answers import (
    MACHINE,
    RETURN_QUESTION,
    ask,
    assert_quotes_are_exact,
    codes,
)


def test_a_sure_answer_is_quoted_and_accepted(faq) -> None:
    answer = ask()

    assert answer.verdict == "accept"
    assert answer.text.startswith("Goods may be returned within 30 days of delivery.")
    assert answer.confidence >= 0.85
    assert (answer.by_model, answer.model, answer.prompt, answer.fallback) == (False, "", None, "")
    assert_quotes_are_exact(answer)
    assert {citation["title"] for citation in answer.citations} == {"FAQ"}
    assert answer.reasons == []


def test_prose_is_quoted_by_the_sentence(tenant) -> None:
    factory.approved()
    answer = ask("How long after delivery may goods be returned?")

    assert answer.sentences[0]["text"] == "Goods may be returned within 30 days of delivery."
    assert_quotes_are_exact(answer)


def test_everything_is_kept(faq) -> None:
    answer = Answer.objects.get(pk=ask().pk)

    assert answer.question == RETURN_QUESTION
    assert answer.language == "en"
    assert answer.passages[0]["text"].startswith("Goods may be returned")
    assert answer.passages[0]["heading"] == "How long can I return goods?"
    assert set(answer.features) == {
        "similarity", "coverage", "heading", "lead", "agreement", "answerable",
    }  # fmt: skip
    assert (answer.workflow_id, answer.execution_id) == ("wf1", "77")
    assert answer.answered_by == "test key"
    assert answer.seconds > 0
    decision = Decision.objects.get(pk=answer.decision_id)
    assert (decision.context, decision.subject_id) == ("answer", answer.pk)
    entry = Entry.objects.get(sequence=answer.audit_sequence)
    assert (entry.action, entry.subject_id) == ("answer.drafted", str(answer.pk))
    assert verify_chain().broken_at is None


def test_nothing_is_answered_where_nothing_is_known(tenant) -> None:
    answer = ask()

    assert (answer.verdict, answer.text, answer.confidence) == ("reject", "", 0)
    assert codes(answer) == ["no_source"]
    assert answer.passages == answer.citations == []


def test_a_question_beside_the_knowledge_is_handed_over(faq) -> None:
    answer = ask("Would you like to sponsor our youth regatta with your logo on the sails?")

    assert answer.verdict == "reject"
    assert codes(answer) == ["not_sure_enough"]
    assert answer.text, "kept for operators"
    assert (answer.shown_text, answer.shown_citations) == ("", [])


def test_the_same_question_gets_the_same_confidence(faq) -> None:
    assert ask().confidence == ask().confidence


@pytest.mark.parametrize(
    ("reply_above", "draft_above", "verdict"),
    [(0, 0, "accept"), (100, 40, "hold"), (100, 100, "reject")],
)
def test_limits_are_the_installations(faq, monkeypatch, reply_above, draft_above, verdict) -> None:
    limits = {"reply_above": reply_above, "draft_above": draft_above}
    monkeypatch.setattr(parameters, "_provider", lambda installation_id: limits)

    assert ask().verdict == verdict


def test_a_critical_question_is_read_by_a_person(faq) -> None:
    answer = ask(facts={"urgency": "critical", "intent": "returns", "is_test": False})

    assert (answer.verdict, codes(answer)) == ("hold", ["critical_urgency"])


def test_another_language_is_read_by_a_person(faq, monkeypatch) -> None:
    generous = {"reply_above": 0, "draft_above": 0}
    monkeypatch.setattr(parameters, "_provider", lambda installation_id: generous)

    answer = ask("Wie lange kann ich die bestellten goods nach der Lieferung zurückgeben?")
    assert (answer.language, answer.verdict, codes(answer)) == ("de", "hold", ["other_language"])
    assert "“de”" in answer.reasons[0]["message"]
    assert ask("goods?").verdict == "accept", "too short to tell"


def test_documents_in_the_questions_language_come_first(faq) -> None:
    german = factory.approved(
        "frage,antwort\nWie lange kann ich Ware zurückgeben?,Sie haben 30 Tage Zeit.\n",
        collection=factory.make_collection("hilfe", "de"),
        filename="faq.csv",
        title="Hilfe",
    )
    answer = ask("Wie lange kann ich Ware nach der Lieferung zurückgeben?")

    assert answer.text == "Sie haben 30 Tage Zeit."
    assert {citation["document"] for citation in answer.citations} == {str(german.document_id)}
    assert "other_language" not in codes(answer)
    assert "30 days" in ask().text


def test_collections_narrow(faq) -> None:
    elsewhere = answer_question(
        question=Question(RETURN_QUESTION), collections=["manual"], by=MACHINE
    )
    assert codes(elsewhere) == ["no_source"]


@pytest.mark.parametrize("text", ["", "   ", "\x00"])
def test_an_empty_question_is_refused(faq, text) -> None:
    if text == "\x00":
        assert ask(text).verdict == "reject"
        return
    with pytest.raises(QuestionMissing):
        ask(text)


@pytest.mark.parametrize(
    "text",
    ["'; DROP TABLE x; --", "goods " * 4000, "\ud800 goods", "😀", "%s {0} {answer}", "返品"],
)
def test_odd_questions_break_nothing(faq, text) -> None:
    assert ask(text).verdict in {"accept", "hold", "reject"}


def test_a_subject_asks(faq, source) -> None:
    letter = source(RETURN_QUESTION, language="en", facts={"urgency": "critical"}, url="/l/1")
    answer = answer_subject(subject_type="letter", subject_id=letter, by=MACHINE)

    assert (answer.subject_type, answer.subject_id) == ("letter", letter)
    assert codes(answer) == ["critical_urgency"]
    assert latest_answer("letter", letter) == answer == get_answer(answer.pk)
    again = answer_subject(subject_type="letter", subject_id=letter, by=MACHINE)
    assert latest_answer("letter", letter) == again
    assert latest_answer("letter", uuid.uuid4()) is None


def test_unknown_subjects_and_answers_are_said(tenant, source) -> None:
    with pytest.raises(QuestionSourceUnknown, match="Known: letter"):
        answer_subject(subject_type="parrot", subject_id=uuid.uuid4(), by=MACHINE)
    with pytest.raises(AnswerUnknown):
        get_answer(uuid.uuid4())
