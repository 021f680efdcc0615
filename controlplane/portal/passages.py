"""A document's text cut where its passages are, with what a citation points at marked."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from controlplane.knowledge.models import Chunk
from controlplane.portal.marking import Span, marked


@dataclass(frozen=True)
class Part:
    """A passage, or what stands between two of them (then `chunk` is None)."""

    text: SafeString
    chunk: Chunk | None = None
    is_cited: bool = False


def parts_of(text: str, chunks: Sequence[Chunk], cited: Span | None) -> list[Part]:
    """In reading order. Passages may overlap: what the one before has shown is not shown again."""
    parts: list[Part] = []
    at = chunks[0].start if chunks else 0
    for chunk in chunks:
        between = text[at : chunk.start]
        # A heading stands over its passage already.
        if between.strip() and between.strip() not in chunk.heading:
            lead = len(between) - len(between.lstrip())
            parts.append(Part(_marked(between.strip(), at + lead, cited)))
        start = max(at, chunk.start)
        piece = text[start : chunk.end]
        is_cited = cited is not None and cited[0] < chunk.end and cited[1] > chunk.start
        parts.append(Part(_marked(piece, start, cited), chunk, is_cited))
        at = max(at, chunk.end)
    return parts


def _marked(piece: str, offset: int, cited: Span | None) -> SafeString:
    return marked(piece, [(cited[0] - offset, cited[1] - offset)] if cited else [])
