"""Amounts and dates as people write them, in seven languages: each with how sure the reading is."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

_AMOUNT = re.compile(
    r"(?<![\w.,/])([-−]\s?)?(?:[€£$¥₹]\s?|(?:EUR|USD|GBP|CHF|PLN|Rs\.?)\s?)?([-−])?"
    r"([0-9]{1,3}(?:[.,'’ \u00a0][0-9]{3})+(?:[.,][0-9]{1,2})?|[0-9]{1,9}(?:[.,][0-9]{1,4})?)"
    r"(?![\w%.,/]|\s?%|[.,][0-9])(?:\s?(-)(?!\w))?"
)
_GROUPS = re.compile(r"['’ \u00a0]")

_ISO = re.compile(r"(?<![0-9])([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})(?![0-9])")
_NUMERIC = re.compile(
    r"(?<![0-9])([0-9]{1,2})([./-])\s?([0-9]{1,2})\2\s?([0-9]{4}|[0-9]{2})(?![0-9])"
)
_DAY_MONTH = re.compile(
    r"(?<![0-9])([0-9]{1,2})(?:\.|er|st|nd|rd|th|º)?\s*(?:de\s+)?([^\W\d_]{3,12})\.?,?\s*"
    r"(?:del?\s+)?([0-9]{4})(?![0-9])"
)
_MONTH_DAY = re.compile(
    r"(?<!\w)([^\W\d_]{3,12})\.?\s+([0-9]{1,2})(?:st|nd|rd|th)?\s*,?\s*([0-9]{4})(?![0-9])"
)
# By the first letters, as many as tell them apart; in the order of the months.
_MONTHS = (
    ("jan", "jän", "ene", "gen", "sty"),
    ("feb", "fév", "fev", "lut"),
    ("mar", "mär", "maa", "mrz", "mrt"),
    ("apr", "avr", "abr", "kwi"),
    ("may", "mai", "mei", "mag", "maj"),
    ("jun", "juin", "giu", "cze"),
    ("jul", "juil", "lug", "lip"),
    ("aug", "aoû", "aou", "ago", "sie"),
    ("sep", "set", "wrz"),
    ("oct", "okt", "ott", "paź", "paz"),
    ("nov", "lis"),
    ("dec", "déc", "dez", "dic", "gru"),
)


def amounts(text: str) -> Iterator[tuple[str, float, int, int]]:
    """The last amount of the text, which is the one that a row adds up to."""
    every = list(_AMOUNT.finditer(text[:400]))
    if not every:
        return
    found = every[-1]
    value, certainty = _decimal(found[3])
    if found[1] or found[2] or found[4]:
        value = -value
    yield format(value, "f"), certainty, found.start(3), found.end(3)


def _decimal(written: str) -> tuple[Decimal, float]:
    certainty = 1.0
    if _GROUPS.search(written):
        # A space may part thousands, or two columns.
        certainty = 0.8 if " " in written else 1.0
        written = _GROUPS.sub("", written)
    last = max(written.rfind("."), written.rfind(","))
    if last < 0:
        return Decimal(written), certainty * 0.8
    behind = len(written) - last - 1
    both = "." in written and "," in written
    separators = written.count(".") + written.count(",")
    if behind == 3 and not both:
        # 1.234 is a thousand here and one and a bit there; several groups are thousands.
        certainty *= 0.5 if separators == 1 else 0.9
        return Decimal(re.sub(r"[.,]", "", written)), certainty
    whole, fraction = re.sub(r"[.,]", "", written[:last]), written[last + 1 :]
    return Decimal(f"{whole}.{fraction}"), certainty


def dates(text: str) -> Iterator[tuple[str, float, int, int]]:
    """The first date in the first words of the text, as ISO 8601."""
    text = text[:60]
    found: list[tuple[int, int, date, float]] = []
    for match in _ISO.finditer(text):
        found += _day(match, match[1], match[2], match[3], 1.0)
    for match in _NUMERIC.finditer(text):
        first, second, year = int(match[1]), int(match[3]), match[4]
        year = year if len(year) == 4 else f"20{year}"
        certainty = 1.0 if match[2] == "." else 0.9
        if match[2] != "." and first <= 12 and second <= 12 and first != second:
            # 03/04 is April to most of Europe and March to the United States.
            certainty = 0.55
        if second > 12:
            first, second = second, first
        found += _day(match, year, second, first, certainty)
    for match in _DAY_MONTH.finditer(text):
        found += _day(match, match[3], _month(match[2]), match[1], 1.0)
    for match in _MONTH_DAY.finditer(text):
        found += _day(match, match[3], _month(match[1]), match[2], 1.0)
    if found:
        start, end, day, certainty = min(found)
        yield day.isoformat(), certainty, start, end


def _day(
    match: re.Match[str], year: str, month: str | int, day: str | int, certainty: float
) -> list[tuple[int, int, date, float]]:
    try:
        value = date(int(year), int(month), int(day))
    except ValueError:
        return []
    return [(match.start(), match.end(), value, certainty)] if 1990 <= value.year < 2100 else []


def _month(word: str) -> int:
    word = word.lower()
    return next(
        (
            number
            for number, names in enumerate(_MONTHS, start=1)
            if any(word.startswith(name) for name in names)
        ),
        0,
    )
