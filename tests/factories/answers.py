"""Questions, what a model says, and what an answer must always keep."""

import json
from typing import Any

from controlplane.core.actor import Actor, ActorKind, Execution
from controlplane.knowledge.answers.services import answer_question
from controlplane.knowledge.answers.subjects import Question
from controlplane.knowledge.models import Answer, DocumentVersion

MACHINE = Actor(
    ActorKind.MACHINE, "key", "test key", execution=Execution("wf1", "77", "Answer", "0:0")
)
FAQ = """question,answer
How long can I return goods?,"Goods may be returned within 30 days of delivery. The label is in \
the box."
What does shipping cost?,Shipping costs 4.90 EUR within Germany. From 150 EUR on it is free.
Where do I get a copy of my invoice?,Your invoices are in your account under Orders.
Do you deliver to islands?,We deliver to all islands with a post office.
"""
RETURN_QUESTION = "How long can I return goods after delivery?"


def ask(text: str = RETURN_QUESTION, **kwargs: Any) -> Answer:
    return answer_question(question=Question(text, **kwargs), by=MACHINE)


def codes(answer: Answer) -> list[str]:
    return [reason["code"] for reason in answer.reasons]


def said(*sentences: tuple[str, list[int]]) -> str:
    """As a model answers: each sentence with the numbers of the passages that it cites."""
    return json.dumps({"sentences": [{"text": text, "citations": c} for text, c in sentences]})


def assert_quotes_are_exact(answer: Answer) -> None:
    for sentence in answer.sentences:
        assert sentence["citations"], "every sentence has its source"
        for citation in sentence["citations"]:
            version = DocumentVersion.objects.get(
                document=citation["document"], number=citation["version"]
            )
            assert version.text[citation["start"] : citation["end"]] == citation["quote"]
            assert version.chunks.filter(pk=citation["chunk_id"]).exists()
