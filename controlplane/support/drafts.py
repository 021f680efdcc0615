"""The answers that knowledge gave to a ticket, as replies need them."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from controlplane.knowledge.answers.models import Answer
from controlplane.knowledge.answers.services import get_answer, latest_answer
from controlplane.knowledge.models import DocumentVersion


@dataclass(frozen=True)
class Draft:
    """`citations` are dicts of document, title, url, version, start, end and quote."""

    answer_id: uuid.UUID
    question: str
    verdict: str
    confidence: float
    text: str
    citations: list[dict[str, Any]]
    reasons: list[dict[str, str]]
    decision_id: uuid.UUID


def newest_draft(ticket_id: uuid.UUID) -> Draft | None:
    """What was answered last; an older answer is sent no more."""
    answer = latest_answer("ticket", ticket_id)
    return _draft(answer) if answer else None


def draft_named(answer_id: uuid.UUID) -> Draft:
    """Raises AnswerUnknown."""
    return _draft(get_answer(answer_id))


def withdrawn_sources(draft: Draft) -> list[str]:
    """Titles of cited documents whose cited version is approved no more.

    In the caller's transaction: those that are approved stay so until its commit.
    """
    cited = {(str(found["document"]), int(found["version"])) for found in draft.citations}
    if not cited:
        return []
    wanted = Q()
    for document, number in cited:
        wanted |= Q(document_id=document, number=number)
    standing = {
        (str(document), number)
        for document, number in DocumentVersion.objects.searchable()
        .filter(wanted)
        .select_for_update(of=("self",))
        .values_list("document_id", "number")
    }
    return sorted(
        {
            str(found["title"])
            for found in draft.citations
            if (str(found["document"]), int(found["version"])) not in standing
        }
    )


def _draft(answer: Answer) -> Draft:
    return Draft(
        answer_id=answer.pk,
        question=answer.question,
        verdict=answer.verdict,
        confidence=answer.confidence,
        text=answer.shown_text,
        citations=answer.shown_citations,
        reasons=answer.reasons,
        decision_id=answer.decision_id,
    )
