"""Where everything stands: n8n's own positions, with its sizes and with ports on the boxes."""

import math
from collections import defaultdict
from dataclasses import dataclass, field

from controlplane.workflow.ports import rules_of
from controlplane.workflow.shapes import MAIN, Edge, Json, edges, is_sticky

SIDE = 96.0
ROUND = 80.0
WIDE = 256.0
MOST_PORTS = 40
WIDEST_GAP = 700.0
"""Empty space between nodes is cut to this, so that a stray node does not make the rest a dot."""
_OUTPUTS = {"if": ["true", "false"], "splitInBatches": ["done", "loop"],
            "compareDatasets": ["only A", "same", "different", "only B"]}  # fmt: skip


@dataclass
class Box:
    node: Json
    x: float
    y: float
    w: float = SIDE
    h: float = SIDE
    is_part: bool = False
    """A model, tool or memory: it hangs below what it is a part of."""
    labels: list[str] = field(default_factory=list)
    """For each output what it is called; one that needs no name has none."""
    inputs: int = 1
    parts: list[str] = field(default_factory=list)
    """The kinds of its AI inputs, from left to right."""

    @property
    def is_wide(self) -> bool:
        return self.w > SIDE

    def output(self, number: int) -> tuple[float, float]:
        count = max(len(self.labels), 1)
        share = (min(number, count - 1) + 1) / (count + 1)
        return self.x + self.w, self.y + self.h * share

    def input(self, number: int) -> tuple[float, float]:
        share = (min(number, self.inputs - 1) + 1) / (self.inputs + 1)
        return self.x, self.y + self.h * share

    def part(self, kind: str) -> tuple[float, float]:
        number = self.parts.index(kind) if kind in self.parts else 0
        return self.x + self.w * (number + 1) / (max(len(self.parts), 1) + 1), self.y + self.h

    @property
    def top(self) -> tuple[float, float]:
        return self.x + self.w / 2, self.y


@dataclass
class Note:
    node: Json
    x: float
    y: float
    w: float
    h: float


@dataclass
class Layout:
    boxes: dict[str, Box]
    notes: list[Note]
    edges: list[Edge]

    def extent(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of everything, labels included."""
        spans = [(n.x, n.y, n.x + n.w, n.y + n.h) for n in self.notes]
        spans += [(b.x - 40, b.y - 16, b.x + b.w + 40, b.y + b.h + 62) for b in self.boxes.values()]
        if not spans:
            return 0.0, 0.0, 320.0, 120.0
        left, top, right, bottom = zip(*spans, strict=True)
        return min(left), min(top), max(right), max(bottom)

    def turns_back(self) -> bool:
        """Whether an edge leads to the left, which is drawn below what it passes."""
        return any(
            edge.kind == MAIN and self.boxes[edge.source].x >= self.boxes[edge.target].x
            for edge in self.edges
            if edge.source in self.boxes and edge.target in self.boxes
        )


def lay_out(workflow: Json, most: int) -> Layout:
    """Positions for at most `most` nodes, in the workflow's order."""
    nodes = workflow["nodes"][:most]
    there = {node["name"] for node in nodes}
    wires = [edge for edge in edges(workflow) if edge.source in there and edge.target in there]
    boxes = {n["name"]: _box(n) for n in nodes if not is_sticky(n)}
    notes = [_note(node) for node in nodes if is_sticky(node)]
    _add_ports(boxes, wires)
    layout = Layout(boxes, notes, wires)
    for axis, size in (("x", "w"), ("y", "h")):
        _close_gaps([*boxes.values(), *notes], axis, size)
    return layout


def _box(node: Json) -> Box:
    x, y = node["position"]
    return Box(node, float(x), float(y))


def _note(node: Json) -> Note:
    x, y = node["position"]
    width, height = (
        min(max(float(given), 60.0), 8_000.0)
        if isinstance(given, int | float) and not isinstance(given, bool) and math.isfinite(given)
        else fallback
        for given, fallback in (
            (node["parameters"].get("width"), 240.0), (node["parameters"].get("height"), 160.0),
        )
    )  # fmt: skip
    return Note(node, float(x), float(y), width, height)


def _add_ports(boxes: dict[str, Box], wires: list[Edge]) -> None:
    used: dict[str, int] = defaultdict(int)
    slots: dict[str, int] = defaultdict(int)
    leads: dict[str, set[str]] = defaultdict(set)
    places: dict[tuple[str, str], list[float]] = defaultdict(list)
    for wire in wires:
        leads[wire.source].add(wire.kind)
        target = boxes.get(wire.target)
        if wire.kind == MAIN:
            used[wire.source] = max(used[wire.source], min(wire.output + 1, MOST_PORTS))
            slots[wire.target] = max(slots[wire.target], min(wire.slot + 1, MOST_PORTS))
        elif target is not None:
            part = boxes.get(wire.source)
            places[wire.target, wire.input].append(part.x if part else 0.0)
    for name, kind in places:
        boxes[name].parts.append(kind)
    for name, box in boxes.items():
        box.is_part = bool(leads[name]) and MAIN not in leads[name]
        # In the order in which the parts stand below, so that lines do not cross.
        middles = {kind: sum(at) / len(at) for kind in box.parts if (at := places[name, kind])}
        box.parts.sort(key=lambda kind: (middles[kind], kind))
        box.labels = _labels(box.node, used[name])
        box.inputs = max(slots[name], 2 if box.node["type"].endswith(".merge") else 1)
        ports = max(len(box.labels), box.inputs)
        if box.parts:
            box.w = max(WIDE, 80.0 * len(box.parts))
        if box.is_part:
            box.h = ROUND
            box.w = box.w if box.parts else ROUND
        elif ports > 3:
            box.h = 32.0 * ports


def _labels(node: Json, used: int) -> list[str]:
    kind = node["type"].rpartition(".")[2]
    labels = list(_OUTPUTS.get(kind, []))
    if kind == "splitInBatches" and node.get("typeVersion", 1) < 3:
        labels = ["loop", "done"] if node.get("typeVersion", 1) >= 2 else []
    rules = rules_of(node)
    if rules is not None:
        labels = [_rule(rule, number) for number, rule in enumerate(rules[:MOST_PORTS])]
        options = node["parameters"].get("options")
        if isinstance(options, dict) and options.get("fallbackOutput") == "extra":
            labels.append("else")
    if node.get("onError") == "continueErrorOutput":
        labels = [*(labels or ["success"]), "error"]
    labels += [str(number) for number in range(len(labels), used)]
    return labels if len(labels) > 1 else labels[: used or 1]


def _rule(rule: object, number: int) -> str:
    """The name of a Switch's output, or what it compares with, or its number."""
    if not isinstance(rule, dict):
        return str(number)
    for key in ("outputKey", "category"):
        if isinstance(rule.get(key), str) and rule[key]:
            return str(rule[key])
    conditions = rule.get("conditions")
    inner = conditions.get("conditions") if isinstance(conditions, dict) else None
    first = inner[0] if isinstance(inner, list) and inner and isinstance(inner[0], dict) else {}
    value = first.get("rightValue", rule.get("value2"))
    if isinstance(value, str | int | float) and value != "" and not str(value).startswith("="):
        return str(value)
    return str(number)


def _close_gaps(things: list[Box | Note], axis: str, size: str) -> None:
    spans = sorted((getattr(t, axis), getattr(t, axis) + getattr(t, size), n)
                   for n, t in enumerate(things))  # fmt: skip
    end, shift = -math.inf, 0.0
    for start, stop, number in spans:
        if start - end > WIDEST_GAP and end > -math.inf:
            shift += start - end - WIDEST_GAP
        end = max(end, stop)
        setattr(things[number], axis, start - shift)
