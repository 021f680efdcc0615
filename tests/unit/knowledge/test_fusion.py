"""Two rankings become one by their ranks."""

import uuid

import pytest

from controlplane.knowledge.index.fusion import MEANING_WEIGHT, SMOOTHING, fuse

A, B, C = (uuid.UUID(int=number) for number in range(3))


def test_what_both_find_comes_before_what_one_finds_first() -> None:
    hits = fuse([(A, 9.0), (C, 8.0)], [(B, 0.9), (C, 0.8)], limit=10)

    assert [hit.chunk_id for hit in hits] == [C, B, A]
    assert hits[0].score == pytest.approx((1 + MEANING_WEIGHT) / (SMOOTHING + 2))


def test_a_hit_tells_its_ranks_and_scores() -> None:
    (hit,) = fuse([(A, 9.0)], [(B, 0.9), (A, 0.8)], limit=1)

    assert (hit.keyword_rank, hit.dense_rank) == (1, 2)
    assert (hit.keyword_score, hit.similarity) == (9.0, 0.8)


def test_without_vectors_the_order_of_the_words_stays() -> None:
    hits = fuse([(C, 3.0), (A, 2.0), (B, 1.0)], [], limit=2)

    assert [hit.chunk_id for hit in hits] == [C, A]
    assert hits[0].similarity is hits[0].dense_rank is None


def test_nothing_found_is_nothing() -> None:
    assert fuse([], [], limit=5) == []
