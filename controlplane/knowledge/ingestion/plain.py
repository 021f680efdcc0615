"""Plain text: paragraphs with empty lines between them."""

import re

from controlplane.knowledge.ingestion.blocks import Block, Reading
from controlplane.knowledge.ingestion.decoding import decode

_EMPTY_LINES = re.compile(r"\n[ \t]*\n\s*")


def read(raw: bytes) -> Reading:
    text, notes = decode(raw)
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return Reading([Block(part) for part in _EMPTY_LINES.split(lines)], notes)
