"""Node operations on knowledge: adding and searching here, answering in `answers`."""

import uuid
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from controlplane.core.actor import Actor
from controlplane.knowledge import retrieval
from controlplane.knowledge.answers import operations as answers
from controlplane.knowledge.ingestion.kinds import KindUnknown
from controlplane.knowledge.services import collections, documents
from controlplane.nodes.declaration import (
    OperationFile,
    OperationInput,
    OperationOutput,
    operation,
)
from tenants.files import FileTooLarge

__all__ = ["add_document", "answers", "search"]

Kind = Literal["", "markdown", "html", "text", "pdf", "faq"]


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


class AddDocumentInput(OperationInput):
    collection: str = Field(
        description="The collection's short name or ID",
        min_length=1,
        max_length=60,
        json_schema_extra={"n8n": {"choices": "collections"}},
    )
    title: str = Field(default="", description="Else the file's name", max_length=300)
    kind: Kind = Field(default="", description="What it is; empty: by the file's name")
    source_url: str = Field(
        default="",
        description="Where people read it",
        max_length=2000,
        json_schema_extra={"n8n": {"label": "Source URL"}},
    )
    tags: str = Field(default="", description="Words for it, with commas between", max_length=1000)


class AddDocumentOutput(OperationOutput):
    document_id: uuid.UUID = Field(description="The document's ID")
    version_id: uuid.UUID = Field(description="The version that was made of the file")
    title: str = Field(description="What it is called")
    status: str = Field(description="Where the version stands; a person approves it")


@operation(
    resource="knowledge",
    name="add_document",
    action="Add a document",
    scope="knowledge:write",
    errors=(
        collections.CollectionUnknown, KindUnknown, documents.DocumentEmpty, FileTooLarge,
    ),
    slow=True,
)  # fmt: skip
def add_document(data: AddDocumentInput, *, by: Actor, file: OperationFile) -> AddDocumentOutput:
    """Keep a document and have it read; it is searched once a person has approved it."""
    version = documents.add_document(
        collection=collections.get_collection(_id_or_slug(data.collection)),
        chunks=file.chunks(),
        filename=file.name,
        content_type=file.content_type,
        title=data.title,
        kind=data.kind,
        source_url=data.source_url,
        tags=[tag.strip() for tag in data.tags.split(",") if tag.strip()],
        by=by,
    )
    return AddDocumentOutput(
        document_id=version.document_id,
        version_id=version.pk,
        title=version.document.title,
        status=version.status,
    )


@operation(
    resource="knowledge",
    name="search",
    action="Search approved documents",
    scope="knowledge:search",
    read_only=True,
    rows="passages",
    simplified=("title", "heading", "text", "url", "score"),
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


def _id_or_slug(given: str) -> uuid.UUID | str:
    try:
        return uuid.UUID(given)
    except ValueError:
        return given
