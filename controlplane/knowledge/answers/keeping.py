"""Judging a draft by the tenant's policies, and keeping it with all that led to it."""

import hashlib
import time
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.db import transaction

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.models import new_id
from controlplane.core.text import made_storable
from controlplane.knowledge.answers.confidence import Features, confidence_of
from controlplane.knowledge.answers.drafts import Draft
from controlplane.knowledge.answers.models import Answer
from controlplane.knowledge.answers.subjects import Question
from controlplane.knowledge.contexts import CONTEXT, facts_of
from controlplane.knowledge.models import DocumentVersion
from controlplane.knowledge.retrieval import Passage
from controlplane.policies.parameters import parameters_for
from controlplane.policies.services import evaluate

SUBJECT = "answer"


@transaction.atomic
def keep_answer(
    draft: Draft,
    question: Question,
    found: Sequence[Passage],
    features: Features,
    *,
    subject: tuple[str, uuid.UUID] | None,
    language: str,
    source_language: str,
    began: float,
    installation_id: uuid.UUID | None,
    by: Actor,
) -> Answer:
    """Less what is cited of a version that was withdrawn meanwhile. `began` is monotonic time."""
    draft = draft.without_versions(_withdrawn(draft))
    is_dense = any(passage.similarity is not None for passage in found)
    confidence = confidence_of(features, is_dense=is_dense) * draft.trust if found else 0.0
    kind, subject_id = subject or ("", None)
    answer_id = new_id()
    decision = evaluate(
        context=CONTEXT,
        subject_type=SUBJECT,
        subject_id=answer_id,
        data=facts_of(
            draft,
            question,
            kind=kind,
            confidence=confidence,
            passage_count=len(found),
            question_language=language,
            source_language=source_language,
        ),
        parameters=parameters_for(installation_id),
        event_id=None,
        by=by,
    )
    entry = record(
        action="answer.drafted",
        subject_type=SUBJECT,
        subject_id=str(answer_id),
        data={
            "about": f"{kind} {subject_id}" if kind else "",
            "verdict": decision.verdict,
            "reasons": [reason["code"] for reason in decision.reasons],
            "decision_id": str(decision.pk),
            "confidence_percent": int(confidence * 100),
            "by_model": draft.by_model,
            "fallback": draft.fallback,
            "versions": sorted({str(citation.version_id) for citation in draft.citations}),
            "text_sha256": hashlib.sha256(draft.text.encode()).hexdigest(),
        },
        by=by,
    )
    execution = by.execution
    return Answer.objects.create(
        id=answer_id,
        question=question.text,
        subject_type=kind,
        subject_id=subject_id,
        language=language,
        passages=[_as_seen(passage) for passage in found],
        text=made_storable(draft.text),
        sentences=[sentence.as_json() for sentence in draft.sentences],
        citations=[citation.as_json() for citation in draft.citations],
        dropped=[dropped.as_json() for dropped in draft.dropped],
        by_model=draft.by_model,
        model=made_storable(draft.model)[:120],
        parameters=draft.parameters,
        prompt=draft.prompt,
        raw_output=made_storable(draft.raw),
        fallback=draft.fallback,
        fallback_detail=made_storable(draft.fallback_detail),
        tokens_in=draft.tokens_in,
        tokens_out=draft.tokens_out,
        seconds=round(time.monotonic() - began, 3),
        confidence=confidence,
        features={name: round(value, 4) for name, value in asdict(features).items()},
        verdict=decision.verdict,
        reasons=decision.reasons,
        decision_id=decision.pk,
        answered_by=by.label,
        workflow_id=execution.workflow_id if execution else "",
        execution_id=execution.execution_id if execution else "",
        audit_sequence=entry.sequence,
    )


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
