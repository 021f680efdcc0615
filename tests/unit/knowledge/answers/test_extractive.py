import uuid

from controlplane.knowledge.answers.extractive import quote_answer
from tests.unit.knowledge.answers.test_prompt import passage


def quotes(draft):
    return [citation.quote for sentence in draft.sentences for citation in sentence.citations]


def test_of_a_pair_the_answer_is_quoted() -> None:
    pair = passage("Within 30 days. The label is in the box. Ask us. And more.", "How long?")
    draft = quote_answer("How long can I return it?", [pair], pairs={pair.version_id})
    assert quotes(draft) == ["Within 30 days.", "The label is in the box.", "Ask us."]
    assert draft.text == "Within 30 days. The label is in the box. Ask us."
    assert not draft.by_model


def test_a_short_section_is_quoted_whole() -> None:
    section = passage("You can return unused goods within 30 days. Rope that was cut cannot be.")
    other = passage("Pallets take six days.", heading="Delivery")
    draft = quote_answer("How long can I return unused goods?", [section, other])
    assert quotes(draft) == [
        "You can return unused goods within 30 days.", "Rope that was cut cannot be.",
    ]  # fmt: skip


def test_of_prose_the_nearest_sentence_is_quoted() -> None:
    prose = passage(
        "Our company was founded in 1920. Goods may be returned within 30 days of delivery. "
        "The harbour is nice. We have a cat."
    )
    draft = quote_answer("How long after delivery may goods be returned?", [prose])
    assert quotes(draft) == ["Goods may be returned within 30 days of delivery."]


def test_neighbours_come_along_where_they_speak_of_it_too() -> None:
    prose = passage(
        "A refund of returned goods takes five days. A refund of returned goods is paid to your "
        "card. Cats sleep. A refund of returned goods is free."
    )
    draft = quote_answer("When is the refund of returned goods paid?", [prose])
    assert len(draft.sentences) == 2
    assert quotes(draft)[0].startswith("A refund of returned goods takes five days")


def test_a_later_passage_may_hold_the_better_sentence() -> None:
    first = passage("The warehouse is in Kiel. It is large.", heading="")
    second = passage("Parcels leave the warehouse daily at noon.", heading="")
    draft = quote_answer("When do parcels leave the warehouse daily?", [first, second])
    assert quotes(draft) == ["Parcels leave the warehouse daily at noon."]


def test_meaning_decides_where_words_do_not() -> None:
    prose = passage(
        "The vessel departs at dawn. A storm is near. The feline rests. Bread is cheap.", heading=""
    )
    draft = quote_answer(
        "What does the cat do?",
        [prose],
        similarities=lambda texts: [0.9 if "feline" in text else 0.1 for text in texts],
    )
    assert quotes(draft) == ["The feline rests."]


def test_a_question_is_no_answer() -> None:
    prose = passage("Can I return goods? Yes, within 30 days.", heading="")
    assert quotes(quote_answer("Can I return goods?", [prose])) == ["Yes, within 30 days."]


def test_spans_count_in_the_versions_text() -> None:
    from dataclasses import replace

    text = "Preamble. Goods may be returned within 30 days."
    shifted = replace(passage(text), start=100, end=100 + len(text), chunk_id=uuid.uuid4())
    (_preamble, citation) = quote_answer("goods returned", [shifted]).citations
    assert ("x" * 100 + text)[citation.start : citation.end] == citation.quote


def test_nothing_found_is_no_answer() -> None:
    assert quote_answer("anything", []).sentences == ()
