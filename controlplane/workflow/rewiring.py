"""Three-way merge of the connections, port by port."""

from typing import Any

from controlplane.workflow.conflicts import Decisions
from controlplane.workflow.ports import TAKES_ONE, Port, Ports, Wire
from controlplane.workflow.shapes import MAIN, Json


def added_wires(base: Ports, side: Ports) -> set[Wire]:
    return _wires(side) - _wires(base)


def keep_node(name: str, base: Ports, side: Ports) -> Ports:
    """The connections of a side that took a node away, as if it had left it where it was.

    What it led past the node, from what came before to what came after, goes with the removal.
    """
    before = {wire.source for wires in base.values() for wire in wires if wire.target == name}
    after = {wire.target for wires in base.values() for wire in wires if wire.source == name}
    known = _wires(base)
    kept = {
        port: [
            wire
            for wire in wires
            if wire in known or not (wire.source in before and wire.target in after)
        ]
        for port, wires in side.items()
    }
    for port, wires in base.items():
        for wire in wires:
            if name in (wire.source, wire.target) and wire not in kept.setdefault(port, []):
                kept[port].append(wire)
    return kept


def merge_wires(
    base: Ports, ours: Ports, theirs: Ports, ids: dict[str, str], decisions: Decisions
) -> list[Wire]:
    """The wires that stay. In conflict are places that both sides re-wired, each elsewhere."""
    merged: list[Wire] = []
    for port in dict.fromkeys((*ours, *theirs)):
        lists = tuple(copy.get(port, []) for copy in (base, ours, theirs))
        merged += _merged(port, lists, ids, decisions)
    return merged


def _merged(
    port: Port, lists: tuple[list[Wire], ...], ids: dict[str, str], decisions: Decisions
) -> list[Wire]:
    was, mine, new = lists
    if new == was or mine == new:
        return mine
    if mine == was:
        return new
    gone_here, gone_there = set(was) - set(mine), set(was) - set(new)
    more_here, more_there = set(mine) - set(was), set(new) - set(was)
    apart = bool(more_here - more_there) and bool(more_there - more_here)
    one_only = port.kind in TAKES_ONE
    if port.at == "*" or (apart and (one_only or gone_here & gone_there)):
        chosen = decisions.settle(
            "connection",
            node=port.node,
            node_id=ids.get(port.node, port.node),
            path=(port.kind, port.at),
            sides=(told(was, port), told(mine, port), told(new, port)),
        )
        return _chosen(chosen, port, mine, new)
    return [
        *(wire for wire in mine if wire not in gone_there),
        *(wire for wire in new if wire in more_there and wire not in more_here),
    ]


def told(wires: list[Wire], port: Port) -> list[Json]:
    """Wires as people and JSON have them: the other ends of a port, with output and input."""
    return [
        {
            "node": wire.target if port.kind == MAIN else wire.source,
            "output": wire.token,
            "input": wire.slot,
        }
        for wire in wires
    ]


def _chosen(chosen: Any, port: Port, mine: list[Wire], new: list[Wire]) -> list[Wire]:
    """A value may take wires from both sides: those that it names."""
    if not isinstance(chosen, list):
        return mine
    return [w for w in dict.fromkeys((*mine, *new)) if told([w], port)[0] in chosen]


def _wires(ports: Ports) -> set[Wire]:
    return {wire for wires in ports.values() for wire in wires}
