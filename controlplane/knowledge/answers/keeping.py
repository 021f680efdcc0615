"""Judging a draft by the tenant's policies, and keeping it with all that led to it."""

import hashlib
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import rfc8785
from django.db import transaction

from controlplane.audit.models import Entry
from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.models import new_id
from controlplane.core.text import made_storable
from controlplane.knowledge.answers import prompt
from controlplane.knowledge.answers.confidence import Features, confidence_of
from controlplane.knowledge.answers.drafts import Draft
from controlplane.knowledge.answers.models import Answer
from controlplane.knowledge.answers.subjects import Question
from controlplane.knowledge.contexts import CONTEXT, facts_of
from controlplane.knowledge.models import DocumentVersion
from controlplane.knowledge.retrieval import Passage
from controlplane.policies.models import Decision
from controlplane.policies.parameters import parameters_for
from controlplane.policies.services import evaluate

SUBJECT = "answer"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A question on its way to an answer. `began` is monotonic time; the parameters are those of
    the installation, where one asks."""

    question: Question
    subject: tuple[str, uuid.UUID] | None
    installation_id: uuid.UUID | None
    language: str
    passages: Sequence[Passage]
    source_language: str
    features: Features
    draft: Draft
    began: float

    @property
    def kind(self) -> str:
        return self.subject[0] if self.subject else ""

    @property
    def subject_id(self) -> uuid.UUID | None:
        return self.subject[1] if self.subject else None

    @property
    def confidence(self) -> float:
        if not self.passages:
            return 0.0
        is_dense = any(passage.similarity is not None for passage in self.passages)
        return confidence_of(self.features, is_dense=is_dense) * self.draft.trust


@transaction.atomic
def keep_answer(attempt: Attempt, *, by: Actor) -> Answer:
    """Less what is cited of a version that was withdrawn meanwhile."""
    draft = attempt.draft.without_versions(_withdrawn(attempt.draft))
    attempt = replace(attempt, draft=draft)
    answer_id = new_id()
    decision = _judged(attempt, answer_id, by)
    entry = _recorded(attempt, answer_id, decision, by)
    execution = by.execution
    return Answer.objects.create(
        id=answer_id,
        **_as_asked(attempt),
        **_as_drafted(draft),
        seconds=round(time.monotonic() - attempt.began, 3),
        verdict=decision.verdict,
        reasons=decision.reasons,
        decision_id=decision.pk,
        answered_by=by.label,
        workflow_id=execution.workflow_id if execution else "",
        execution_id=execution.execution_id if execution else "",
        audit_sequence=entry.sequence,
    )


def _judged(attempt: Attempt, answer_id: uuid.UUID, by: Actor) -> Decision:
    return evaluate(
        context=CONTEXT,
        subject_type=SUBJECT,
        subject_id=answer_id,
        data=facts_of(
            attempt.draft,
            attempt.question,
            kind=attempt.kind,
            confidence=attempt.confidence,
            passage_count=len(attempt.passages),
            question_language=attempt.language,
            source_language=attempt.source_language,
        ),
        parameters=parameters_for(attempt.installation_id),
        event_id=None,
        models_used={"model": attempt.draft.model, "fallback": attempt.draft.fallback},
        snapshot=",".join(sorted({str(c.version_id) for c in attempt.draft.citations}))[:200],
        by=by,
    )


def _recorded(attempt: Attempt, answer_id: uuid.UUID, decision: Decision, by: Actor) -> Entry:
    draft = attempt.draft
    return record(
        action="answer.drafted",
        subject_type=SUBJECT,
        subject_id=str(answer_id),
        data={
            "about": f"{attempt.kind} {attempt.subject_id}" if attempt.subject else "",
            "verdict": decision.verdict,
            "reasons": [reason["code"] for reason in decision.reasons],
            "decision_id": str(decision.pk),
            "confidence_percent": int(attempt.confidence * 100),
            "by_model": draft.by_model,
            "model": made_storable(draft.model)[:120],
            "prompt_version": prompt.VERSION if draft.by_model else "",
            "prompt_sha256": _digest(draft.prompt) if draft.prompt else "",
            "output_sha256": hashlib.sha256(draft.raw.encode()).hexdigest() if draft.raw else "",
            "fallback": draft.fallback,
            "versions": sorted({str(citation.version_id) for citation in draft.citations}),
            "text_sha256": hashlib.sha256(draft.text.encode()).hexdigest(),
        },
        by=by,
    )


def _digest(prompt_sent: list[dict[str, str]]) -> str:
    """Of what the model was told, which the answer's own row keeps."""
    return hashlib.sha256(rfc8785.dumps(prompt_sent)).hexdigest()


def _as_asked(attempt: Attempt) -> dict[str, Any]:
    return {
        "question": attempt.question.text,
        "subject_type": attempt.kind,
        "subject_id": attempt.subject_id,
        "language": attempt.language,
        "passages": [_as_seen(passage) for passage in attempt.passages],
        "confidence": attempt.confidence,
        "features": {name: round(value, 4) for name, value in asdict(attempt.features).items()},
    }


def _as_drafted(draft: Draft) -> dict[str, Any]:
    return {
        "text": made_storable(draft.text),
        "sentences": [sentence.as_json() for sentence in draft.sentences],
        "citations": [citation.as_json() for citation in draft.citations],
        "dropped": [dropped.as_json() for dropped in draft.dropped],
        "by_model": draft.by_model,
        "model": made_storable(draft.model)[:120],
        "parameters": draft.parameters,
        "prompt": draft.prompt,
        "raw_output": made_storable(draft.raw),
        "fallback": draft.fallback,
        "fallback_detail": made_storable(draft.fallback_detail),
        "tokens_in": draft.tokens_in,
        "tokens_out": draft.tokens_out,
    }


def _withdrawn(draft: Draft) -> set[uuid.UUID]:
    """Versions that the draft cites and that are approved no more, since the model took its time.

    Those that are stay so until the commit: retiring waits for the lock.
    """
    cited = {citation.version_id for citation in draft.citations}
    standing = DocumentVersion.objects.searchable().filter(pk__in=cited)
    locked = standing.select_for_update(of=("self",)).values_list("pk", flat=True)
    return cited - set(locked)


def _as_seen(passage: Passage) -> dict[str, Any]:
    return {
        "chunk_id": str(passage.chunk_id),
        "document": str(passage.document_id),
        "title": passage.title,
        "version": passage.version,
        "heading": passage.heading,
        "text": passage.text,
        "start": passage.start,
        "end": passage.end,
        "keyword_rank": passage.keyword_rank,
        "dense_rank": passage.dense_rank,
        "keyword_score": passage.keyword_score,
        "similarity": passage.similarity,
    }
