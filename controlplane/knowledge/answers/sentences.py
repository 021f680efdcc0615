"""Where sentences begin and end, in characters of the text that they stand in.

A citation must be found again in its document, so nothing is rewritten here: every sentence is a
span, `text[start:end]`. A line of a list, a heading and a table row are sentences of their own.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 600

# A mark that ends a sentence, what may close after it, and a space; or the end of a paragraph.
_END = re.compile(
    r"[.!?…。！？]+[\"'»”’)\]]*(?=\s|$)|[。！？]|\n\s*\n|\n(?=\s*(?:[-*+•]|\d+[.)]|#|\|)\s)"
)
_LINE_MARK = re.compile(r"(?:[-*+•]|\d{1,3}[.)]|#{1,6})\s+")
_SPACE = re.compile(r"\s*")
_LAST_WORD = re.compile(r"(\S+)$")
_SHORT = """
e.g i.e etc mr mrs ms dr prof st vs inc ltd co corp dept est cf al jr sr
z.b d.h u.a o.ä bzw usw ggf evtl inkl exkl zzgl str tel vgl bspw std sog s.o s.u
jan feb mar apr jun jul aug sep sept oct okt nov dec dez
"""
_SHORT_BEFORE_NUMBERS = "no nos nr fig eq abs art p pp approx ca max min mind"
_ABBREVIATIONS = frozenset(_SHORT.split())
_BEFORE_NUMBERS = frozenset(_SHORT_BEFORE_NUMBERS.split())


@dataclass(frozen=True)
class Span:
    start: int
    end: int

    def of(self, text: str) -> str:
        return text[self.start : self.end]


def split_sentences(text: str) -> list[Span]:
    """In order and apart from one another; no span is empty or starts or ends with a space."""
    spans = (_trimmed(text, start, end) for start, end in _pieces(text))
    return [part for span in spans if span for part in _no_longer_than(text, span)]


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for found in _END.finditer(text):
        if found[0][0] == "." and not _ends_sentence(text, start, found):
            continue
        yield start, found.end()
        start = found.end()
    yield start, len(text)


def _ends_sentence(text: str, start: int, found: re.Match[str]) -> bool:
    """Whether this dot does: not after “e.g”, an initial, or “3” before a small letter."""
    word = _LAST_WORD.search(text, start, found.start())
    last = word[0].strip("([\"'„“»*_").lower() if word else ""
    after = text[found.end() : found.end() + 40].lstrip()
    if last in _BEFORE_NUMBERS:
        return not after[:1].isdigit()
    if len(last) == 1 and last.isalpha() and last.isascii():
        return not after  # “z. B.”, “J. Doe”
    if last in _ABBREVIATIONS:
        # “etc.” and “usw.” end a sentence where a capital follows, but so stand names: “Dr. Ada”.
        return last in {"etc", "usw", "inc", "ltd"} and after[:1].isupper()
    if last.isdigit() and len(last) <= 2 and after:
        # “am 3. Mai”, “1. Open the valve”: an ordinal, unless the number ended a longer sentence.
        return len(text[start : found.start()].split()) > 3 and not _is_month(after)
    return True


def _is_month(text: str) -> bool:
    months = "jan feb mär mar apr mai may jun jul aug sep okt oct nov dez dec"
    return text[:3].lower() in months.split() or text[:1].islower()


def _trimmed(text: str, start: int, end: int) -> Span | None:
    """Without spaces around it, and without what makes it a line of a list."""
    while end > start and text[end - 1].isspace():
        end -= 1
    start = _skipped(_SPACE, text, start, end)
    start = _skipped(_LINE_MARK, text, start, end)
    start = _skipped(_SPACE, text, start, end)
    return Span(start, end) if any(letter.isalnum() for letter in text[start:end]) else None


def _skipped(pattern: re.Pattern[str], text: str, start: int, end: int) -> int:
    found = pattern.match(text, start, end)
    return found.end() if found else start


def _no_longer_than(text: str, span: Span) -> Iterator[Span]:
    """Text without full stops is cut between words, so that a quote stays readable."""
    start = span.start
    while span.end - start > LONGEST:
        cut = text.rfind(" ", start + LONGEST // 2, start + LONGEST)
        cut = cut if cut > 0 else start + LONGEST
        if part := _trimmed(text, start, cut):
            yield part
        start = cut
    if part := _trimmed(text, start, span.end):
        yield part
