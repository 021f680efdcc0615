"""The node operation that answers."""

import uuid
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from controlplane.core.actor import Actor
from controlplane.knowledge.answers import services
from controlplane.knowledge.answers.subjects import Question, QuestionSourceUnknown
from controlplane.knowledge.index.weaviate_client import IndexRefused, IndexUnreachable
from controlplane.nodes.declaration import OperationInput, OperationOutput, operation


class AnswerInput(OperationInput):
    subject_type: str = Field(
        default="ticket",
        max_length=40,
        description="What kind of thing asks, where there is no question of your own",
        json_schema_extra={"n8n": {"shown": True}},
    )
    subject_id: uuid.UUID | None = Field(
        default=None,
        description="The thing that asks, from an earlier node: the ticket's ID",
        json_schema_extra={
            "n8n": {"label": "Subject ID", "default": "={{ $json.ticket_id }}", "shown": True}
        },
    )
    question: str = Field(
        default="",
        max_length=20_000,
        description="A question by itself; leave it empty to answer the subject's",
        json_schema_extra={"n8n": {"multiline": True}},
    )

    @field_validator("subject_id", mode="before")
    @classmethod
    def _none_where_empty(cls, given: Any) -> Any:
        """n8n sends a field that was left empty as an empty text."""
        return None if given == "" else given


class CitationOutput(BaseModel):
    model_config = ConfigDict(frozen=True)

    document: uuid.UUID = Field(description="The document in Pergola")
    title: str = Field(description="The document's title")
    url: str = Field(description="Where a person reads it")
    version: int = Field(description="The version of the document that is quoted")
    start: int = Field(description="Where the quote begins in that version's text, in characters")
    end: int = Field(description="Where it ends")
    quote: str = Field(description="What stands there")


class AnswerReasonOutput(BaseModel):
    model_config = ConfigDict(frozen=True)

    code: str = Field(description="Stable name of the reason, for example needs_a_reader")
    message: str = Field(description="The reason in a sentence")
    verdict: Literal["hold", "reject"] = Field(description="What this reason alone asks for")
    policy: str = Field(description="The policy that gave it; empty where none could")


class AnswerOutput(OperationOutput):
    answer_id: uuid.UUID = Field(description="The answer in Pergola; later nodes ask for it")
    verdict: Literal["accept", "hold", "reject"] = Field(
        description="Answer it, have a person approve the draft, or hand over"
    )
    confidence: float = Field(description="How likely the sources hold the answer, from 0 to 1")
    answer: str = Field(description="The answer; empty where the verdict is reject")
    citations: list[CitationOutput] = Field(description="What the answer rests on")
    reasons: list[AnswerReasonOutput] = Field(description="Why it may not go out unread")
    model: str = Field(description="The language model that wrote it; empty where it is quoted")
    subject_type: str = Field(description="What kind of thing asked; empty where nothing did")
    subject_id: uuid.UUID | None = Field(description="The thing that asked")
    url: str = Field(description="Where a person sees question, answer and sources")


@operation(
    resource="knowledge",
    name="answer",
    action="Answer a question with its sources",
    scope="knowledge:answer",
    errors=(
        services.QuestionMissing,
        QuestionSourceUnknown,
        IndexUnreachable,
        IndexRefused,
    ),
    slow=True,
)
def answer(data: AnswerInput, *, by: Actor) -> AnswerOutput:
    """Answer a question from approved documents, with sources, confidence and a verdict."""
    if data.subject_id is None:
        given = services.answer_question(question=Question(data.question), by=by)
    else:
        given = services.answer_subject(
            subject_type=data.subject_type, subject_id=data.subject_id, text=data.question, by=by
        )
    return AnswerOutput.model_validate(
        {
            "answer_id": given.pk,
            "verdict": given.verdict,
            "confidence": round(given.confidence, 4),
            "answer": given.shown_text,
            "citations": [
                {name: citation[name] for name in CitationOutput.model_fields}
                for citation in given.shown_citations
            ],
            "reasons": given.reasons,
            "model": given.model if given.by_model else "",
            "subject_type": given.subject_type,
            "subject_id": given.subject_id,
            "url": services.answer_link(given),
        }
    )
