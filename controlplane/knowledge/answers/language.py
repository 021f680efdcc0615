"""Which language a question is in, where nobody has said so."""

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_OFFERED = ("cs", "da", "de", "en", "es", "fr", "it", "nl", "pl", "pt", "sv")
_SURE_FROM = 0.9
_LETTERS_ENOUGH = 20
# Addresses and numbers are in no language.
# Bounded: a text without a single blank would else be walked through from each of its letters.
_NOT_LANGUAGE = re.compile(r"https?://\S{1,500}|\S{1,64}@\S{1,250}|[\d_]+")


def language_of(text: str) -> str:
    """ISO 639-1; empty where the text is too short or too mixed to tell."""
    plain = _NOT_LANGUAGE.sub(" ", text)[:4000]
    if sum(letter.isalpha() for letter in plain) < _LETTERS_ENOUGH:
        return ""
    language, confidence = _identifier().classify(plain)
    return str(language) if confidence >= _SURE_FROM else ""


@cache
def _identifier() -> "LanguageIdentifier":
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(_OFFERED)
    return identifier
