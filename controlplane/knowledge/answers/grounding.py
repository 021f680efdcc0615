"""Whether a sentence that a model wrote is supported by the passages that it cites.

Lexical, and strict where a wrong word costs most: numbers, amounts, addresses and codes have to
stand in a cited passage as they are; enough of the other words have to; and a “not” must not come
or go. It cannot see a fact that is turned round with the same words.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from controlplane.knowledge.answers.sentences import Span, split_sentences
from controlplane.knowledge.answers.terms import terms_of

LEAST_SHARED = 0.5

_NUMBER = re.compile(r"\d+(?:[.,'’\u00a0\u202f ]\d{3}\b|[.,]\d+)*")
_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s<>\"')\]]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?:[\w-]+\.)+[^\W\d_]{2,}(?:/\S*)?",
    re.IGNORECASE,
)
_WIDE_DOT = re.compile(r"(?<=[A-Za-z0-9])[。｡](?=\w)")
# An article number or the like; “30-day” is a number.
_CODE = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Z])\w[\w-]*\w\b")
_CURRENCY = re.compile(r"[€$£¥]|\b(?:EUR|USD|GBP|CHF|JPY|euros?|dollars?|pounds?)\b", re.IGNORECASE)
_ONE_CURRENCY = {
    "€": "eur", "euro": "eur", "euros": "eur", "$": "usd", "dollar": "usd", "dollars": "usd",
    "£": "gbp", "pound": "gbp", "pounds": "gbp", "¥": "jpy",
}  # fmt: skip
_NUMBER_WORDS = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "fourteen": "14", "fifteen": "15",
    "twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "ninety": "90",
    "hundred": "100", "thousand": "1000", "zwei": "2", "drei": "3", "vier": "4", "fünf": "5",
    "sechs": "6", "sieben": "7", "acht": "8", "neun": "9", "zehn": "10", "elf": "11", "zwölf": "12",
    "vierzehn": "14", "fünfzehn": "15", "zwanzig": "20", "dreißig": "30", "vierzig": "40",
    "fünfzig": "50", "sechzig": "60", "neunzig": "90", "hundert": "100", "tausend": "1000",
}  # fmt: skip
_CALENDAR = """
monday tuesday wednesday thursday friday saturday sunday january february march april june july
august september october november december montag dienstag mittwoch donnerstag freitag samstag
sonntag januar februar märz juni juli oktober dezember
"""
_CALENDAR_WORDS = frozenset(_CALENDAR.split())
_WORD = re.compile(r"[^\W\d_]+")
_NOT = re.compile(
    r"\b(?:not|no|never|none|neither|nor|without|cannot|\w+n['’]t|nicht|kein\w*|nie|niemals|ohne)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Support:
    """Where in each cited passage the sentence's best match stands; `reason` says what is wrong."""

    spans: tuple[Span, ...] = ()
    reason: str = ""


def support_of(
    sentence: str, passages: Sequence[str], *, same_language: bool, language: str
) -> Support:
    """`passages` are the texts that the sentence cites. Empty reason: supported.

    In another language than the passages words cannot be compared; numbers and addresses can.
    """
    if not passages:
        return Support(reason="no_citation")
    together = _plain("\n".join(passages))
    if foreign := sorted(_facts(sentence) - _facts(together)):
        return Support(reason=f"not_in_source: {', '.join(foreign)[:200]}")
    words = set(terms_of(_plain(sentence), language))
    spans = tuple(_best_match(words, text, language) for text in passages)
    if not same_language:
        return Support(spans)
    known = set(terms_of(together, language))
    if not words or len(words & known) / len(words) < LEAST_SHARED:
        return Support(reason="unsupported")
    matched = " ".join(span.of(text) for span, text in zip(spans, passages, strict=True))
    if bool(_NOT.search(sentence)) != bool(_NOT.search(matched)):
        return Support(reason="negation_differs")
    return Support(spans)


def _plain(text: str) -> str:
    """Wide digits, ligatures and the like as everybody writes them; nothing that is not seen.

    Mail programs make a link of evil。com as of evil.com, and of what a soft hyphen parts.
    """
    seen = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return _WIDE_DOT.sub(".", unicodedata.normalize("NFKC", seen))


def _facts(text: str) -> set[str]:
    """What must not be made up, each in one form."""
    plain = _plain(text)
    addresses = {found.rstrip(".,;:!?/").lower() for found in _ADDRESS.findall(plain)}
    rest = _ADDRESS.sub(" ", plain)
    codes = {found.lower() for found in _CODE.findall(rest)}
    numbers = {_one_form(found) for found in _NUMBER.findall(_CODE.sub(" ", rest))}
    currencies = {_ONE_CURRENCY.get(f.lower(), f.lower()) for f in _CURRENCY.findall(rest)}
    words = {found.lower() for found in _WORD.findall(rest)}
    told = {_NUMBER_WORDS[word] for word in words & _NUMBER_WORDS.keys()}
    return addresses | codes | numbers | currencies | told | (words & _CALENDAR_WORDS)


def _one_form(number: str) -> str:
    """1,250.00 and 1.250,00 and 1250 are one number; 12.5 is 12.50, and 3.10 is not 310."""
    whole, mark, end = number, "", ""
    last = max(number.rfind("."), number.rfind(","))
    if last >= 0 and len(number) - last - 1 != 3:
        whole, mark, end = number[:last], ".", number[last + 1 :].rstrip("0")
    digits = re.sub(r"\D", "", whole).lstrip("0") or "0"
    return digits + (mark + end if end else "")


def _best_match(words: set[str], passage: str, language: str) -> Span:
    """The passage's sentence that shares the most words; the whole where none can be told."""
    spans = split_sentences(passage) or [Span(0, len(passage))]

    def shared(span: Span) -> float:
        there = set(terms_of(_plain(span.of(passage)), language))
        return len(words & there) / (len(words | there) or 1)

    return max(spans, key=lambda span: (shared(span), -span.start))
