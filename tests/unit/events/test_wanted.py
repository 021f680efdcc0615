import pytest

from controlplane.events.wanted import fits


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("#1001", "#1001"),
        ("#1001", "#10*"),
        ("#1001", "*01"),
        ("#1001", "#*0*1"),
        ("#1001", "*"),
        ("Order A", "order *"),
        ("aXbXc", "a*b*c"),
        ("", "*"),
    ],
)
def test_a_star_stands_for_any_text(text, pattern):
    assert fits(text, pattern)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("#1001", "#100"),
        ("#1001", "1001"),
        ("#2001", "#10*"),
        ("aa", "a*aa"),
        ("ab", "ab*b"),
        ("", "#*"),
        ("axc", "a*b*c"),
    ],
)
def test_everything_else_has_to_be_the_same(text, pattern):
    assert not fits(text, pattern)
