"""Blocks cut into passages with exact spans: `text[start:end]` is the passage, to the character.

A passage ends where its section does, or where it has grown to about 200 words. Only a paragraph
that is longer by itself is cut, between sentences, and its parts overlap by a sentence or two.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from controlplane.knowledge.ingestion.blocks import Block, clean

WORDS = 200
_OVERLAP = 30
# Scripts without spaces have words too: about as many letters as this make one.
_LETTERS_PER_WORD = 10
_LONGEST_HEADING = 1000
_BETWEEN = "\n\n"
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+|(?<=[。！？])|\n+")
_WORD_END = re.compile(r"\s+")


@dataclass(frozen=True)
class Span:
    start: int
    end: int
    heading: str = ""


def lay_out(blocks: list[Block]) -> tuple[str, list[Span]]:
    """The canonical text of the blocks, and the passages in it."""
    placed, place, parts = [], 0, []
    for block in blocks:
        text = clean(block.text).strip()
        if not text:
            continue
        placed.append((block, Span(place, place + len(text))))
        parts.append(text)
        place += len(text) + len(_BETWEEN)
    text = _BETWEEN.join(parts)
    return text, list(_passages(text, placed))


def _passages(text: str, placed: list[tuple[Block, Span]]) -> Iterator[Span]:
    path: list[tuple[int, str]] = []
    gathered: list[Span] = []
    bare: Span | None = None
    """A heading that nothing has followed yet: alone it is a passage, rather than lost."""

    def flush() -> Iterator[Span]:
        nonlocal gathered
        yield from _cut(text, gathered, _joined(path))
        gathered = []

    for block, span in placed:
        if block.level:
            yield from flush()
            if bare and block.level <= path[-1][0]:
                yield Span(bare.start, bare.end, _joined(path[:-1]))
            while path and path[-1][0] >= block.level:
                path.pop()
            path.append((block.level, text[span.start : span.end]))
            bare = span
        elif block.section is not None:
            yield from flush()
            if bare:
                yield Span(bare.start, bare.end, _joined(path[:-1]))
                bare = None
            # A question alone is no passage; its answer has it for a heading.
            if block.section:
                yield from _cut(text, [span], block.section[:_LONGEST_HEADING])
        else:
            gathered.append(span)
            bare = None
    yield from flush()
    if bare:
        yield Span(bare.start, bare.end, _joined(path[:-1]))


def _joined(path: list[tuple[int, str]]) -> str:
    return " › ".join(title for _level, title in path)[:_LONGEST_HEADING]


def _cut(text: str, paragraphs: list[Span], heading: str) -> Iterator[Span]:
    """Neighbouring paragraphs together while they are short enough."""
    open_start, open_end, size = 0, 0, 0
    for paragraph in paragraphs:
        words = _size(text, paragraph.start, paragraph.end)
        if size and size + words > WORDS:
            yield Span(open_start, open_end, heading)
            size = 0
        if words > WORDS:
            yield from _split(text, paragraph, heading)
            continue
        if not size:
            open_start = paragraph.start
        open_end, size = paragraph.end, size + words
    if size:
        yield Span(open_start, open_end, heading)


def _split(text: str, paragraph: Span, heading: str) -> Iterator[Span]:
    """A long paragraph by its sentences, each part beginning with the end of the one before."""
    pieces = [
        piece
        for sentence in _pieces(text, paragraph, _SENTENCE_END)
        for piece in _not_too_long(text, sentence)
    ]
    begin = 0
    while begin < len(pieces):
        end, size = begin, 0
        while end < len(pieces) and (end == begin or size + _words(text, pieces[end]) <= WORDS):
            size += _words(text, pieces[end])
            end += 1
        yield Span(pieces[begin].start, pieces[end - 1].end, heading)
        if end == len(pieces):
            return
        back, shared = end, 0
        while back - 1 > begin and shared + _words(text, pieces[back - 1]) <= _OVERLAP:
            back -= 1
            shared += _words(text, pieces[back])
        begin = back


def _not_too_long(text: str, sentence: Span) -> Iterator[Span]:
    """The sentence, or parts of it between words, or between letters where there are none."""
    if _words(text, sentence) <= WORDS:
        yield sentence
        return
    start, size = sentence.start, 0
    end = start
    for word in _pieces(text, sentence, _WORD_END):
        words = _words(text, word)
        if size and size + words > WORDS:
            yield Span(start, end)
            size = 0
        if words > WORDS:
            step = WORDS * _LETTERS_PER_WORD
            for cut in range(word.start, word.end, step):
                yield Span(cut, min(cut + step, word.end))
            continue
        if not size:
            start = word.start
        end, size = word.end, size + words
    if size:
        yield Span(start, end)


def _pieces(text: str, span: Span, border: re.Pattern[str]) -> Iterator[Span]:
    """The parts between borders, without the space at their ends."""
    start = span.start
    for found in border.finditer(text, span.start, span.end):
        yield from _trimmed(text, start, found.end())
        start = found.end()
    yield from _trimmed(text, start, span.end)


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if start < end:
        yield Span(start, end)


def _words(text: str, span: Span) -> int:
    return _size(text, span.start, span.end)


def _size(text: str, start: int, end: int) -> int:
    part = text[start:end]
    return max(len(part.split()), len(part) // _LETTERS_PER_WORD, 1)
