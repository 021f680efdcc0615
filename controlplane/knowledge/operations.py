"""Node operations on knowledge: searching here, answering in `answers`."""

import uuid

from pydantic import BaseModel, ConfigDict, Field

from controlplane.core.actor import Actor
from controlplane.knowledge import retrieval
from controlplane.knowledge.answers import operations as answers
from controlplane.nodes.declaration import OperationInput, OperationOutput, operation

__all__ = ["answers", "search"]


class SearchInput(OperationInput):
    question: str = Field(
        description="What to look up, in a few words or a whole sentence",
        min_length=1,
        max_length=retrieval.LONGEST_QUESTION,
    )
    limit: int = Field(default=50, ge=1, le=200, description="Max number of results to return")


class PassageOutput(BaseModel):
    model_config = ConfigDict(frozen=True)

    chunk_id: uuid.UUID = Field(description="The passage in Pergola")
    document: uuid.UUID = Field(description="The document that it stands in")
    title: str = Field(description="The document's title")
    version: int = Field(description="The document's version, as it was approved")
    heading: str = Field(description="What it stands under; of a pair, the question")
    text: str = Field(description="The passage, word for word")
    url: str = Field(description="Where a person reads it")
    score: float = Field(description="Orders the passages of this search, and means no more")


class SearchOutput(OperationOutput):
    passages: list[PassageOutput] = Field(description="The best first")


@operation(
    resource="knowledge",
    name="search",
    action="Search approved documents",
    scope="knowledge:search",
    read_only=True,
)
def search(data: SearchInput, *, by: Actor) -> SearchOutput:
    """Find the passages of approved documents that best match a question."""
    found = retrieval.search(question=data.question, limit=data.limit)
    return SearchOutput(
        passages=[
            PassageOutput(
                chunk_id=passage.chunk_id,
                document=passage.document_id,
                title=passage.title,
                version=passage.version,
                heading=passage.heading,
                text=passage.text,
                url=passage.url,
                score=round(passage.score, 6),
            )
            for passage in found
        ]
    )
