"""Which language a text is in, of those that a European distributor meets.

A short text has too few letters to tell: then it is the tenant's language, with the little
confidence that there is.
"""

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

OFFERED = ("en", "de", "fr", "nl", "es", "it", "pl", "pt", "sv", "da", "cs")
SURE_FROM = 0.7
LETTERS_ENOUGH = 12
# Addresses and numbers are in no language.
# Bounded, since a text without a single blank would else be walked through from each letter.
_NOT_LANGUAGE = re.compile(r"https?://\S{1,500}|\S{1,64}@\S{1,250}|[\d_]+")


def detect_language(text: str, *, fallback: str) -> tuple[str, float]:
    """ISO 639-1 and how sure that is, from 0 to 1."""
    plain = _NOT_LANGUAGE.sub(" ", text)[:4000]
    ranked = dict(_identifier().rank(plain))
    language, confidence = max(ranked.items(), key=lambda found: found[1])
    letters = sum(character.isalpha() for character in plain)
    if letters < LETTERS_ENOUGH or confidence < SURE_FROM:
        return fallback, min(float(ranked.get(fallback, 0.0)), SURE_FROM)
    return str(language), float(confidence)


@cache
def _identifier() -> "LanguageIdentifier":
    """Of our own, since restricting the library's shared one would restrict everybody's."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(OFFERED)
    return identifier
