"""SVG as text. Whatever comes from a workflow goes through `escaped`; there is no other way in."""

import re
from xml.sax.saxutils import escape

# XML has no place for most control characters; overrides of direction would turn labels around.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069"
                    "\ud800-\udfff\ufffe\uffff]")  # fmt: skip

SURFACE = "var(--surface, #ffffff)"
GROUND = "var(--page, #f6f5f2)"
INK = "var(--ink, #1b1d1a)"
SOFT = "var(--ink-soft, #575b54)"
LINE = "var(--line-strong, #8a8d84)"
FAINT = "var(--line, #e2dfd7)"
GOOD = "var(--good, #1d6b40)"
BAD = "var(--bad, #a3262b)"
CHANGED = "var(--wait, #7d4d00)"
"""The portal's own variables, so that a picture in a page follows its light and dark."""


def escaped(text: str) -> str:
    return escape(_UNFIT.sub("", text), {'"': "&quot;", "'": "&#39;"})


def tag(name: str, content: str = "", **attributes: object) -> str:
    """An element; `content` is markup already. Underscores in names of attributes become dashes."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escaped(_number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def text_lines(
    lines: list[str], x: float, y: float, *, size: float, fill: str = INK, leading: float = 1.25,
    anchor: str = "middle", weight: int | None = None,
) -> str:  # fmt: skip
    """Lines of plain text below one another; `y` is the base of the first."""
    return "".join(
        tag("text", escaped(line), x=x, y=y + number * size * leading, font_size=size, fill=fill,
            text_anchor=anchor, font_weight=weight)
        for number, line in enumerate(lines) if line
    )  # fmt: skip


def wrapped(text: str, width: int, most: int) -> list[str]:
    """Words in lines of at most `width` characters, `most` of them; what is cut ends in “…”."""
    lines = [""]
    for word in text[: width * most * 3].split():
        for number, part in enumerate(_broken(word, width)):
            if number or (lines[-1] and len(lines[-1]) + 1 + len(part) > width):
                lines.append("")
            lines[-1] = f"{lines[-1]} {part}".strip()
            if len(lines) > most:
                last = lines[most - 1]
                return [*lines[: most - 1], f"{last[: width - 1].rstrip()}…"]
    return lines


def _broken(word: str, width: int) -> list[str]:
    """A word that is too long for a line, behind an underscore or the like where there is one."""
    parts = []
    while len(word) > width:
        cut = max(word.rfind(sign, 0, width) for sign in "_-./") + 1
        cut = cut if cut > width // 3 else width
        parts.append(word[:cut])
        word = word[cut:]
    return [*parts, word]


def tint(color: str, percent: int, ground: str = SURFACE) -> str:
    return f"color-mix(in srgb, {color} {percent}%, {ground})"


def _number(value: object) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
