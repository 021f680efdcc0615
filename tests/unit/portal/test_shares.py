"""Confidences in words and as bars."""

import pytest
from django.utils import translation

from controlplane.portal.templatetags.support import bar, intent, language, share


@pytest.mark.parametrize(
    ("value", "told"),
    [(None, "–"), (0.0, "0%"), (0.0049, "0%"), (0.57, "57%"), (0.249, "24%"), (0.9999, "99%"),
     (1.0, "100%")],
)  # fmt: skip
def test_a_confidence_is_never_rounded_up(value: float | None, told: str) -> None:
    with translation.override("en"):
        assert share(value) == told


def test_a_bar_stays_within_its_ground() -> None:
    assert '<rect class="bar-fill" width="100.0"' in bar(7.5)
    assert '<rect class="bar-fill" width="0.0"' in bar(None)
    drawn = bar(0.5, "good", [0.4, 0.85])
    assert "bar-good" in drawn
    assert 'x="39.6"' in drawn
    assert 'x="84.6"' in drawn


def test_names_follow_the_reader() -> None:
    with translation.override("de"):
        assert language("en") == "Englisch"
        assert intent("refund_status") == "Wo ist meine Erstattung?"
        assert intent("boat_hire") == "Boat hire"
        assert language("xx") == "Xx"
