from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controlplane.knowledge.answers.sentences import LONGEST, split_sentences
from controlplane.knowledge.answers.terms import rarity, stem, terms_of


def split(text):
    return [span.of(text) for span in split_sentences(text)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Costs 3.50 EUR, e.g. for a rope. Done.", ["Costs 3.50 EUR, e.g. for a rope.", "Done."]),
        ("Bis zum 3. Mai, z. B. per Post. Danke.", ["Bis zum 3. Mai, z. B. per Post.", "Danke."]),
        ("Ask Dr. Ada. She knows.", ["Ask Dr. Ada.", "She knows."]),
        ("We are open until 18. Come by.", ["We are open until 18.", "Come by."]),
        (
            "See https://a.example/b.html. Then write.",
            ["See https://a.example/b.html.", "Then write."],
        ),
        ("Bring ropes, hooks etc. Then sign.", ["Bring ropes, hooks etc.", "Then sign."]),
        ("# Returns\n\nWithin 30 days\nof delivery.", ["Returns", "Within 30 days\nof delivery."]),
        ("Steps:\n- Open it\n- Close it", ["Steps:", "Open it", "Close it"]),
        ("1. Open the valve\n2. Wait", ["Open the valve", "Wait"]),
        ('He said "no." Then left.', ['He said "no."', "Then left."]),
        ("返品は30日以内です。送料は無料です。", ["返品は30日以内です。", "送料は無料です。"]),
        ("no mark at all", ["no mark at all"]),
        ("… --- !!!", []),
        ("", []),
    ],
)
def test_sentences(text: str, sentences: list[str]) -> None:
    assert split(text) == sentences


def test_text_without_marks_is_cut_between_words() -> None:
    text = "word " * 400
    assert all(len(part) <= LONGEST and part.strip() == part for part in split(text))
    assert "".join(split(text)).count("word") == 400


@given(st.text(max_size=400))
def test_spans_are_in_order_and_lose_no_letter(text: str) -> None:
    spans = split_sentences(text)
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(one.end <= other.start for one, other in pairwise(spans))
    assert all(span.of(text) == span.of(text).strip() for span in spans)
    outside = set(range(len(text))) - {at for span in spans for at in range(span.start, span.end)}
    assert not any(text[at].isalpha() for at in outside)


def test_terms_come_to_one_form() -> None:
    assert terms_of("How do I cancel my order?") == ["cancel", stem("order", "en")]
    assert len({stem(word, "en") for word in ("cancel", "cancelled", "cancelling", "cancels")}) == 1
    assert len({stem(word, "en") for word in ("delivery", "deliveries", "deliver")}) == 1
    assert stem("bestellungen", "de") == stem("bestellung", "de")
    assert terms_of("ROPE-10-WH costs 12.50", "en")[-1] == "12.50"


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    weights = rarity([{"rope", "ship"}, {"rope"}, {"rope", "pier"}])
    assert weights.of("absent") > weights.of("pier") > weights.of("rope")
    assert weights.covered(["rope", "pier"], ["pier"]) > 0.5
    assert weights.covered([], ["pier"]) == 0
