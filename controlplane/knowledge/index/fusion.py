"""Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009): two rankings become one.

Ranks and not scores are added up, since BM25 has no upper end and cosines crowd together. Who
asks for help uses other words than who wrote the answer, so meaning counts twice: on each of three
sets of customers' questions (StackFAQ, Banking77, CLINC150) that found more than equal shares. A
third of the say stays with the words, for names, part numbers, and languages that the embedding
model knows little of.
"""

import uuid
from collections.abc import Sequence

from controlplane.knowledge.index.port import Hit

SMOOTHING = 60
"""The paper's k: how little the difference between the first ranks counts."""

MEANING_WEIGHT = 2

Ranking = Sequence[tuple[uuid.UUID, float]]
"""Chunks with their scores, the best first."""


def fuse(by_words: Ranking, by_meaning: Ranking, *, limit: int) -> list[Hit]:
    """The best first; of equal ones, the one that its words brought up."""
    keyword_scores, similarities = dict(by_words), dict(by_meaning)
    keyword_ranks = {chunk_id: rank for rank, chunk_id in enumerate(keyword_scores, start=1)}
    dense_ranks = {chunk_id: rank for rank, chunk_id in enumerate(similarities, start=1)}
    hits = [
        Hit(
            chunk_id=chunk_id,
            score=_share(keyword_ranks.get(chunk_id))
            + MEANING_WEIGHT * _share(dense_ranks.get(chunk_id)),
            keyword_rank=keyword_ranks.get(chunk_id),
            dense_rank=dense_ranks.get(chunk_id),
            keyword_score=keyword_scores.get(chunk_id),
            similarity=similarities.get(chunk_id),
        )
        for chunk_id in {**keyword_scores, **similarities}
    ]
    return sorted(hits, key=lambda hit: -hit.score)[:limit]


def _share(rank: int | None) -> float:
    return 0.0 if rank is None else 1 / (SMOOTHING + rank)
