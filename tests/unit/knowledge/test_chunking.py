"""Passages have exact spans, whatever the text is."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.knowledge.ingestion.blocks import Block
from controlplane.knowledge.ingestion.chunking import WORDS, Span, lay_out

SENTENCE = "The parcel leaves our warehouse on the next working day. "

blocks = st.lists(
    st.builds(
        Block,
        text=st.text(st.sampled_from("aäß漢 .!?\n\t\u200b\u202e-"), max_size=400),
        level=st.integers(0, 3),
        section=st.none() | st.text("qr ?", max_size=8),
    ),
    max_size=12,
)


def parts(*given: Block) -> list[str]:
    text, spans = lay_out(list(given))
    return [text[span.start : span.end] for span in spans]


@settings(max_examples=300, deadline=None)
@given(blocks)
def test_spans_lie_in_the_text_in_order_and_without_space_at_their_ends(found: list[Block]) -> None:
    text, spans = lay_out(found)

    for span in spans:
        part = text[span.start : span.end]
        assert 0 <= span.start < span.end <= len(text)
        assert part == part.strip()
    assert [span.start for span in spans] == sorted(span.start for span in spans)


@settings(max_examples=300, deadline=None)
@given(blocks)
def test_what_no_passage_holds_stands_in_a_heading(found: list[Block]) -> None:
    text, spans = lay_out([Block(block.text, block.level) for block in found])
    rest = list(text)
    for span in spans:
        rest[span.start : span.end] = "\n" * (span.end - span.start)
    headings = "\n".join(span.heading for span in spans)

    assert all(line.strip() in headings for line in "".join(rest).split("\n"))


def test_a_passage_stands_under_all_its_headings() -> None:
    text, spans = lay_out(
        [Block("Help", 1), Block("Intro."), Block("Returns", 2), Block("Thirty days.")]
    )

    assert text == "Help\n\nIntro.\n\nReturns\n\nThirty days."
    assert spans == [Span(6, 12, "Help"), Span(23, 35, "Help › Returns")]


def test_a_heading_of_the_same_level_ends_the_one_before() -> None:
    _text, spans = lay_out([Block("A", 2), Block("one"), Block("B", 2), Block("two")])

    assert [span.heading for span in spans] == ["A", "B"]


def test_a_heading_that_nothing_follows_is_a_passage_itself() -> None:
    assert parts(Block("Help", 1), Block("Shipping", 2), Block("Returns", 2)) == [
        "Shipping", "Returns",
    ]  # fmt: skip


def test_short_paragraphs_share_a_passage_and_a_new_one_begins_before_it_is_too_long() -> None:
    paragraph = Block(SENTENCE * 8)

    assert [len(part.split()) for part in parts(paragraph, paragraph, paragraph)] == [160, 80]


def test_a_long_paragraph_is_cut_between_sentences_and_overlaps() -> None:
    found = parts(Block(SENTENCE * 50))

    assert all(part.startswith("The parcel") and part.endswith("day.") for part in found)
    assert all(len(part.split()) <= WORDS for part in found)
    assert sum(len(part.split()) for part in found) > 500
    assert sum(len(part.split()) for part in found) < 700


def test_only_a_cut_paragraph_overlaps() -> None:
    _text, spans = lay_out([Block(SENTENCE * 15)] * 4)

    assert all(one.end <= next_one.start for one, next_one in pairwise(spans))


def test_a_sentence_without_end_is_cut_between_words() -> None:
    found = parts(Block("word " * 450))

    assert [len(part.split()) for part in found] == [200, 200, 50]


def test_text_without_spaces_is_cut_too() -> None:
    assert [len(part) for part in parts(Block("語" * 4500))] == [2000, 2000, 500]
    assert len(parts(Block("これは文です。" * 400))) > 1


def test_an_answer_has_its_question_for_a_heading_and_the_question_is_no_passage() -> None:
    text, spans = lay_out([Block("How?", section=""), Block("So.", section="How?")])

    assert text == "How?\n\nSo."
    assert spans == [Span(6, 9, "How?")]


def test_what_nobody_sees_is_taken_out() -> None:
    hidden = "pay\u00adment\u200b \U000e0041now\u202e\x00"

    assert lay_out([Block(hidden)])[0] == "payment now"


def test_nothing_gives_nothing() -> None:
    assert lay_out([]) == ("", [])
    assert lay_out([Block(" \n\u200b"), Block("", 2)]) == ("", [])
