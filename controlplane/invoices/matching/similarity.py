"""How alike two descriptions or two company names are, by their words."""

import re
import unicodedata
from difflib import SequenceMatcher

ALIKE = 0.75
CLEARER = 0.1
"""How much more alike the best candidate has to be than the next one."""

# Legal forms: suppliers leave them out or write them in another way.
_FORMS = frozenset({
    "ab", "ag", "as", "asa", "bv", "co", "company", "corp", "corporation", "eg", "ek", "ev", "gmbh",
    "inc", "kft", "kg", "kgaa", "limited", "llc", "llp", "ltd", "mbh", "nv", "ohg", "oy", "oyj",
    "plc", "pte", "sa", "sarl", "sas", "se", "sl", "spa", "sro", "srl", "ug", "und", "and", "the",
})  # fmt: skip


def words_of(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return re.findall(r"[^\W_]+", plain)


def likeness(one: str, other: str) -> float:
    """0 to 1: the better of letters in order and words in common, the words weighed by length."""
    first, second = words_of(one), words_of(other)
    if not first or not second:
        return 0.0
    ordered = SequenceMatcher(None, " ".join(sorted(first)), " ".join(sorted(second))).ratio()
    common, all_words = set(first) & set(second), set(first) | set(second)
    shared = sum(map(len, common)) / sum(map(len, all_words))
    return max(ordered, shared)


def is_same_company(one: str, other: str) -> bool:
    """Alike without legal forms, or one name wholly within the other."""
    first, second = (
        [word for word in words_of(name) if word not in _FORMS] for name in (one, other)
    )
    if not first or not second:
        return likeness(one, other) >= ALIKE
    if set(first) <= set(second) or set(second) <= set(first):
        return True
    return likeness(" ".join(first), " ".join(second)) >= ALIKE
