"""The answers that knowledge gave to a ticket."""

import uuid
from dataclasses import dataclass
from typing import Any

from controlplane.knowledge.models import Answer


@dataclass(frozen=True)
class Draft:
    """`citations` are dicts of document, title, url, version, start, end and quote."""

    answer_id: uuid.UUID
    verdict: str
    confidence: float
    text: str
    citations: list[dict[str, Any]]
    reasons: list[dict[str, str]]


def newest_draft(ticket_id: uuid.UUID) -> Draft | None:
    """What was answered last; an older answer is sent no more."""
    answer = (
        Answer.objects.filter(subject_type="ticket", subject_id=ticket_id)
        .order_by("-created_at", "-id")
        .first()
    )
    if answer is None:
        return None
    return Draft(
        answer_id=answer.pk,
        verdict=answer.verdict,
        confidence=float(answer.confidence or 0),
        text=answer.text,
        citations=answer.citations,
        reasons=answer.reasons,
    )
