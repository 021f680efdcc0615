"""Where the limited process begins: one file in, text and passages out, as JSON."""

from pathlib import Path
from typing import Any

from controlplane.knowledge.ingestion.blocks import MOST_CHARACTERS, Reading, Refused
from controlplane.knowledge.ingestion.chunking import lay_out

MOST_PASSAGES = 20_000


def read(argument: dict[str, str]) -> dict[str, Any]:
    """`path` and `kind` → `text`, `chunks` (start, end, heading) and `notes`, or `refused`."""
    try:
        return _read(argument["path"], argument["kind"])
    except Refused as refused:
        return {"refused": {"code": refused.code, "message": refused.message}}


def _read(path: str, kind: str) -> dict[str, Any]:
    reading = _reading(path, kind)
    text, spans = lay_out(reading.blocks)
    if not spans:
        raise Refused("no_text", "The file holds no text. Upload one that does.")
    if len(text) > MOST_CHARACTERS or len(spans) > MOST_PASSAGES:
        raise Refused(
            "too_long",
            f"The document has {len(text)} characters in {len(spans)} passages; "
            f"{MOST_CHARACTERS} and {MOST_PASSAGES} are the most. Split it.",
        )
    return {
        "text": text,
        "chunks": [{"start": s.start, "end": s.end, "heading": s.heading} for s in spans],
        "notes": reading.notes,
    }


def _reading(path: str, kind: str) -> Reading:
    # Each reader's libraries are loaded only where they are needed.
    if kind == "pdf":
        from controlplane.knowledge.ingestion import pdf

        return pdf.read(path)
    raw = Path(path).read_bytes()
    if kind == "markdown":
        from controlplane.knowledge.ingestion import markdown

        return markdown.read(raw)
    if kind == "html":
        from controlplane.knowledge.ingestion import html

        return html.read(raw)
    if kind == "faq":
        from controlplane.knowledge.ingestion import faq

        return faq.read(raw)
    from controlplane.knowledge.ingestion import plain

    return plain.read(raw)
