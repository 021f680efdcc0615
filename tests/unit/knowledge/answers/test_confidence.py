import random
from dataclasses import fields, replace

import pytest

from controlplane.knowledge.answers.confidence import (
    BY_WORDS,
    BY_WORDS_AND_MEANING,
    Evidence,
    Features,
    confidence_of,
    features_of,
    holds_what_is_asked,
)

NOTHING = Features(0, 0, 0, 0, 0, 0)
EVERYTHING = Features(1, 1, 1, 1, 1, 1)
NAMES = [field.name for field in fields(Features)]


def evidence(source, heading, text, **ranks):
    return Evidence(source=source, heading=heading, text=text, **ranks)


RETURNS = evidence(
    "returns", "How long can I return goods?", "Within 30 days of delivery.",
    keyword_rank=1, dense_rank=1, keyword_score=8.0, similarity=0.8,
)  # fmt: skip
OTHER = evidence(
    "pier", "Where is the pier?", "In the harbour.",
    keyword_rank=2, dense_rank=2, keyword_score=1.0, similarity=0.1,
)  # fmt: skip


@pytest.mark.parametrize("is_dense", [True, False])
@pytest.mark.parametrize("name", NAMES)
def test_more_evidence_never_lowers_it(is_dense: bool, name: str) -> None:
    chance = random.Random(3)
    for _ in range(200):
        low = Features(**{each: chance.random() for each in NAMES})
        high = replace(low, **{name: min(1.0, getattr(low, name) + chance.random())})
        assert confidence_of(low, is_dense=is_dense) <= confidence_of(high, is_dense=is_dense)


def test_it_spans_what_policies_ask_for() -> None:
    for model in (BY_WORDS, BY_WORDS_AND_MEANING):
        assert 0 < model.confidence(NOTHING) < 0.1
        assert 0.95 < model.confidence(EVERYTHING) < 1
    assert BY_WORDS.similarity == 0


def test_a_clear_hit_is_sure_and_a_stray_one_is_not() -> None:
    clear = features_of("How long can I return goods?", [RETURNS, OTHER])
    stray = features_of("Do you sponsor regattas?", [replace(OTHER, similarity=0.15), RETURNS])
    assert confidence_of(clear, is_dense=True) > 0.9
    assert confidence_of(stray, is_dense=True) < 0.2
    assert features_of("How long can I return goods?", [RETURNS, OTHER]) == clear


def test_without_what_is_asked_for_it_never_goes_out_unread() -> None:
    without = replace(EVERYTHING, answerable=0)
    for model in (BY_WORDS, BY_WORDS_AND_MEANING):
        assert model.confidence(without) == pytest.approx(model.confidence(EVERYTHING) / 2)


def test_features() -> None:
    features = features_of("How long can I return goods?", [RETURNS, OTHER])
    assert features.similarity == 0.8
    assert features.coverage == features.heading == pytest.approx(1)
    assert features.lead == pytest.approx((7 / 8 + 1) / 2)
    assert features.agreement == 1
    assert features_of("anything", []) == NOTHING


def test_a_passage_of_the_same_source_is_no_rival() -> None:
    sibling = replace(RETURNS, keyword_rank=2, keyword_score=7.9, similarity=0.79)
    assert features_of("return goods", [RETURNS, sibling]).lead == 0
    assert features_of("return goods", [RETURNS, sibling, OTHER]).lead > 0.9


@pytest.mark.parametrize(
    ("question", "text", "holds"),
    [
        ("How much is shipping?", "Shipping costs 4.90 EUR.", True),
        ("How much is shipping?", "We ship every parcel.", False),
        ("Wie lange dauert es?", "Drei Tage.", True),
        ("When do you open?", "We have a door.", False),
        ("How many ropes?", "A dozen 12.", True),
        ("What is your VAT number?", "We cannot change the VAT of an invoice.", False),
        ("Why?", "Because.", True),
    ],
)
def test_what_is_asked_for(question: str, text: str, holds: bool) -> None:
    assert holds_what_is_asked(question, text) is holds
