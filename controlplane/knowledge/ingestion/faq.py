"""CSV of questions and answers: each pair is one passage, under its question."""

import csv
import io

from controlplane.knowledge.ingestion.blocks import Block, Reading, Refused, clean, one_line
from controlplane.knowledge.ingestion.decoding import decode

_DELIMITERS = (",", ";", "\t", "|")
_QUESTION = frozenset({"question", "questions", "frage", "q", "prompt"})
_ANSWER = frozenset({"answer", "answers", "antwort", "a", "response", "reply"})
_MOST_NOTES = 50
_LONGEST_CELL = 1_000_000
# Enough to see the delimiter by.
_SAMPLE = 50


def read(raw: bytes) -> Reading:
    """Raises Refused where no row has both."""
    text, notes = decode(raw)
    csv.field_size_limit(_LONGEST_CELL)
    rows = _rows(text, _delimiter(text))
    question, answer, first = _columns(rows)
    blocks: list[Block] = []
    faults: list[str] = []
    for line, row in rows[first:]:
        asked = one_line(clean(row[question])) if len(row) > question else ""
        said = clean(row[answer]).strip() if len(row) > answer else ""
        if asked and said:
            blocks += [Block(asked, section=""), Block(said, section=asked)]
        elif any(cell.strip() for cell in row):
            faults.append(f"Line {line} has no {'answer' if asked else 'question'}; left out.")
    if not blocks:
        raise Refused(
            "no_pairs",
            "No row has both a question and an answer. Name the columns “question” and “answer”, "
            "or put them first and second.",
        )
    if len(faults) > _MOST_NOTES:
        faults = [*faults[:_MOST_NOTES], f"… and {len(faults) - _MOST_NOTES} more rows."]
    return Reading(blocks, notes + faults)


def _rows(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Each with the line that it ends on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise Refused(
            "csv_broken", f"Line {reader.line_num} of the CSV cannot be read: {error}."
        ) from error


def _delimiter(text: str) -> str:
    """The one that names question and answer; else the one that cuts most rows in two alike."""
    sample = "\n".join(text.splitlines()[:_SAMPLE])

    def fit(delimiter: str) -> tuple[bool, int]:
        try:
            rows = list(csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter))
        except csv.Error:
            return False, 0
        widths = [len(row) for row in rows if row]
        alike = sum(width == widths[0] for width in widths) if widths and widths[0] > 1 else 0
        return bool(rows) and _named(rows[0]) is not None, alike

    return max(_DELIMITERS, key=fit)


def _columns(rows: list[tuple[int, list[str]]]) -> tuple[int, int, int]:
    """Where question and answer stand, and the first row that is not the header."""
    named = _named(rows[0][1]) if rows else None
    return (*named, 1) if named else (0, 1, 0)


def _named(header: list[str]) -> tuple[int, int] | None:
    names = [cell.strip().lower() for cell in header]
    question = next((place for place, name in enumerate(names) if name in _QUESTION), None)
    answer = next((place for place, name in enumerate(names) if name in _ANSWER), None)
    return None if question is None or answer is None else (question, answer)
