"""What an answer is made of before it is kept: sentences, each with what it rests on."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from controlplane.knowledge.answers.sentences import Span
from controlplane.knowledge.retrieval import Passage


@dataclass(frozen=True)
class Citation:
    """`quote` stands in the version's text from `start` to `end`, to the character."""

    chunk_id: uuid.UUID
    document_id: uuid.UUID
    version_id: uuid.UUID
    title: str
    url: str
    version: int
    start: int
    end: int
    quote: str

    def as_json(self) -> dict[str, Any]:
        return {
            "chunk_id": str(self.chunk_id),
            "document": str(self.document_id),
            "title": self.title,
            "url": self.url,
            "version": self.version,
            "start": self.start,
            "end": self.end,
            "quote": self.quote,
        }


@dataclass(frozen=True)
class Sentence:
    text: str
    citations: tuple[Citation, ...]

    def as_json(self) -> dict[str, Any]:
        return {"text": self.text, "citations": [c.as_json() for c in self.citations]}


@dataclass(frozen=True)
class Dropped:
    """A sentence that is not given out: no_citation, unsupported, source_withdrawn …"""

    text: str
    reason: str

    def as_json(self) -> dict[str, str]:
        return {"text": self.text, "reason": self.reason}


@dataclass(frozen=True)
class Draft:
    """`fallback` says why the model that is configured did not write it; see `llm.ModelFailed`.

    `trust`, 0 to 1, is what is left of the confidence after the writing was checked.
    """

    sentences: tuple[Sentence, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    by_model: bool = False
    fallback: str = ""
    fallback_detail: str = ""
    trust: float = 1.0
    model: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    prompt: list[dict[str, str]] | None = None
    raw: str = ""
    tokens_in: int | None = None
    tokens_out: int | None = None

    @property
    def text(self) -> str:
        return " ".join(sentence.text for sentence in self.sentences)

    @property
    def citations(self) -> list[Citation]:
        """Each once, in the order of the sentences."""
        return list(dict.fromkeys(c for s in self.sentences for c in s.citations))

    def without_versions(self, withdrawn: Collection[uuid.UUID]) -> "Draft":
        """Less every sentence that rests on one of these."""
        gone = tuple(
            sentence
            for sentence in self.sentences
            if any(citation.version_id in withdrawn for citation in sentence.citations)
        )
        return replace(
            self,
            sentences=tuple(sentence for sentence in self.sentences if sentence not in gone),
            dropped=self.dropped + tuple(Dropped(s.text, "source_withdrawn") for s in gone),
        )


def cite(passage: Passage, span: Span) -> Citation:
    """`span` counts in the passage's own text."""
    return Citation(
        chunk_id=passage.chunk_id,
        document_id=passage.document_id,
        version_id=passage.version_id,
        title=passage.title,
        url=passage.url,
        version=passage.version,
        start=passage.start + span.start,
        end=passage.start + span.end,
        quote=span.of(passage.text),
    )


def one_line(text: str) -> str:
    return " ".join(text.split())


def quoted(passage: Passage, spans: Sequence[Span]) -> tuple[Sentence, ...]:
    """The passage's own sentences, each citing itself."""
    return tuple(
        Sentence(one_line(span.of(passage.text)), (cite(passage, span),)) for span in spans
    )
