"""Answering a question from what the tenant has approved, and judging the answer."""

import hashlib
import time
import uuid
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from typing import Any

from django.db import transaction

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.models import new_id
from controlplane.core.text import made_storable
from controlplane.knowledge import embedding, llm, retrieval
from controlplane.knowledge.answers.confidence import (
    Evidence,
    Features,
    confidence_of,
    features_of,
)
from controlplane.knowledge.answers.drafts import Draft
from controlplane.knowledge.answers.extractive import Similarities, quote_answer
from controlplane.knowledge.answers.language import language_of
from controlplane.knowledge.answers.models import Answer
from controlplane.knowledge.answers.subjects import Question, question_of
from controlplane.knowledge.answers.written import write_answer
from controlplane.knowledge.contexts import CONTEXT, facts_of
from controlplane.knowledge.models import DocumentVersion
from controlplane.knowledge.retrieval import Passage
from controlplane.policies.parameters import parameters_for
from controlplane.policies.services import evaluate
from tenants.context import current_tenant

SUBJECT = "answer"
_PASSAGES = 20


class QuestionMissing(DomainError):
    code = "question_missing"
    status = 422
    title = "There is no question to answer"


class AnswerUnknown(DomainError):
    code = "answer_unknown"
    status = 404
    title = "No such answer"


def answer_subject(
    *,
    subject_type: str,
    subject_id: uuid.UUID,
    collections: Sequence[str] | None = None,
    by: Actor,
) -> Answer:
    """Answer what the subject asks. Raises QuestionSourceUnknown, QuestionMissing, what the
    subject's own app raises, and what the index raises."""
    question = question_of(subject_type, subject_id)
    return answer_question(
        question=question, subject=(subject_type, subject_id), collections=collections, by=by
    )


def answer_question(
    *,
    question: Question,
    subject: tuple[str, uuid.UUID] | None = None,
    collections: Sequence[str] | None = None,
    by: Actor,
) -> Answer:
    """Find, write or quote, check and judge; all of it is kept, whatever comes of it.

    Only approved documents are cited, as of the moment the answer is kept. No transaction is open
    while the model is asked, unless the caller has one. Raises QuestionMissing, IndexUnreachable,
    IndexRefused.
    """
    began = time.monotonic()
    asked = replace(question, text=made_storable(question.text).strip())
    if not asked.text:
        raise QuestionMissing(
            "The question is empty. Give a question, or a subject that has one.",
            errors=(FieldError("question", "is empty"),),
        )
    found = retrieval.search(question=asked.text, limit=_PASSAGES, collections=collections)
    pairs = _versions_of_pairs(found)
    source_language = found[0].language if found else ""
    language = asked.language or language_of(asked.text)
    features = features_of(
        asked.text, [_evidence(p, pairs) for p in found], language=source_language or "en"
    )
    draft = _drafted(asked.text, found, pairs, language=language or source_language)
    return _keep(
        draft,
        asked,
        found,
        features,
        subject=subject,
        language=language,
        source_language=source_language,
        began=began,
        by=by,
    )


def latest_answer(subject_type: str, subject_id: uuid.UUID) -> Answer | None:
    """The newest one to the subject's question, whatever its verdict."""
    return Answer.objects.about(subject_type, subject_id).recent().first()


def get_answer(answer_id: uuid.UUID) -> Answer:
    """Raises AnswerUnknown."""
    try:
        return Answer.objects.get(pk=answer_id)
    except Answer.DoesNotExist:
        raise AnswerUnknown(
            f"This tenant has no answer {answer_id}. Pass on the answer_id of Knowledge → Answer.",
            errors=(FieldError("answer_id", "names no answer"),),
        ) from None


def answer_link(answer: Answer, question: Question | None = None) -> str:
    """The subject's page, where people see the answer beside the question; else the answer's."""
    if question and question.url:
        return question.url
    return f"{current_tenant().portal_url}/knowledge/answers/{answer.pk}/"


def _drafted(
    question: str, found: Sequence[Passage], pairs: Collection[uuid.UUID], *, language: str
) -> Draft:
    """By the model where one is set, quoted where there is none or it came to nothing."""
    written = write_answer(question, found, language=language) if _may_write(found) else Draft()
    if written.sentences:
        return written
    quoted = quote_answer(question, found, pairs=pairs, similarities=_similarities_to(question))
    return replace(
        written, sentences=quoted.sentences, by_model=False, trust=_trust_in_quotes(written)
    )


def _may_write(found: Sequence[Passage]) -> bool:
    return llm.is_configured() and bool(found)


def _trust_in_quotes(written: Draft) -> float:
    """A quote cannot be made up; but a model that saw no answer in the passages may be right."""
    return written.trust if written.fallback == "not_answered" else 1.0


def _similarities_to(question: str) -> Similarities | None:
    vector = embedding.embed_one(question)
    if vector is None:
        return None

    def similarities(texts: Sequence[str]) -> list[float]:
        return [
            sum(a * b for a, b in zip(vector, other, strict=True))
            for other in embedding.embed(texts)
        ]

    return similarities


def _versions_of_pairs(found: Sequence[Passage]) -> set[uuid.UUID]:
    ids = {passage.version_id for passage in found}
    pairs = DocumentVersion.objects.filter(pk__in=ids, kind=DocumentVersion.Kind.FAQ)
    return set(pairs.values_list("pk", flat=True))


def _evidence(passage: Passage, pairs: Collection[uuid.UUID]) -> Evidence:
    return Evidence(
        source=passage.chunk_id if passage.version_id in pairs else passage.document_id,
        heading=passage.heading,
        text=passage.text,
        keyword_rank=passage.keyword_rank,
        dense_rank=passage.dense_rank,
        keyword_score=passage.keyword_score,
        similarity=passage.similarity,
    )


@transaction.atomic
def _keep(
    draft: Draft,
    question: Question,
    found: Sequence[Passage],
    features: Features,
    *,
    subject: tuple[str, uuid.UUID] | None,
    language: str,
    source_language: str,
    began: float,
    by: Actor,
) -> Answer:
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
        parameters=parameters_for(by.installation_id),
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
        model=draft.model[:120],
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
