"""Proposals from the text of a PDF without XML: each with its place and how sure it is.

Nothing here decides anything: a document that is read this way is always "to check". Sure means
that the label names the field alone, the value stands right of it, and can be read one way only;
amounts that add up, and an IBAN whose check digits hold, are surer.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from controlplane.invoices.reading import labels
from controlplane.invoices.reading.page import Line, Word
from controlplane.invoices.reading.written import amounts, dates

MOST_LINES = 4_000
MOST_LENGTH = 400
MOST_SUMS = 40

_STRONG, _WEAK = 0.85, 0.45
_BELOW = 0.8
_SUREST = 0.97
# No country in Europe taxes more; a "tax" above it is another amount.
_HIGHEST_RATE = Decimal("0.3")

_CODE = re.compile(r"(?:[A-Z]{1,3} )?[0-9A-Za-z][0-9A-Za-z/_.#-]*[0-9A-Za-z]")
_BEFORE_VALUE = re.compile(r"[\s:#.°º-]*")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?!\w)")
_VAT_ID = re.compile(
    r"(?<!\w)(?:ATU[0-9]{8}|BE ?[01][0-9]{3}\.?[0-9]{3}\.?[0-9]{3}|BG[0-9]{9,10}|CY[0-9]{8}[A-Z]"
    r"|CZ[0-9]{8,10}|DE ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}|DK ?[0-9]{8}|EE[0-9]{9}|EL[0-9]{9}"
    r"|ES ?[A-Z0-9][0-9]{7}[A-Z0-9]|FI[0-9]{8}|FR ?[0-9A-Z]{2} ?[0-9]{3} ?[0-9]{3} ?[0-9]{3}"
    r"|HR[0-9]{11}|HU[0-9]{8}|IE[0-9][A-Z0-9+*][0-9]{5}[A-Z]{1,2}|IT ?[0-9]{11}|LT[0-9]{9,12}"
    r"|LU[0-9]{8}|LV[0-9]{11}|MT[0-9]{8}|NL ?[0-9]{9}B[0-9]{2}|PL ?[0-9]{10}|PT[0-9]{9}"
    r"|RO[0-9]{2,10}|SE[0-9]{12}|SI[0-9]{8}|SK[0-9]{10}|GB ?[0-9]{9}|CHE-?[0-9.]{9,11})(?!\w)"
)
_CURRENCIES = re.compile(
    r"(?<![A-Za-z])(?:EUR|USD|GBP|CHF|PLN|SEK|DKK|NOK|CZK|HUF|RON|BGN|INR|CAD|AUD|JPY)(?![A-Za-z])"
    r"|[€£$¥₹]|zł|(?<![A-Za-z])Rs\.?(?![A-Za-z])"
)
# A sign of one currency only is surer than a dollar, which is several countries'.
_SIGNS = {"€": ("EUR", 0.9), "£": ("GBP", 0.85), "$": ("USD", 0.5), "¥": ("JPY", 0.5)}
_SIGNS |= {"₹": ("INR", 0.85), "zł": ("PLN", 0.9), "Rs": ("INR", 0.6), "Rs.": ("INR", 0.6)}


@dataclass(frozen=True)
class Candidate:
    name: str
    value: str
    confidence: float
    page: int
    box: list[float]
    label: str

    def proposal(self, confidence: float) -> dict[str, Any]:
        return {
            "name": self.name,
            "value": self.value,
            "confidence": round(min(confidence, _SUREST), 2),
            "page": self.page,
            "box": self.box,
            "label": self.label,
        }


# The value at the beginning (or, for amounts, anywhere) of a text: value, certainty, span.
Reader = Callable[[str], Iterator[tuple[str, float, int, int]]]


def find(lines: list[Line]) -> list[dict[str, Any]]:
    """The best proposal for each field that the text has a word about."""
    lines = lines[:MOST_LINES]
    best: dict[str, tuple[Candidate, float]] = {}
    readers: dict[str, Reader] = {
        "number": _codes,
        "issue_date": dates,
        "due_date": dates,
        "order_number": _codes,
    }
    for name, reader in readers.items():
        candidates = list(_labelled(name, reader, lines))
        if candidates:
            best[name] = _choose(candidates)
    sums = {name: list(_labelled(name, amounts, lines)) for name in ("net", "tax", "total")}
    best |= _choose_sums(sums)
    for name, found in (
        ("iban", _ibans(lines)),
        ("vat_id", _vat_ids(lines)),
        ("currency", _currencies(lines)),
    ):
        candidates = list(found)
        if candidates:
            best[name] = _choose(candidates)
    return [candidate.proposal(confidence) for candidate, confidence in best.values()]


def _labelled(name: str, reader: Reader, lines: list[Line]) -> Iterator[Candidate]:
    for strength, patterns in ((_STRONG, labels.STRONG), (_WEAK, labels.WEAK)):
        pattern = patterns.get(name)
        if pattern is None:
            continue
        for at, line in enumerate(lines):
            text = line.text[:MOST_LENGTH]
            for label in pattern.finditer(text):
                yield from _beside(name, reader, strength, line, text, label)
                yield from _below(name, reader, strength, lines, at, text, label)


def _beside(
    name: str, reader: Reader, strength: float, line: Line, text: str, label: re.Match[str]
) -> Iterator[Candidate]:
    skip = _BEFORE_VALUE.match(text, label.end())
    start = skip.end() if skip else label.end()
    for value, certainty, first, last in reader(text[start:]):
        box = line.box(start + first, start + last)
        yield Candidate(name, value, strength * certainty, line.page, box, label[0])


def _below(
    name: str,
    reader: Reader,
    strength: float,
    lines: list[Line],
    at: int,
    text: str,
    label: re.Match[str],
) -> Iterator[Candidate]:
    """Under a label that ends its line, or the head of a column, stands its value."""
    left, _top, right, bottom = lines[at].box(label.start(), label.end())
    for line in lines[at + 1 : at + 3]:
        if line.page != lines[at].page or line.words[0].top - bottom > 40:
            return
        column = tuple(word for word in line.words if _overlap(word, left - 15, right + 60))
        if not column:
            continue
        cell = Line(line.page, column)
        for value, certainty, first, last in reader(cell.text[:MOST_LENGTH]):
            box = cell.box(first, last)
            yield Candidate(name, value, strength * certainty * _BELOW, line.page, box, label[0])
        return


def _overlap(word: Word, left: float, right: float) -> bool:
    return word.left < right and word.right > left


def _choose(candidates: list[Candidate]) -> tuple[Candidate, float]:
    """The surest; less sure if another value is as good, surer if the same is found again."""
    best = max(candidates, key=lambda candidate: candidate.confidence)
    confidence = best.confidence
    rivals = {
        candidate.value
        for candidate in candidates
        if candidate.confidence >= best.confidence - 0.01
    }
    if len(rivals) > 1:
        confidence *= 0.7
    elif sum(candidate.value == best.value for candidate in candidates) > 1:
        confidence += 0.05
    return best, confidence


def _choose_sums(sums: dict[str, list[Candidate]]) -> dict[str, tuple[Candidate, float]]:
    """Net, tax and total that add up, if there are any; otherwise the best of each, in doubt."""
    likely = {
        name: sorted(candidates, key=lambda candidate: -candidate.confidence)[:MOST_SUMS]
        for name, candidates in sums.items()
    }
    totals: dict[Decimal, Candidate] = {}
    for candidate in likely["total"]:
        totals.setdefault(Decimal(candidate.value), candidate)
    adding_up = [
        (net, tax, total)
        for net in likely["net"]
        for tax in likely["tax"]
        if (total := totals.get(Decimal(net.value) + Decimal(tax.value)))
        and abs(Decimal(tax.value)) <= abs(Decimal(net.value)) * _HIGHEST_RATE
    ]
    if adding_up:
        chosen = max(adding_up, key=lambda three: sum(one.confidence for one in three))
        return {one.name: (one, one.confidence * 1.15) for one in chosen}
    doubt = 0.6 if all(sums.values()) else 1.0
    best = {name: _choose(candidates) for name, candidates in sums.items() if candidates}
    return {name: (one, confidence * doubt) for name, (one, confidence) in best.items()}


def _codes(text: str) -> Iterator[tuple[str, float, int, int]]:
    """A number as businesses give them: one word with a digit in it."""
    found = _CODE.match(text)
    if found and any("0" <= letter <= "9" for letter in found[0]):
        # A date, or an amount, in the place of a number is something else.
        is_other = next(dates(found[0]), None) is not None or re.fullmatch(
            r"[0-9]{1,3}[.,][0-9]{2}", found[0]
        )
        yield found[0], 0.4 if is_other else 1.0, found.start(), found.end()


def _ibans(lines: list[Line]) -> Iterator[Candidate]:
    for line in lines:
        text = line.text[:MOST_LENGTH]
        for found in _IBAN.finditer(text):
            value = found[0].replace(" ", "")
            labelled = "IBAN" in text[: found.start()].upper()
            if is_iban(value):
                confidence = 0.97 if labelled else 0.9
            elif labelled:
                confidence = 0.2
            else:
                continue
            box = line.box(*found.span())
            yield Candidate("iban", value, confidence, line.page, box, "IBAN" if labelled else "")


def is_iban(value: str) -> bool:
    """Whether the check digits of an IBAN without spaces hold (ISO 7064, modulo 97)."""
    if not 15 <= len(value) <= 34 or not value.isascii() or not value.isalnum():
        return False
    return int("".join(str(int(letter, 36)) for letter in value[4:] + value[:4])) % 97 == 1


def _vat_ids(lines: list[Line]) -> Iterator[Candidate]:
    """The first one is mostly the seller's; another one is the buyer's."""
    ids = [(line, found) for line in lines for found in _VAT_ID.finditer(line.text[:MOST_LENGTH])]
    for number, (line, found) in enumerate(ids):
        value = found[0].replace(" ", "").replace(".", "")
        box = line.box(*found.span())
        label = line.text[: found.start()].strip(" :")[-30:]
        yield Candidate("vat_id", value, 0.7 - 0.02 * min(number, 10), line.page, box, label)


def _currencies(lines: list[Line]) -> Iterator[Candidate]:
    for line in lines:
        for found in _CURRENCIES.finditer(line.text[:MOST_LENGTH]):
            code, confidence = _SIGNS.get(found[0], (found[0], 0.9))
            yield Candidate(
                "currency", code, confidence, line.page, line.box(*found.span()), found[0]
            )
