"""What differs between two workflows: node by node, parameter by parameter, edge by edge.

Ids, positions of notes, credentials and webhook ids are no differences; a rename is one, and what
it does to expressions elsewhere is none.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from controlplane.workflow.matching import matched
from controlplane.workflow.naming import renamed
from controlplane.workflow.nodes import OWN
from controlplane.workflow.ports import Port, Ports, Tokens, Wire
from controlplane.workflow.shapes import MAIN, MISSING, Json, Names, by_name, is_sticky
from controlplane.workflow.values import list_keys, same

ChangeKind = Literal[
    "node_added", "node_removed", "node_renamed", "node_retyped", "node_updated", "node_moved",
    "node_disabled", "node_enabled", "note_added", "note_removed", "note_changed",
    "parameter_added", "parameter_removed", "parameter_changed", "option_changed",
    "connection_added", "connection_removed", "connection_rewired", "setting_changed",
]  # fmt: skip
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Change:
    """One difference. `before` and `after` are JSON, or MISSING; for connections, node names."""

    kind: ChangeKind
    node: str
    """The node's name in the later workflow, or in the earlier one where it is gone."""
    path: Path = ()
    """Within the node's parameters, or the settings; for connections kind and output."""
    before: Any = MISSING
    after: Any = MISSING


@dataclass(frozen=True)
class Compared:
    """The changes, in the order of the later workflow's nodes; then edges, then settings."""

    changes: tuple[Change, ...]
    names: dict[str, str]
    """Names in the earlier workflow → in the later one; nodes that are gone have a free name."""

    def of(self, node: str) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.node == node)


def compare(before: Json, after: Json) -> Compared:
    """Compare two sound workflows. Raises nothing."""
    names = _names(before, after)
    earlier = renamed(before, names)
    old = by_name(earlier)
    new = by_name(after)
    was_called = {now: was for was, now in names.items()}
    changes: list[Change] = []
    for name, node in new.items():
        if name in old:
            changes += _node(was_called[name], old[name], node)
        else:
            changes.append(Change("note_added" if is_sticky(node) else "node_added", name,
                                  after=node))  # fmt: skip
    for name, node in old.items():
        if name not in new:
            kind: ChangeKind = "note_removed" if is_sticky(node) else "node_removed"
            changes.append(Change(kind, was_called[name], before=node))
    changes += _edges(earlier, after)
    old_settings, new_settings = before.get("settings") or {}, after.get("settings") or {}
    for path, one, other in _values(old_settings, new_settings, ()):
        changes.append(Change("setting_changed", "", path, one, other))
    return Compared(tuple(changes), names)


def _names(before: Json, after: Json) -> dict[str, str]:
    pairs = matched(before, after)
    free = Names([*(node["name"] for node in after["nodes"]), *pairs])
    for node in before["nodes"]:
        if node["name"] not in pairs:
            pairs[node["name"]] = free.take(node["name"])
    return pairs


def _node(was_called: str, old: Json, new: Json) -> Iterator[Change]:
    name = new["name"]
    if was_called != name:
        yield Change("node_renamed", name, before=was_called, after=name)
    if is_sticky(new):
        if not same(old["parameters"], new["parameters"]):
            yield Change("note_changed", name, (), old["parameters"].get("content", ""),
                         new["parameters"].get("content", ""))  # fmt: skip
        return
    yield from _kind(old, new)
    for path, one, other in _values(old["parameters"], new["parameters"], ()):
        kind: ChangeKind = "parameter_changed"
        if one is MISSING:
            kind = "parameter_added"
        elif other is MISSING:
            kind = "parameter_removed"
        yield Change(kind, name, path, one, other)
    apart = {*OWN, "type", "typeVersion", "disabled", "parameters"}
    options = [{k: v for k, v in node.items() if k not in apart} for node in (old, new)]
    for path, one, other in _values(options[0], options[1], ()):
        yield Change("option_changed", name, path, one, other)
    if old["position"] != new["position"]:
        yield Change("node_moved", name, ("position",), old["position"], new["position"])


def _kind(old: Json, new: Json) -> Iterator[Change]:
    name = new["name"]
    if old["type"] != new["type"]:
        yield Change("node_retyped", name, ("type",), old["type"], new["type"])
    elif not same(old.get("typeVersion", 1), new.get("typeVersion", 1)):
        yield Change("node_updated", name, ("typeVersion",), old.get("typeVersion", 1),
                     new.get("typeVersion", 1))  # fmt: skip
    if bool(old.get("disabled")) != bool(new.get("disabled")):
        yield Change("node_disabled" if new.get("disabled") else "node_enabled", name)


def _values(one: Any, other: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    """Paths at which two values differ, as deep as both have the same shape."""
    if same(one, other):
        return
    if isinstance(one, dict) and isinstance(other, dict):
        for key in (*other, *(key for key in one if key not in other)):
            yield from _values(one.get(key, MISSING), other.get(key, MISSING), (*path, key))
    elif isinstance(one, list) and isinstance(other, list):
        yield from _lists(one, other, path)
    else:
        yield path, one, other


def _lists(one: list[Any], other: list[Any], path: Path) -> Iterator[tuple[Path, Any, Any]]:
    keys = list_keys(one, other)
    if keys is None:
        if len(one) != len(other):
            yield path, one, other
            return
        for number, (mine, new) in enumerate(zip(one, other, strict=True)):
            yield from _values(mine, new, (*path, number))
        return
    old = dict(zip(keys[0], one, strict=True))
    new = dict(zip(keys[1], other, strict=True))
    common = [key for key in keys[0] if key in new]
    if common != [key for key in keys[1] if key in old]:
        yield (*path, "order"), keys[0], keys[1]
    for key in (*new, *(key for key in old if key not in new)):
        number = keys[1].index(key) if key in new else keys[0].index(key)
        yield from _values(old.get(key, MISSING), new.get(key, MISSING), (*path, number))


def _edges(before: Json, after: Json) -> Iterator[Change]:
    """Edges of nodes that came or went are told with them, unless the other end is elsewhere."""
    tokens = Tokens(before, after)
    old, new = tokens.ports(0, before), tokens.ports(1, after)
    gone, come = _by_output(_minus(old, new)), _by_output(_minus(new, old))
    for port in dict.fromkeys((*come, *gone)):
        left, joined = gone.get(port, []), come.get(port, [])
        path = (port.kind, port.at)
        if len(left) == len(joined) == 1:
            yield Change("connection_rewired", port.node, path, left[0].target, joined[0].target)
            continue
        for wire in left:
            yield Change("connection_removed", port.node, path, before=wire.target)
        for wire in joined:
            yield Change("connection_added", port.node, path, after=wire.target)


def _minus(one: Ports, other: Ports) -> list[Wire]:
    there = {wire for wires in other.values() for wire in wires}
    return [w for wires in one.values() for w in dict.fromkeys(wires) if w not in there]


def _by_output(wires: list[Wire]) -> dict[Port, list[Wire]]:
    found: dict[Port, list[Wire]] = defaultdict(list)
    for wire in wires:
        found[Port(wire.source, wire.kind, wire.token if wire.kind == MAIN else "")].append(wire)
    return found
