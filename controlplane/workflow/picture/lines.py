"""Connections: curves to the right, detours for what leads back, dashes for parts of an agent."""

from controlplane.workflow.picture.layout import Box, Layout
from controlplane.workflow.picture.markup import (
    BAD,
    GOOD,
    GROUND,
    LINE,
    SOFT,
    SURFACE,
    escaped,
    tag,
)
from controlplane.workflow.shapes import MAIN, Edge

_ROLES = {"ai_languageModel": "Model", "ai_tool": "Tool", "ai_memory": "Memory",
          "ai_outputParser": "Parser", "ai_embedding": "Embedding", "ai_vectorStore": "Store",
          "ai_document": "Document", "ai_textSplitter": "Splitter", "ai_retriever": "Retriever",
          "ai_chain": "Chain", "ai_agent": "Agent", "ai_reranker": "Reranker"}  # fmt: skip
LONGEST_LABEL = 14
BELOW = 74.0
"""Clear of a node's name."""


def draw_edge(layout: Layout, edge: Edge, state: str = "") -> str:
    """`state` is empty, `added` or `removed`."""
    source, target = layout.boxes.get(edge.source), layout.boxes.get(edge.target)
    if source is None or target is None:
        return ""
    color = {"added": GOOD, "removed": BAD}.get(state, LINE)
    classes = f"edge {state}".strip()
    width = 3 if state else 2
    dashes = "7 6" if state == "removed" else None
    if edge.kind != MAIN:
        path = _hanging(target.part(edge.input), source.top)
        return tag("path", d=path, fill="none", stroke=color, stroke_width=width - 0.25,
                   stroke_dasharray=dashes or "5 5", class_=f"{classes} part")  # fmt: skip
    start, end = source.output(edge.output), target.input(edge.slot)
    forward = end[0] > start[0] - 10
    path = _curve(start, end) if forward else _detour(layout, source, target, start, end)
    line = tag("path", d=path, fill="none", stroke=color, stroke_width=width,
               stroke_dasharray=dashes, stroke_linecap="round", class_=classes)  # fmt: skip
    x, y = end
    head = f"M{x - 11:.1f} {y - 5.5:.1f}L{x - 1:.1f} {y:.1f}L{x - 11:.1f} {y + 5.5:.1f}z"
    return line + tag("path", d=head, fill=color, stroke=color, stroke_width=1.5,
                      stroke_linejoin="round")  # fmt: skip


def draw_ports(box: Box) -> str:
    """Dots where lines leave, their names, and diamonds where parts hang."""
    parts = []
    if not box.is_part:
        parts += [_dot(*box.output(number)) for number in range(len(box.labels) or 1)]
    if len(box.labels) > 1:
        for number, label in enumerate(box.labels):
            x, y = box.output(number)
            cut = label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"
            parts.append(
                tag("text", escaped(cut), x=x + 9, y=y - 6, font_size=11, fill=SOFT, stroke=GROUND,
                    stroke_width=4, stroke_linejoin="round", stroke_opacity=0.8,
                    paint_order="stroke", class_="output")
            )  # fmt: skip
    for kind in box.parts:
        x, y = box.part(kind)
        diamond = f"M{x:.1f} {y - 6:.1f}l6 6-6 6-6-6z"
        parts.append(tag("path", d=diamond, fill=SURFACE, stroke=LINE, stroke_width=1.5))
        role = _ROLES.get(kind, kind.removeprefix("ai_"))[:LONGEST_LABEL]
        parts.append(
            tag("text", escaped(role), x=x, y=y + 19, font_size=10.5, fill=SOFT, stroke=GROUND,
                text_anchor="middle", stroke_width=4, stroke_opacity=0.8,
                paint_order="stroke", class_="role")
        )  # fmt: skip
    return "".join(parts)


def _dot(x: float, y: float) -> str:
    return tag("circle", cx=x, cy=y, r=4.5, fill=SURFACE, stroke=LINE, stroke_width=1.5)


def _curve(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = start, end
    pull = min(max((x2 - x1) / 2, 34.0), 150.0)
    return (f"M{x1:.1f} {y1:.1f}C{x1 + pull:.1f} {y1:.1f} {x2 - pull - 8:.1f} {y2:.1f} "
            f"{x2 - 8:.1f} {y2:.1f}")  # fmt: skip


def _hanging(start: tuple[float, float], end: tuple[float, float]) -> str:
    (x1, y1), (x2, y2) = start, end
    pull = min(max((y2 - y1) / 2, 26.0), 90.0)
    return (f"M{x1:.1f} {y1 + 6:.1f}C{x1:.1f} {y1 + pull + 6:.1f} {x2:.1f} {y2 - pull:.1f} "
            f"{x2:.1f} {y2:.1f}")  # fmt: skip


def _detour(
    layout: Layout, source: Box, target: Box, start: tuple[float, float], end: tuple[float, float]
) -> str:
    """Out to the right, under both and whatever stands between, and in from the left."""
    (x1, y1), (x2, y2) = start, end
    right, left, r = x1 + 30, x2 - 38, 16
    low = max(source.y + source.h, target.y + target.h) + BELOW
    between = [box for box in layout.boxes.values() if box.x < right and box.x + box.w > left]
    for box in sorted(between, key=lambda box: box.y):
        if box.y - 14 < low < box.y + box.h + 50:
            low = box.y + box.h + BELOW
    return (
        f"M{x1:.1f} {y1:.1f}H{right - r:.1f}q{r} 0 {r} {r}V{low - r:.1f}q0 {r} {-r} {r}"
        f"H{left + r:.1f}q{-r} 0 {-r} {-r}V{y2 + r:.1f}q0 {-r} {r} {-r}H{x2 - 8:.1f}"
    )
