"""Three-way merge: a tenant's edits and a new release, both, in one workflow.

`base` is the release that the tenant's copy was made of, `ours` that copy as it is in n8n now,
`theirs` the new release. Nodes are matched by id, parameters by path, connections by edge. What
only one side changed is taken over. What both changed differently is a conflict: it is listed with
both sides, the merged workflow has the tenant's there for the time being, and it is not to be
deployed before every conflict is settled. Never changed are the tenant's credentials, ids, webhook
ids and paths of its own, the workflow's name, and where the tenant put its nodes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from controlplane.workflow.aligning import Aligned, aligned
from controlplane.workflow.conflicts import Conflict, Decisions, Path, Resolution
from controlplane.workflow.naming import rewritten
from controlplane.workflow.nodes import merge_nodes
from controlplane.workflow.ports import Ports, Tokens, Wire, written
from controlplane.workflow.rewiring import added_wires, keep_node, merge_wires, told
from controlplane.workflow.shapes import MISSING, Json, by_name, copied
from controlplane.workflow.values import merge_value


@dataclass(frozen=True)
class Merged:
    workflow: Json
    """Sound, and sharing nothing with the three it was made of."""
    conflicts: tuple[Conflict, ...]
    """Open ones; where there are any, `workflow` is a preview."""
    settled: tuple[Conflict, ...]
    """Those that a resolution answered, each with its `choice`."""

    @property
    def clean(self) -> bool:
        return not self.conflicts


def merge(
    *, base: Json, ours: Json, theirs: Json, resolutions: Iterable[Resolution] = ()
) -> Merged:
    """Merge three sound workflows. Raises nothing; the inputs stay as they are."""
    decisions = Decisions.by(resolutions)
    sides = aligned(base, ours, theirs, decisions)
    tokens = Tokens(sides.base, sides.ours, sides.theirs)
    ports = [
        tokens.ports(number, copy)
        for number, copy in enumerate((sides.base, sides.ours, sides.theirs))
    ]
    added = {"ours": added_wires(ports[0], ports[1]), "theirs": added_wires(ports[0], ports[2])}
    nodes = merge_nodes(sides, added, decisions)
    named = {node["name"]: node for node in nodes}
    connections = _connected(sides, ports, named, added, tokens, decisions)
    workflow = {**ours, "nodes": nodes, "connections": connections}
    workflow["settings"] = _settings(sides, decisions)
    if not workflow["settings"] and "settings" not in ours:
        del workflow["settings"]
    if isinstance(pinned := sides.ours.get("pinData"), dict):
        workflow["pinData"] = {name: data for name, data in pinned.items() if name in named}
    _restore_names(workflow, sides, named)
    return Merged(copied(workflow), tuple(decisions.open), tuple(decisions.settled))


def _connected(
    sides: Aligned,
    ports: list[Ports],
    named: dict[str, Json],
    added: dict[str, set[Wire]],
    tokens: Tokens,
    decisions: Decisions,
) -> Json:
    base, ours, theirs = ports
    in_base, in_ours, in_theirs = map(by_name, (sides.base, sides.ours, sides.theirs))
    for name in named:
        if name in in_base and name not in in_ours:
            ours = keep_node(name, base, ours)
        elif name in in_base and name not in in_theirs:
            theirs = keep_node(name, base, theirs)
    ids = {name: node["id"] for name, node in (*in_base.items(), *in_ours.items())}
    wires = merge_wires(base, ours, theirs, ids, decisions)
    connections, lost = written(wires, named, tokens)
    known = {conflict.node for conflict in (*decisions.open, *decisions.settled)}
    for wire in lost:
        ends = {wire.source, wire.target}
        if (wire in added["ours"] or wire in added["theirs"]) and not ends & known:
            _tell_lost(wire, wire in added["ours"], ids, tokens, decisions)
    return connections


def _tell_lost(
    wire: Wire, is_ours: bool, ids: dict[str, str], tokens: Tokens, decisions: Decisions
) -> None:
    """An edge that one side added to an output that the other one took away."""
    port = tokens.port(wire)
    edge = told([wire], port)
    decisions.settle(
        "connection",
        node=port.node,
        node_id=ids.get(port.node, port.node),
        path=(port.kind, port.at, "lost"),
        sides=([], edge if is_ours else MISSING, MISSING if is_ours else edge),
    )


def _settings(sides: Aligned, decisions: Decisions) -> Json:
    def settle(path: Path, *values: Any) -> Any:
        was, mine, new = values
        return decisions.settle("setting", node="", node_id="", path=path, sides=(was, mine, new))

    base, ours, theirs = (
        copy.get("settings") or {} for copy in (sides.base, sides.ours, sides.theirs)
    )
    merged = merge_value((), base, ours, theirs, settle)
    return merged if isinstance(merged, dict) else ours


def _restore_names(workflow: Json, sides: Aligned, named: dict[str, Json]) -> None:
    """A node that had to give way and is gone is called in expressions what it was called."""
    gone = {name: was for name, was in sides.aside.items() if name not in named}
    if gone:
        for node in workflow["nodes"]:
            node["parameters"] = rewritten(node["parameters"], gone)
