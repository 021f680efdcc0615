"""Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009): two rankings become one."""

from collections.abc import Hashable, Sequence
from typing import TypeVar

T = TypeVar("T", bound=Hashable)

SMOOTHING = 60
"""The paper's k: how little the difference between the first ranks counts."""


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[T]], *, smoothing: int = SMOOTHING
) -> list[tuple[T, float]]:
    """Each with its score, the best first; equal ones stand in the order they were met."""
    scores: dict[T, float] = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1 / (smoothing + rank)
    return sorted(scores.items(), key=lambda scored: -scored[1])
