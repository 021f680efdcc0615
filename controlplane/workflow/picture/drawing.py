"""The whole picture, alone or with what changed since another version.

In a page it takes its colours from the page's variables (`--surface`, `--ink` …), so that it is
light or dark as the page is; on its own it brings them. There is no script in it, no style
attribute and no address of anywhere, so that the strictest Content-Security-Policy lets it pass.
"""

from collections.abc import Callable

from controlplane.workflow.canonical import fingerprint
from controlplane.workflow.differences import Compared, compare
from controlplane.workflow.naming import renamed
from controlplane.workflow.picture.cards import draw_dot, draw_node, draw_note
from controlplane.workflow.picture.layout import Layout, lay_out
from controlplane.workflow.picture.lines import draw_edge, draw_ports
from controlplane.workflow.picture.markup import FAINT, GROUND, SOFT, escaped, tag
from controlplane.workflow.ports import Tokens
from controlplane.workflow.shapes import MAIN, Edge, Json, edges, is_sticky

MOST_NODES = 2_000
MOST_IN_DETAIL = 250
MOST_EDGES = 4_000
MARGIN = 36.0
Translate = Callable[[str], str]
_FONT = "ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"
_STYLE = (
    "svg{--surface:#fff;--page:#f6f5f2;--ink:#1b1d1a;--ink-soft:#575b54;--line:#e2dfd7;"
    "--line-strong:#8a8d84;--good:#1d6b40;--bad:#a3262b;--wait:#7d4d00}"
    "@media (prefers-color-scheme:dark){svg{--surface:#262a26;--page:#161916;--ink:#eceee9;"
    "--ink-soft:#a9afa6;--line:#333833;--line-strong:#7d847b;--good:#6cc58f;--bad:#f08a85;"
    "--wait:#e0b15c}}"
)


def draw(
    workflow: Json,
    *,
    since: Json | None = None,
    standalone: bool = False,
    translate: Translate = str,
) -> str:
    """SVG of a sound workflow. Raises nothing.

    With `since`, an earlier version, nodes and edges that were added, changed or removed are
    marked; those that are gone stand where they stood. `standalone` is for a file of its own.
    Beyond 250 nodes they have no names, beyond 2,000 they are left out and counted.
    """
    states: dict[str, str] = {}
    edge_states: dict[Edge, str] = {}
    if since is not None:
        compared = compare(since, workflow)
        workflow, gone = _with_what_is_gone(workflow, since, compared)
        states = _states(compared) | dict.fromkeys(gone, "removed")
        edge_states = _edge_states(workflow, since, compared)
    layout = lay_out(workflow, MOST_NODES)
    body = _body(layout, states, edge_states)
    left, top, right, bottom = layout.extent()
    left, top = left - MARGIN, top - MARGIN
    below = 40.0 if layout.turns_back() else 0.0
    width, height = right + MARGIN - left, bottom + MARGIN + below - top
    more = len(workflow["nodes"]) - MOST_NODES
    if more > 0:
        told = translate("… and {count} more nodes").format(count=more)
        body += tag("text", escaped(told), x=left + MARGIN, y=top + height - 12, font_size=16,
                    fill=SOFT)  # fmt: skip
    key = fingerprint([workflow["name"], len(workflow["nodes"]), standalone, since is not None])
    ground = tag("rect", x=left, y=top, width=width, height=height, rx=14, fill=GROUND) + tag(
        "rect", x=left, y=top, width=width, height=height, rx=14, fill=f"url(#grid-{key})"
    )
    return tag(
        "svg",
        _about(workflow, layout, key, translate)
        + (tag("style", _STYLE) if standalone else "")
        + _grid(key)
        + ground
        + body,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"{left:.0f} {top:.0f} {width:.0f} {height:.0f}",
        width=round(width),
        height=round(height),
        role="img",
        aria_labelledby=f"title-{key} desc-{key}",
        font_family=_FONT,
        class_="workflow-picture",
    )


def _body(layout: Layout, states: dict[str, str], edge_states: dict[Edge, str]) -> str:
    detailed = len(layout.boxes) <= MOST_IN_DETAIL
    notes = sorted(layout.notes, key=lambda note: -note.w * note.h)
    parts = [draw_note(note, states.get(note.node["name"], "")) for note in notes[:MOST_IN_DETAIL]]
    wires = list(dict.fromkeys([*layout.edges, *edge_states]))[:MOST_EDGES]
    # What is marked lies on top of what is not.
    wires.sort(key=lambda edge: edge in edge_states)
    parts += [draw_edge(layout, edge, edge_states.get(edge, "")) for edge in wires]
    for name, box in layout.boxes.items():
        state = states.get(name, "")
        parts.append(draw_node(box, state) + draw_ports(box) if detailed else draw_dot(box, state))
    return "".join(parts)


def _with_what_is_gone(workflow: Json, since: Json, compared: Compared) -> tuple[Json, list[str]]:
    """The later workflow and, where they stood, the nodes of the earlier one that it lacks."""
    there = {node["name"] for node in workflow["nodes"]}
    earlier = renamed(since, compared.names)
    gone = [node for node in earlier["nodes"] if node["name"] not in there]
    return {**workflow, "nodes": [*workflow["nodes"], *gone]}, [node["name"] for node in gone]


def _states(compared: Compared) -> dict[str, str]:
    states: dict[str, str] = {}
    for change in compared.changes:
        if change.kind in ("node_added", "note_added"):
            states[change.node] = "added"
        elif change.kind.startswith(("parameter", "option", "note_changed")) or change.kind in (
            "node_renamed", "node_retyped", "node_updated", "node_disabled", "node_enabled",
        ):  # fmt: skip
            states[change.node] = "changed"
    return states


def _edge_states(workflow: Json, since: Json, compared: Compared) -> dict[Edge, str]:
    """Edges of both, by the later one's names; outputs of a Switch follow their rules."""
    earlier = renamed(since, compared.names)
    tokens = Tokens(earlier, workflow)
    old = {tokens.wire(0, edge): edge for edge in edges(earlier)}
    new = {tokens.wire(1, edge): edge for edge in edges(workflow)}
    removed = {edge: "removed" for wire, edge in old.items() if wire not in new}
    return removed | {edge: "added" for wire, edge in new.items() if wire not in old}


def _grid(key: str) -> str:
    dot = tag("circle", cx=2, cy=2, r=1.1, fill=FAINT)
    pattern = tag("pattern", dot, id=f"grid-{key}", width=24, height=24,
                  patternUnits="userSpaceOnUse")  # fmt: skip
    return tag("defs", pattern)


def _about(workflow: Json, layout: Layout, key: str, translate: Translate) -> str:
    """What people hear who do not see it: how it starts, and what leads where."""
    workers = [node for node in workflow["nodes"] if not is_sticky(node)]
    follows: dict[str, list[str]] = {}
    reached = set()
    for edge in layout.edges:
        if edge.kind == MAIN:
            follows.setdefault(edge.source, []).append(edge.target)
            reached.add(edge.target)
    starts = [n["name"] for n in workers if n["name"] in follows and n["name"] not in reached]
    told = [translate("A workflow of {count} steps.").format(count=len(workers))]
    if starts:
        told.append(translate("It starts with {names}.").format(names=_listed(starts)))
    for name, targets in list(follows.items())[:30]:
        leads = translate("{name} leads to {names}.")
        told.append(leads.format(name=name[:80], names=_listed(list(dict.fromkeys(targets)))))
    title = tag("title", escaped(workflow["name"][:200]), id=f"title-{key}")
    return title + tag("desc", escaped(" ".join(told)), id=f"desc-{key}")


def _listed(names: list[str]) -> str:
    return ", ".join(name[:80] for name in names[:8]) + (" …" if len(names) > 8 else "")
