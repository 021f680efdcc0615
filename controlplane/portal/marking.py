"""Text of others with places in it marked. Everything is escaped; only the marks are ours."""

import re
from collections.abc import Iterable, Sequence

from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

Span = tuple[int, int]


def merged(spans: Iterable[Span], length: int) -> list[Span]:
    """In order, within the text, and without overlaps."""
    found: list[Span] = []
    for start, end in sorted((max(0, start), min(end, length)) for start, end in spans):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def marked(
    text: str, spans: Sequence[Span], *, css: str = "", ids: Sequence[str] = ()
) -> SafeString:
    """`text` with `<mark>` around each span; spans count in characters of the text.

    With `ids` each mark can be linked to; where spans overlap, the links lead to one mark.
    """
    parts: list[str] = []
    at = 0
    for start, end in merged(spans, len(text)):
        inside = [id_ for id_, span in zip(ids, spans, strict=False) if start <= span[0] < end]
        # A second link to the same mark needs a place of its own.
        anchors = format_html_join("", '<span id="{}"></span>', ((each,) for each in inside[1:]))
        opening = format_html(
            "<mark{}{}>",
            format_html(' class="{}"', css) if css else "",
            format_html(' id="{}"', inside[0]) if inside else "",
        )
        parts += [escape(text[at:start]), opening, anchors, escape(text[start:end]), "</mark>"]
        at = end
    parts.append(escape(text[at:]))
    return mark_safe("".join(parts))  # noqa: S308  (every piece was escaped above)


def spans_of_words(text: str, words: Iterable[str]) -> list[Span]:
    """Where the words stand in the text, as whole words, whatever their case and spaces."""
    given = sorted({" ".join(word.split()) for word in words}, key=len, reverse=True)
    wanted = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in given if word)
    if not wanted:
        return []
    found = re.finditer(rf"(?<!\w)(?:{wanted})(?!\w)", text, re.IGNORECASE)
    return [match.span() for match in found]


def excerpt(text: str, span: Span, *, around: int = 240) -> tuple[int, int]:
    """A piece of the text around the span that begins and ends between words."""
    start, end = max(0, span[0] - around), min(len(text), span[1] + around)
    if start:
        gap = text.find(" ", start, span[0])
        start = gap + 1 if gap >= 0 else start
    if end < len(text):
        gap = text.rfind(" ", span[1], end)
        end = gap if gap >= 0 else end
    return start, end
