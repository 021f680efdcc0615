"""Marks in texts of others: right to the character, and nothing of theirs is taken for HTML."""

import pytest

from controlplane.portal.marking import excerpt, marked, merged, spans_of_words


@pytest.mark.parametrize(
    ("spans", "told"),
    [
        ([(5, 8), (0, 2)], [(0, 2), (5, 8)]),
        ([(0, 5), (3, 8)], [(0, 8)]),
        ([(0, 4), (4, 8)], [(0, 8)]),
        ([(-5, 2), (8, 99), (5, 5), (7, 3)], [(0, 2), (8, 10)]),
        ([(50, 60)], []),
    ],
)
def test_spans_are_put_in_order(spans: list[tuple[int, int]], told: list[tuple[int, int]]) -> None:
    assert merged(spans, 10) == told


def test_hostile_text_is_escaped_inside_and_outside_of_a_mark() -> None:
    text = '<script>alert("1")</script> & <img src=x>'
    assert marked(text, [(0, 8), (20, 27)], css="word") == (
        '<mark class="word">&lt;script&gt;</mark>alert(&quot;1&quot;)&lt;/'
        '<mark class="word">script&gt;</mark> &amp; &lt;img src=x&gt;'
    )


def test_every_link_finds_its_mark() -> None:
    assert marked("One. Two. Three.", [(5, 9), (0, 4)], ids=["b", "a"]) == (
        '<mark id="a">One.</mark> <mark id="b">Two.</mark> Three.'
    )
    overlapping = marked("One. Two.", [(0, 6), (5, 9)], ids=["a", "b"])
    assert overlapping == '<mark id="a"><span id="b"></span>One. Two.</mark>'


def test_words_are_found_whole_whatever_their_case_and_spaces() -> None:
    text = "Return it, returned or not.\nWhere  IS (it)?"
    found = [text[start:end] for start, end in spans_of_words(text, ["return", "where is", "(it"])]
    assert found == ["Return", "Where  IS", "(it"]
    assert spans_of_words(text, ["", " "]) == []


def test_an_excerpt_is_cut_between_words() -> None:
    text = "alpha beta gamma delta epsilon"
    start, end = excerpt(text, (11, 16), around=7)
    assert text[start:end] == "beta gamma delta"
    assert excerpt(text, (0, 30), around=5) == (0, 30)
    assert excerpt("unbroken" * 9, (20, 25), around=5) == (15, 30)
