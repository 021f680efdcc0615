"""Answering a question from what the tenant has approved, and judging the answer."""

import time
import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace

from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.text import made_storable
from controlplane.knowledge import embedding, llm, retrieval
from controlplane.knowledge.answers.confidence import Evidence, features_of
from controlplane.knowledge.answers.drafts import Draft
from controlplane.knowledge.answers.extractive import Similarities, quote_answer
from controlplane.knowledge.answers.keeping import Attempt, keep_answer
from controlplane.knowledge.answers.language import language_of
from controlplane.knowledge.answers.models import Answer
from controlplane.knowledge.answers.subjects import Question, question_of
from controlplane.knowledge.answers.written import write_answer
from controlplane.knowledge.models import DocumentVersion
from controlplane.knowledge.retrieval import Passage
from tenants.context import current_tenant

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
    text: str = "",
    collections: Sequence[str] | None = None,
    by: Actor,
) -> Answer:
    """Answer what the subject asks, or `text` in place of that. Raises QuestionSourceUnknown,
    QuestionMissing, what the subject's own app raises, and what the index raises."""
    question = question_of(subject_type, subject_id)
    if text:
        question = replace(question, text=text, language="")
    return answer_question(
        question=question, subject=(subject_type, subject_id), collections=collections, by=by
    )


def answer_question(
    *,
    question: Question,
    subject: tuple[str, uuid.UUID] | None = None,
    collections: Sequence[str] | None = None,
    installation_id: uuid.UUID | None = None,
    by: Actor,
) -> Answer:
    """Find, write or quote, check and judge; all of it is kept, whatever comes of it.

    A workflow is judged by its installation's parameters; a person may name one to try them.

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
    language = asked.language or language_of(asked.text)
    found = _found(asked.text, language, collections)
    pairs = _versions_of_pairs(found)
    source_language = found[0].language if found else ""
    features = features_of(
        asked.text, [_evidence(p, pairs) for p in found], language=source_language or "en"
    )
    attempt = Attempt(
        question=asked,
        subject=subject,
        installation_id=installation_id or by.installation_id,
        language=language,
        passages=found,
        source_language=source_language,
        features=features,
        draft=_drafted(asked.text, found, pairs, language=language or source_language),
        began=began,
    )
    return keep_answer(attempt, by=by)


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


def answer_link(answer: Answer) -> str:
    """The subject's page, where people see the answer beside the question; else the answer's."""
    if answer.subject_id and (url := question_of(answer.subject_type, answer.subject_id).url):
        return url
    return f"{current_tenant().portal_url}/knowledge/answers/{answer.pk}/"


def _found(question: str, language: str, collections: Sequence[str] | None) -> list[Passage]:
    """In the question's own language where there is something in it, else in any."""
    for only in (language, None) if language else (None,):
        if found := retrieval.search(
            question=question, limit=_PASSAGES, collections=collections, language=only
        ):
            return found
    return []


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
