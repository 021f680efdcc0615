"""HTML: what a reader sees of it, by lxml. Scripts, navigation and what is hidden are left out."""

import re
from typing import Any

from lxml import etree

from controlplane.knowledge.ingestion.blocks import Block, Reading, Refused, one_line
from controlplane.knowledge.ingestion.decoding import decode

_LEFT_OUT = frozenset((
    "script", "style", "nav", "noscript", "template", "svg", "math", "iframe", "object", "embed",
    "footer", "aside", "head", "button", "select", "textarea", "dialog", "canvas", "audio", "video",
))  # fmt: skip
_BREAKS = frozenset((
    "address", "article", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr",
    "li", "main", "ol", "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "tr",
    "ul",
))  # fmt: skip
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0", re.IGNORECASE)
_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)


def read(raw: bytes) -> Reading:
    text, notes = _text_of(raw)
    return Reading(blocks_of(text), notes)


def blocks_of(text: str) -> list[Block]:
    """Raises Refused where nothing can be made of it."""
    parser = etree.HTMLParser(
        no_network=True, remove_comments=True, remove_pis=True, huge_tree=False, encoding="utf-8"
    )
    try:
        # As bytes: a declaration of another encoding in the text is then not believed.
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        if not text.strip():
            return []
        raise Refused("html_broken", f"The HTML cannot be read: {error.msg}.") from error
    return _Walk().through(root) if root is not None else []


def _text_of(raw: bytes) -> tuple[str, list[str]]:
    """By the document's own `<meta charset>` where it has one that is known."""
    named = _CHARSET.search(raw[:4096])
    if named:
        try:
            return raw.decode(named[1].decode("ascii")), []
        except (LookupError, UnicodeDecodeError):
            return decode(raw)
    return decode(raw)


class _Walk:
    """Collects blocks along the tree; iterative, since hostile documents are nested deeply."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._parts: list[str] = []
        self._lines: list[str] = []
        self._level = 0
        self._lists: list[str] = []
        self._preformatted = 0

    def through(self, root: Any) -> list[Block]:
        skipped = None
        for event, element in etree.iterwalk(root, events=("start", "end")):
            if skipped is not None:
                if event == "end" and element is skipped:
                    skipped = None
                    self._add(element.tail)
            elif event == "start":
                if _is_left_out(element):
                    skipped = element
                else:
                    self._begin(element)
            else:
                self._end(element)
        self._flush()
        return self._blocks

    def _begin(self, element: Any) -> None:
        tag = element.tag
        if tag in _BREAKS:
            self._flush()
        if re.fullmatch("h[1-6]", tag):
            self._level = int(tag[1])
        elif tag in {"ul", "ol"}:
            self._lists.append(tag)
        elif tag == "br":
            self._parts.append("\n")
        elif tag in {"td", "th"} and "".join(self._parts).strip():
            self._parts.append(" | ")
        elif tag == "pre":
            self._preformatted += 1
        elif tag == "img":
            self._add(element.get("alt"))
        self._add(element.text)

    def _end(self, element: Any) -> None:
        tag = element.tag
        if tag in _BREAKS:
            self._flush(is_row=tag == "tr")
        if re.fullmatch("h[1-6]", tag):
            self._level = 0
        elif tag in {"ul", "ol"} and self._lists:
            self._lists.pop()
        elif tag == "pre":
            self._preformatted -= 1
        elif tag == "a" and (element.get("href") or "").startswith(("http://", "https://")):
            address = element.get("href").strip()
            if address not in "".join(element.itertext()):
                self._parts.append(f" ({address})")
        if tag in {"ul", "ol", "table"} and not self._lists:
            self._flush_lines()
        self._add(element.tail)

    def _add(self, text: str | None) -> None:
        if text:
            self._parts.append(text if self._preformatted else re.sub(r"\s+", " ", text))

    def _flush(self, *, is_row: bool = False) -> None:
        text = "".join(self._parts)
        self._parts = []
        if not self._preformatted:
            text = "\n".join(one_line(line) for line in text.split("\n"))
        if not (text := text.strip("\n")).strip():
            return
        if self._level:
            self._flush_lines()
            self._blocks.append(Block(one_line(text), self._level))
        elif is_row:
            self._lines.append(text)
        elif self._lists:
            self._lines.append("  " * (len(self._lists) - 1) + f"- {text}")
        else:
            self._flush_lines()
            self._blocks.append(Block(text))

    def _flush_lines(self) -> None:
        if self._lines:
            self._blocks.append(Block("\n".join(self._lines)))
            self._lines = []


def _is_left_out(element: Any) -> bool:
    if element.tag in _LEFT_OUT:
        return True
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    return bool(_HIDDEN.search(element.get("style") or ""))
