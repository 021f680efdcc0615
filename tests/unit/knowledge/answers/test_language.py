import pytest

from controlplane.knowledge.answers.language import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How long can I return goods after delivery?", "en"),
        ("Wie lange kann ich Ware nach der Lieferung zurückgeben?", "de"),
        ("Combien de temps puis-je retourner la marchandise livrée ?", "fr"),
        ("Refund?", ""),
        ("ROPE-10-WH 12345 https://shop.example/a-very-long-address/of-a-page", ""),
        ("", ""),
    ],
)
def test_languages_are_told_where_they_can_be(text: str, language: str) -> None:
    assert language_of(text) == language


def test_a_text_without_a_blank_has_no_language() -> None:
    """Nor is it looked at whole, which would take minutes."""
    assert language_of("a" * 500_000) == ""
