"""Nodes and sticky notes."""

import re
from html import unescape
from typing import Any

from controlplane.workflow.picture.layout import Box, Note
from controlplane.workflow.picture.looks import BOLT, look_of
from controlplane.workflow.picture.markup import (
    BAD,
    CHANGED,
    GOOD,
    GROUND,
    INK,
    LINE,
    SOFT,
    SURFACE,
    escaped,
    tag,
    text_lines,
    tint,
    wrapped,
)

_MARKS = {"added": (GOOD, "M-5 0h10M0-5v10"), "removed": (BAD, "M-5 0h10"),
          "changed": (CHANGED, "M-4.5 1.5Q-2-3 0 0T4.5-1.5")}  # fmt: skip
_NOTE_COLORS = {1: "#d9a514", 2: "#c97b2d", 3: "#cc4b41", 4: "#3d9457", 5: "#3a78c2",
                6: "#8456c4", 7: "#7b818a"}  # fmt: skip
_HEADING = re.compile(r"^\s{0,3}(#{1,6})\s+(.*)")
_PICTURE = re.compile(r"!\[[^\]]*\]\([^)]*\)|<[^>]{1,300}>")
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
_EMPHASIS = re.compile(r"(\*\*|__|\*|`|~~)(?=\S)(.{1,300}?)(?<=\S)\1")
_LONGEST_NOTE = 6_000


def draw_node(box: Box, state: str = "") -> str:
    """`state` is empty, `added`, `removed` or `changed`."""
    node, look = box.node, look_of(box.node)
    off = bool(node.get("disabled"))
    color, mark = _MARKS.get(state, (tint(LINE, 55), ""))
    frame: dict[str, Any] = {"fill": SURFACE, "stroke": color,
             "stroke_width": 2.5 if state else 1.5,
             "stroke_dasharray": "7 5" if off or state == "removed" else None}  # fmt: skip
    title = tag("title", escaped(f"{node['name'][:200]} ({look.kind})"))
    parts = [title, _shape(box, look.is_trigger, frame)]
    accent = LINE if off else look.color
    parts.append(_glyph(box, look.icon, look.initials, accent))
    if look.is_trigger and not box.is_part:
        place = f"translate({box.x - 23:.1f} {box.y + box.h / 2 - 8:.1f}) scale(.68)"
        parts.append(
            tag("path", d=BOLT, transform=place, fill=tint(look.color, 75), class_="trigger")
        )
    parts.append(_name(box, off))
    if off:
        middle = box.y + box.h / 2
        parts.append(tag("path", d=f"M{box.x - 6:.1f} {middle:.1f}h{box.w + 12:.1f}", stroke=LINE,
                         stroke_width=2))  # fmt: skip
    if mark:
        badge = tag("circle", r=11, fill=color) + tag(
            "path", d=mark, fill="none", stroke=SURFACE, stroke_width=2.4, stroke_linecap="round"
        )
        corner = f"translate({box.x + box.w - 4:.1f} {box.y + 4:.1f})"
        parts.append(tag("g", badge, transform=corner))
    classes = " ".join(filter(None, ("node", state, "off" if off else "")))
    opacity = 0.6 if state == "removed" else None
    return tag("g", "".join(parts), class_=classes, opacity=opacity)


def _shape(box: Box, is_trigger: bool, frame: dict[str, Any]) -> str:
    if box.is_part:
        return tag("rect", x=box.x, y=box.y, width=box.w, height=box.h, rx=box.h / 2, **frame)
    x, y, w, h, r = box.x, box.y, box.w, box.h, 10.0
    if not is_trigger:
        return tag("rect", x=x, y=y, width=w, height=h, rx=r, **frame)
    big = min(36.0, h / 2)
    path = (
        f"M{x + big:.1f} {y:.1f}H{x + w - r:.1f}q{r} 0 {r} {r}V{y + h - r:.1f}q0 {r} {-r} {r}"
        f"H{x + big:.1f}q{-big} 0 {-big} {-big}V{y + big:.1f}q0 {-big} {big} {-big}z"
    )
    return tag("path", d=path, **frame)


def _glyph(box: Box, icon: str, initials: str, color: str) -> str:
    """The icon in a tinted square, to the left where the name stands inside."""
    size = 44.0 if box.is_part else 52.0
    cx = box.x + (box.h / 2 if box.is_wide else box.w / 2)
    cy = box.y + box.h / 2
    ground = tag("rect", x=cx - size / 2, y=cy - size / 2, width=size, height=size,
                 rx=size / 2 if box.is_part else 14, fill=tint(color, 13))  # fmt: skip
    ink = tint(color, 82, INK)
    if not icon:
        text = tag("text", escaped(initials), x=cx, y=cy + 7.5, font_size=21, font_weight=650,
                   text_anchor="middle", fill=ink, letter_spacing=".5")  # fmt: skip
        return ground + text
    scale = size / 24 * 0.62
    place = f"translate({cx - 12 * scale:.2f} {cy - 12 * scale:.2f}) scale({scale:.3f})"
    path = tag("path", d=icon, fill="none", stroke=ink, stroke_width=1.7, transform=place,
               stroke_linejoin="round", stroke_linecap="round")  # fmt: skip
    return ground + path


def _name(box: Box, off: bool) -> str:
    fill = SOFT if off else INK
    if box.is_wide:
        width = int((box.w - box.h - 16) / 7.4)
        lines = wrapped(box.node["name"], width, 3)
        y = box.y + box.h / 2 + 5 - (len(lines) - 1) * 8.75
        return text_lines(lines, box.x + box.h - 4, y, size=14, fill=fill, anchor="start",
                          weight=550)  # fmt: skip
    lines = wrapped(box.node["name"], 17 if box.is_part else 21, 3)
    return tag("g", text_lines(lines, box.x + box.w / 2, box.y + box.h + 19, size=13, fill=fill,
                               weight=550), stroke=GROUND, stroke_width=4, stroke_opacity=0.7,
               paint_order="stroke",
               stroke_linejoin="round")  # fmt: skip


def draw_note(note: Note, state: str = "") -> str:
    given = note.node["parameters"].get("color", 1)
    color = _NOTE_COLORS.get(given, _NOTE_COLORS[1]) if isinstance(given, int) else _custom(given)
    stroke = _MARKS[state][0] if state in _MARKS else tint(color, 45)
    frame = tag("rect", x=note.x, y=note.y, width=note.w, height=note.h, rx=8,
                fill=tint(color, 15), stroke=stroke, stroke_width=2.5 if state else 1,
                stroke_dasharray="7 5" if state == "removed" else None)  # fmt: skip
    content = note.node["parameters"].get("content")
    text = _note_text(note, content) if isinstance(content, str) else ""
    title = tag("title", escaped(note.node["name"][:200]))
    return tag("g", title + frame + text, class_=f"note {state}".strip())


def _custom(given: object) -> str:
    """Newer n8n lets people choose any colour; nothing else gets into the picture."""
    return given if isinstance(given, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", given) else (
        _NOTE_COLORS[1])  # fmt: skip


def _note_text(note: Note, content: str) -> str:
    """Markdown, as much of it as fits into the note, without its signs."""
    parts: list[str] = []
    y = note.y + 14.0
    for raw in content[:_LONGEST_NOTE].splitlines()[:80]:
        heading = _HEADING.match(raw)
        size = {1: 24.0, 2: 20.0}.get(len(heading[1]), 17.0) if heading else 14.0
        plain = _plain(heading[2] if heading else raw)
        if not plain:
            y += 8 if not raw.strip() else 0
            continue
        for line in wrapped(plain, max(int((note.w - 28) / (size * 0.54)), 4), 12):
            y += size * 1.3
            if y > note.y + note.h - 8:
                return "".join(parts)
            parts.append(tag("text", escaped(line), x=note.x + 16, y=y - size * 0.2,
                             font_size=size, fill=INK if heading else SOFT,
                             font_weight=650 if heading else None))  # fmt: skip
        y += 4
    return "".join(parts)


def _plain(text: str) -> str:
    text = _LINK.sub(r"\1", _PICTURE.sub("", text[:2_000]))
    for _nested in range(2):
        text = _EMPHASIS.sub(r"\2", text)
    bullet = re.sub(r"^\s*[-*+]\s+", "•  ", text)
    return unescape(re.sub(r"^\s*>\s?", "", bullet)).strip()


def draw_dot(box: Box, state: str = "") -> str:
    """A node of a workflow that is too big for names."""
    color = _MARKS.get(state, (tint(LINE, 55), ""))[0]
    return tag("rect", x=box.x, y=box.y, width=box.w, height=box.h, rx=10, fill=SURFACE,
               stroke=color, stroke_width=4 if state else 2,
               class_=f"node {state}".strip())  # fmt: skip
