"""What an index of passages does, whoever does it.

Every call names its tenant by schema name, and an implementation refuses one that it cannot keep
apart. An index proposes; PostgreSQL's rows decide: `retrieval` looks up each hit before use.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

Vector = Sequence[float]
"""Of length 1: the similarity of two is their inner product."""


class WrongTenant(Exception):
    """The index was asked about another tenant than the one that is entered."""


@dataclass(frozen=True)
class IndexedPassage:
    """A passage as it is put in. `collection` is the slug, `language` ISO 639-1.

    `vector` is None where no embedding model is installed.
    """

    chunk_id: uuid.UUID
    document_id: uuid.UUID
    version_id: uuid.UUID
    collection: str
    language: str
    heading: str
    text: str
    vector: Vector | None = None


@dataclass(frozen=True)
class Query:
    """`language` None: every language; `collections` empty: all of them."""

    text: str
    vector: Vector | None = None
    language: str | None = None
    collections: tuple[str, ...] = ()
    limit: int = 50


@dataclass(frozen=True)
class Hit:
    """A passage found: by its words, by its meaning, or both. Ranks count from 1.

    `score` orders the hits of one answer and means nothing beyond it. `keyword_score` is BM25;
    `similarity` is the cosine, -1 to 1.
    """

    chunk_id: uuid.UUID
    score: float
    keyword_rank: int | None = None
    dense_rank: int | None = None
    keyword_score: float | None = None
    similarity: float | None = None


class PassageIndex(Protocol):
    is_transactional: bool
    """Whether what it does is committed, or rolled back, with PostgreSQL's transaction."""

    def put(self, tenant: str, passages: Sequence[IndexedPassage]) -> None:
        """Add them, or replace those with the same `chunk_id`."""

    def remove(self, tenant: str, version_id: uuid.UUID) -> None:
        """Take out every passage of the version; nothing happens where there is none."""

    def search(self, tenant: str, query: Query) -> list[Hit]:
        """The best first, `query.limit` at most."""

    def has_tenant(self, tenant: str) -> bool:
        """Whether it keeps anything of the tenant's outside of the tenant's schema."""

    def drop_tenant(self, tenant: str) -> None:
        """Take out everything of the tenant."""
