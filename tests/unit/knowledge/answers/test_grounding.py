import pytest

from controlplane.knowledge.answers.grounding import _one_form, support_of

RETURNS = (
    "Goods may be returned within 30 days of delivery. Shipping back costs 4.90 EUR. "
    "Write to returns@shop.example or see https://shop.example/returns. Article ROPE-10-WH is "
    "excluded. Opened food cannot be returned. We answer until Friday."
)


def why(sentence, *passages, **kwargs):
    kwargs = {"same_language": True, "language": "en", **kwargs}
    return support_of(sentence, passages or [RETURNS], **kwargs).reason


@pytest.mark.parametrize(
    "sentence",
    [
        "Goods may be returned within 30 days of delivery.",
        "You can return goods within 30 days after delivery.",
        "Goods may be returned within thirty days of delivery.",
        "Shipping it back costs €4.90.",
        "Shipping back costs 4,90 EUR.",
        "Write to returns@shop.example.",
        "See https://shop.example/returns/ for returns.",
        "Article ROPE-10-WH is excluded.",
        "Opened food can't be returned.",
        "We answer until Friday.",
    ],
)
def test_what_the_passage_says_is_supported(sentence: str) -> None:
    assert why(sentence) == ""


@pytest.mark.parametrize(
    ("sentence", "foreign"),
    [
        ("Goods may be returned within 60 days of delivery.", "60"),
        ("Goods may be returned within sixty days of delivery.", "60"),
        ("Shipping back costs 49.00 EUR.", "49"),
        ("Shipping back costs 4.90 USD.", "usd"),
        ("Write to refunds@shop.example.", "refunds@shop.example"),
        ("See https://shop.example/returns-here for returns.", "https://shop.example/returns-here"),
        ("See evil.example for returns.", "evil.example"),
        ("See evil。example for returns.", "evil.example"),
        ("See evil.рф for returns.", "evil.рф"),
        ("See evil\u200b.example for returns.", "evil.example"),
        ("Article ROPE-12-WH is excluded.", "rope-12-wh"),
        ("We answer until Monday.", "monday"),
    ],
)
def test_a_fact_that_is_not_there_is_not(sentence: str, foreign: str) -> None:
    assert why(sentence) == f"not_in_source: {foreign}"


def test_a_not_must_neither_come_nor_go() -> None:
    assert why("Opened food can be returned.") == "negation_differs"
    assert why("Goods may not be returned within 30 days of delivery.") == "negation_differs"


def test_other_words_are_not_supported() -> None:
    assert why("Our captain sails around the world every winter.") == "unsupported"
    assert why("It is so.") == "unsupported"
    assert why("Goods may be returned.", *[]) == ""
    assert support_of("x", [], same_language=True, language="en").reason == "no_citation"


def test_in_another_language_facts_alone_are_compared() -> None:
    german = {"same_language": False, "language": "de"}
    assert why("Sie können die Ware innerhalb von 30 Tagen zurückgeben.", **german) == ""
    assert why("Sie können die Ware innerhalb von 14 Tagen zurückgeben.", **german) != ""
    assert why("Sie haben vierzehn Tage.", **german) == "not_in_source: 14"


def test_the_best_sentence_of_each_cited_passage_is_shown() -> None:
    other = "Nothing here. Delivery takes two days."
    support = support_of(
        "Goods may be returned within 30 days of delivery.",
        [RETURNS, other],
        same_language=True,
        language="en",
    )
    assert support.spans[0].of(RETURNS) == "Goods may be returned within 30 days of delivery."
    assert support.spans[1].of(other) == "Delivery takes two days."


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1,250.00", "1250"), ("1.250,00", "1250"), ("1250", "1250"), ("1 250", "1250"),
        ("12.5", "12.5"), ("12.50", "12.5"), ("3.10", "3.1"), ("310", "310"), ("0", "0"),
        ("007", "7"), ("1.000.000", "1000000"),
    ],
)  # fmt: skip
def test_numbers_have_one_form(written: str, number: str) -> None:
    assert _one_form(written) == number
