"""The node operation Knowledge → Answer, through its door."""

import uuid

from controlplane.knowledge.models import Answer
from tenants.context import outside
from tests.factories.answers import (
    RETURN_QUESTION,
)

PATH = "/api/v1/operations/knowledge/answer"


def test_the_operation_answers_as_declared(faq, machine, north, source) -> None:
    letter = source(RETURN_QUESTION, url="https://north.example/letters/1/")
    with outside():
        call = machine(north, ["knowledge:answer"]).post
        body = {"subject_type": "letter", "subject_id": str(letter)}
        answered = call(PATH, body, "application/json")
        assert answered.status_code == 200, answered.content
        given = answered.json()
    assert given["verdict"] == "accept"
    assert given["answer"].startswith("Goods may be returned within 30 days")
    assert 0.85 <= given["confidence"] <= 1
    assert (given["subject_type"], given["subject_id"]) == ("letter", str(letter))
    assert given["url"] == "https://north.example/letters/1/"
    assert (given["model"], given["reasons"]) == ("", [])
    (citation, *_rest) = given["citations"]
    assert set(citation) == {"document", "title", "url", "version", "start", "end", "quote"}
    assert faq.text[citation["start"] : citation["end"]] == citation["quote"]


def test_a_question_by_itself(faq, machine, north) -> None:
    with outside():
        call = machine(north, ["knowledge:answer"]).post
        answered = call(PATH, {"question": RETURN_QUESTION, "subject_id": ""}, "application/json")
        assert answered.status_code == 200, answered.content
        given = answered.json()
        assert (given["subject_type"], given["subject_id"]) == ("", None)
        assert given["url"].endswith(f"/knowledge/answers/{given['answer_id']}/")
        for body in ({}, {"question": " "}, {"subject_type": "x", "subject_id": str(uuid.uuid4())}):
            assert call(PATH, body, "application/json").status_code == 422


def test_a_rejected_answer_does_not_leave(faq, machine, north) -> None:
    with outside():
        call = machine(north, ["knowledge:answer"]).post
        given = call(PATH, {"question": "Do you sponsor regattas?"}, "application/json").json()
    assert (given["verdict"], given["answer"], given["citations"]) == ("reject", "", [])
    assert Answer.objects.get(pk=given["answer_id"]).text


def test_the_same_call_again_changes_nothing(faq, machine, north) -> None:
    with outside():
        client = machine(north, ["knowledge:answer"])
        first, again = (
            client.post(
                PATH,
                {"question": RETURN_QUESTION},
                "application/json",
                headers={"idempotency-key": "run 1"},
            )
            for _ in range(2)
        )
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Answer.objects.count() == 1


def test_the_scope_is_needed(faq, machine, north) -> None:
    with outside():
        refused = machine(north, ["orders:review"]).post(
            PATH, {"question": RETURN_QUESTION}, "application/json"
        )
    assert refused.status_code == 403
