"""The words of a text that carry meaning, brought to one form, and how rare each of them is.

Only for weighing a question against passages that were found already; finding them is the
index's work, with PostgreSQL's stemmers. English and German; other languages keep their endings.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

_WORD = re.compile(r"[^\W_]+(?:[.\-/@'’][^\W_]+)*")
_ENDINGS = {
    "en": ("ations", "ation", "ings", "ing", "edly", "ies", "ied", "ers", "ed", "es", "er", "ly",
           "s", "e", "y"),
    "de": ("ungen", "ung", "isch", "lich", "keit", "heit", "ern", "est", "em", "en", "er", "es",
           "st", "e", "n", "s", "t"),
}  # fmt: skip
_SHORTEST_STEM = 3
_ENGLISH_AND_GERMAN = """
a about after all also am an and any are as at be been before being but by can cannot could
did do does doing don't done dont each for from get gets getting go had has have having he
her here hers hi hello him his how however i i'd i'll i'm i've if im in into is isn't it it's
its just know let like may me might more most must my need no nor not now of off on once one
only or other our out over own please same shall she should so some such tell than thank
thanks that the their them then there these they this those to too under until up us use used
using very want was way we were what when where which while who whom whose why will with
would you your yours
aber alle als am an auch auf aus bei bin bis bitte da damit danke dann das dass dein dem den
denn der des die dies diese diesem diesen dieser doch dort du durch ein eine einem einen
einer eines er es etwas euch euer für gibt haben habe hallo hat hatte ich ihm ihn ihr ihre
im in ins ist ja jede jeder jetzt kann kein keine können könnte man mein meine meinem meinen
meiner mich mir mit möchte muss müssen nach nicht noch nun nur ob oder ohne schon sehr sein
seine sich sie sind so soll sollte über um und uns unser unter vom von vor wann war waren
warum was weil welche welcher welches wenn wer werde werden wie wieder will wir wird wo wurde
zu zum zur zwischen
"""
_EMPTY = frozenset(_ENGLISH_AND_GERMAN.split())


def terms_of(text: str, language: str = "en") -> list[str]:
    """In order, with repetitions; numbers and codes stay as they are written."""
    words = (found[0].lower().replace("’", "'") for found in _WORD.finditer(text))
    return [stem(word, language) for word in words if word not in _EMPTY]


def stem(word: str, language: str) -> str:
    """A light stem: known endings go, two at most, and so does the second of two consonants."""
    if not word.isalpha():
        return word
    for _round in range(2):
        for ending in _ENDINGS.get(language, ()):
            if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
                word = word[: -len(ending)]
                break
    return word[:-1] if len(word) > _SHORTEST_STEM and word[-1] == word[-2] else word


def rarity(texts: Sequence[Iterable[str]]) -> "Rarity":
    """Weights of terms by how few of the texts they stand in, as BM25 counts them."""
    counts = Counter(term for terms in texts for term in set(terms))
    return Rarity(counts, len(texts))


class Rarity:
    """The inverse document frequency; a term that is in none of the texts weighs the most."""

    def __init__(self, counts: Mapping[str, int], total: int) -> None:
        self._counts = counts
        self._total = total

    def of(self, term: str) -> float:
        held = self._counts.get(term, 0)
        return math.log(1 + (self._total - held + 0.5) / (held + 0.5))

    def covered(self, wanted: Iterable[str], there: Iterable[str]) -> float:
        """The share of what is wanted that is there, by weight; 0 where nothing is wanted."""
        terms, known = set(wanted), set(there)
        weights = {term: self.of(term) for term in terms}
        total = sum(weights.values())
        return sum(weights[term] for term in terms & known) / total if total else 0.0
