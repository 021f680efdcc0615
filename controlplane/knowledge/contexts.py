"""What rules can read of an answer. Every field is always there and never null."""

from typing import Any

from controlplane.knowledge.answers.drafts import Draft
from controlplane.knowledge.answers.subjects import Question
from controlplane.policies.contexts import Parameter, register_context

CONTEXT = "answer"

SUBJECT_FACTS: dict[str, tuple[str | int | bool, str]] = {
    "intent": ("", "What the person wants, as triage named it; empty where it was not triaged"),
    "intent_confidence_percent": (0, "How sure triage was of it, in whole percent"),
    "urgency": ("", "low, normal, high or critical; empty where it was not triaged"),
    "language": ("", "ISO 639-1 code of the subject's language; may be empty"),
    "channel": ("", "How it came in: portal, form, api, webhook …"),
    "is_test": (False, "Whether it is a test"),
}
"""By name: what stands where the subject does not say, and what it means."""

FIELDS: dict[str, str] = {
    "answer.confidence_percent": "How likely the sources hold the answer, whole percent, 0 to 100",
    "answer.has_citations": "Whether there is an answer at all, with sources",
    "answer.sentence_count": "How many sentences it has",
    "answer.dropped_count": "How many sentences were taken out because nothing supported them",
    "answer.passage_count": "How many passages were found",
    "answer.by_model": "Whether a language model wrote it; else it is quoted",
    "answer.fallback": "Why the model did not write it, such as timeout; empty where it did",
    "answer.source_language": "ISO 639-1 code of the sources' language; empty without sources",
    "answer.is_in_source_language": "Whether the question is in it too, as far as one can tell",
    "question.language": "ISO 639-1 code of the question's language; empty where unknown",
    "subject.kind": "Who asks: ticket, or empty for a question by itself",
    **{f"subject.{name}": description for name, (_none, description) in SUBJECT_FACTS.items()},
}
PARAMETERS: dict[str, Parameter] = {
    "reply_above": Parameter(
        85, "From this confidence on, in whole percent, an answer may go out unread."
    ),
    "draft_above": Parameter(
        40, "From this confidence on, in whole percent, a person is shown a draft."
    ),
}


def facts_of(
    draft: Draft,
    question: Question,
    *,
    kind: str,
    confidence: float,
    passage_count: int,
    question_language: str,
    source_language: str,
) -> dict[str, Any]:
    """Whole numbers, texts and truth values only."""
    known = bool(question_language and source_language)
    return {
        "answer": {
            "confidence_percent": int(confidence * 100),
            "has_citations": bool(draft.citations),
            "sentence_count": len(draft.sentences),
            "dropped_count": len(draft.dropped),
            "passage_count": passage_count,
            "by_model": draft.by_model,
            "fallback": draft.fallback,
            "source_language": source_language,
            "is_in_source_language": not known or question_language == source_language,
        },
        "question": {"language": question_language},
        "subject": {
            "kind": kind,
            **{
                name: type(default)(question.facts.get(name, default))
                for name, (default, _description) in SUBJECT_FACTS.items()
            },
        },
    }


def register() -> None:
    """Called when the app is ready."""
    register_context(
        CONTEXT,
        fields=FIELDS,
        list_bounds={},
        sample=facts_of(
            Draft(),
            Question("How long is a mooring rope?", "en"),
            kind="ticket",
            confidence=0.5,
            passage_count=3,
            question_language="en",
            source_language="en",
        ),
        parameters=PARAMETERS,
        title="Answer",
        decided_here=True,
    )
