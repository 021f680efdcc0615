"""Markdown (CommonMark with tables): its structure, without its marks."""

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

from controlplane.knowledge.ingestion import html
from controlplane.knowledge.ingestion.blocks import Block, Reading, one_line
from controlplane.knowledge.ingestion.decoding import decode

_OF_LINES = frozenset({"bullet_list", "ordered_list", "table"})
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)


def read(raw: bytes) -> Reading:
    text, notes = decode(raw)
    text = _FRONT_MATTER.sub("", text.replace("\r\n", "\n"))
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return Reading(_Walk().through(tokens), notes)


class _Walk:
    """Collects blocks along the tokens; a list, and a table, becomes one block of lines."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._lines: list[str] = []
        self._cells: list[str] | None = None
        self._depth = 0
        self._level = 0
        self._bullet = ""

    def through(self, tokens: list[Token]) -> list[Block]:
        for token in tokens:
            name, _underscore, edge = token.type.rpartition("_")
            if edge == "open":
                self._open(name, token)
            elif edge == "close":
                self._close(name)
            else:
                self._add(_of_leaf(token, self._level))
        return self._blocks

    def _open(self, name: str, token: Token) -> None:
        if name == "heading":
            self._level = int(token.tag[1:])
        elif name in _OF_LINES:
            self._depth += 1
        elif name == "list_item":
            self._bullet = f"{token.info}. " if token.info else "- "
        elif name == "tr":
            self._cells = []

    def _close(self, name: str) -> None:
        if name == "heading":
            self._level = 0
        elif name == "tr":
            self._lines.append(" | ".join(self._cells or []))
            self._cells = None
        elif name in _OF_LINES:
            self._depth -= 1
            if self._depth == 0:
                self._blocks.append(Block("\n".join(self._lines)))
                self._lines = []

    def _add(self, blocks: list[Block]) -> None:
        if self._cells is not None:
            self._cells += [one_line(block.text) for block in blocks]
        elif self._depth == 0:
            self._blocks += blocks
        else:
            for block in blocks:
                self._lines.append("  " * (self._depth - 1) + self._bullet + block.text)
                # What else stands in the item is set in under it.
                self._bullet = " " * len(self._bullet)


def _of_leaf(token: Token, level: int) -> list[Block]:
    if token.type == "html_block":
        return html.blocks_of(token.content)
    if token.type in {"fence", "code_block"}:
        return [Block(token.content.rstrip("\n"))]
    if token.type != "inline":
        return []
    text = _plain(token.children or [])
    return [Block(one_line(text) if level else text, level)]


def _plain(children: list[Token]) -> str:
    """Inline text; a link shows its address too, which an answer may have to name."""
    parts: list[str] = []
    address, begins = "", 0
    for child in children:
        match child.type:
            case "text" | "code_inline":
                parts.append(child.content)
            case "softbreak":
                parts.append(" ")
            case "hardbreak":
                parts.append("\n")
            case "image":
                parts.append(child.content)
            case "link_open":
                address, begins = str(child.attrGet("href") or ""), len(parts)
            case "link_close":
                if address.startswith(("http://", "https://", "mailto:")):
                    shown = "".join(parts[begins:])
                    if shown != address and shown != address.removeprefix("mailto:"):
                        parts.append(f" ({address.removeprefix('mailto:')})")
    return "".join(parts)
