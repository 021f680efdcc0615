"""Whose question it is: higher floors register where a question comes from, such as "ticket"."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.core.exceptions import ImproperlyConfigured

from controlplane.core.errors import DomainError, FieldError


class QuestionSourceUnknown(DomainError):
    code = "subject_type_unknown"
    status = 422
    title = "Nothing of this kind asks questions"


@dataclass(frozen=True)
class Question:
    """`language` is ISO 639-1, empty where nobody knows; `facts` are what policies read as
    `subject.…` (see `contexts.SUBJECT_FACTS`); `url` is the subject's page in the portal."""

    text: str
    language: str = ""
    facts: Mapping[str, str | int | bool] = field(default_factory=dict)
    url: str = ""


QuestionOf = Callable[[uuid.UUID], Question]

_sources: dict[str, QuestionOf] = {}


def register_question_source(kind: str, question_of: QuestionOf) -> None:
    """Called in AppConfig.ready of the app that has such subjects; `question_of` raises its own
    DomainError where it knows no such one."""
    if kind in _sources:
        raise ImproperlyConfigured(f"questions of {kind!r} are registered twice")
    _sources[kind] = question_of


def question_of(kind: str, subject_id: uuid.UUID) -> Question:
    """Raises QuestionSourceUnknown, and what the source raises."""
    if kind not in _sources:
        known = ", ".join(sorted(_sources)) or "none"
        raise QuestionSourceUnknown(
            f"There are no questions of “{kind}”. Known: {known}. Or give the question itself.",
            errors=(FieldError("subject_type", "is not known"),),
        )
    return _sources[kind](subject_id)
