"""Three-way merge of the nodes: which there are, and what each of them is."""

import uuid
from typing import Any

from controlplane.workflow.aligning import Aligned, positions_of
from controlplane.workflow.canonical import PATHS, path_at, without_paths
from controlplane.workflow.conflicts import Decisions, Path
from controlplane.workflow.placing import Position, placed
from controlplane.workflow.ports import Wire
from controlplane.workflow.shapes import MISSING, Json, by_name, is_sticky
from controlplane.workflow.values import merge_object, same

OWN = ("id", "name", "position", "credentials", "webhookId")
"""What a node keeps as the tenant's n8n has it; no release may change it."""
_WHAT_IT_IS = ("type", "typeVersion", "parameters")
_NEW_IDS = uuid.UUID("0c2f5b0e-5a0b-5d39-9d3e-6d6572676564")

Added = dict[str, set[Wire]]
"""For each side the edges that it added."""


def merge_nodes(sides: Aligned, added: Added, decisions: Decisions) -> list[Json]:
    """The merged nodes in the tenant's order, the release's new ones after them, all placed."""
    base, ours, theirs = by_name(sides.base), by_name(sides.ours), by_name(sides.theirs)
    merged: dict[str, Json] = {}
    for name in (*ours, *(name for name in theirs if name not in ours)):
        was, mine, new = base.get(name), ours.get(name), theirs.get(name)
        if mine and new:
            merged[name] = _merged(name, was or {}, mine, new, decisions)
        elif not was:
            merged[name] = dict(mine or new or {})
        elif kept := _gone(name, (was, mine, new), sides, added, decisions):
            merged[name] = dict(kept)
    _give_ids(merged, ours)
    _place(merged, sides)
    return list(merged.values())


def _merged(name: str, was: Json, mine: Json, new: Json, decisions: Decisions) -> Json:
    def settle(path: Path, *values: Any) -> Any:
        one, two, three = values
        return decisions.settle(
            "parameter", node=name, node_id=mine["id"], path=path, sides=(one, two, three)
        )

    base, ours, theirs = (_content(node) for node in (was, mine, new))
    if was and _retyped_under(base, ours, theirs):
        # Parameters of one type mean nothing to another: all of it is one decision.
        chosen = settle((), *({k: node.get(k) for k in _WHAT_IT_IS} for node in (was, mine, new)))
        if isinstance(chosen, dict):
            for node in (base, ours, theirs):
                node.update({key: chosen[key] for key in _WHAT_IT_IS if chosen.get(key)})
                node["parameters"] = chosen.get("parameters") or {}
    content = merge_object((), base, ours, theirs, settle)
    if not isinstance(content.get("parameters"), dict):
        content["parameters"] = mine["parameters"]
    for place in PATHS.get(mine["type"], ()):
        _put_path(content, place, was, mine, new)
    own = {key: mine[key] for key in OWN if key in mine}
    return {**own, **content}


def _put_path(content: Json, place: tuple[str, ...], was: Json, mine: Json, new: Json) -> None:
    """A webhook's path: the tenant's where its copy has one of its own, and never a conflict."""
    before, ours, theirs = (path_at(node, place) for node in (was, mine, new))
    path = theirs if same(ours, before) else ours
    if path is MISSING:
        return
    *outer, last = place
    holder = content["parameters"] = dict(content["parameters"])
    for step in outer:
        inner = holder.get(step)
        holder[step] = dict(inner) if isinstance(inner, dict) else {}
        holder = holder[step]
    holder[last] = path


def _content(node: Json) -> Json:
    return without_paths({key: value for key, value in node.items() if key not in OWN})


def _retyped_under(base: Json, ours: Json, theirs: Json) -> bool:
    """One side made another kind of node of it, and the other one worked on the old kind."""

    def kind(node: Json) -> tuple[Any, int]:
        version = node.get("typeVersion", 1)
        return node.get("type"), int(version) if isinstance(version, int | float) else 1

    def differ(one: Json, other: Json) -> bool:
        return not all(same(one.get(key), other.get(key)) for key in _WHAT_IT_IS)

    changed = kind(ours) != kind(base) or kind(theirs) != kind(base)
    return changed and differ(ours, base) and differ(theirs, base) and differ(ours, theirs)


def _gone(
    name: str,
    copies: tuple[Json, Json | None, Json | None],
    sides: Aligned,
    added: Added,
    decisions: Decisions,
) -> Json | None:
    """A node that one side took away: nothing, unless the other one worked on it meanwhile."""
    was, mine, new = copies
    left, who = (mine, "ours") if mine else (new or {}, "theirs")
    touched = (
        not same(_content(left), _content(was))
        or who in sides.renamed_by.get(name, ())
        or any(name in (wire.source, wire.target) for wire in added[who])
        or name in sides.named_anew(who)
    )
    if not touched:
        return None
    node_id = (mine or was)["id"]
    shown = (was, MISSING if mine is None else mine, MISSING if new is None else new)
    chosen = decisions.settle("node", node=name, node_id=node_id, path=(), sides=shown)
    return left if chosen is left else None


def _give_ids(merged: dict[str, Json], ours: dict[str, Json]) -> None:
    """The release's nodes keep their ids, unless the tenant has such an id for something else."""
    taken = {node["id"] for name, node in merged.items() if name in ours}
    for name, node in merged.items():
        if name in ours:
            continue
        while node["id"] in taken:
            node["id"] = str(uuid.uuid5(_NEW_IDS, f"{node['id']} {name}"))
        taken.add(node["id"])


def _place(merged: dict[str, Json], sides: Aligned) -> None:
    """What the release brings or moves goes where it wants to, or beside; nothing else moves."""
    was, mine, new = (positions_of(copy) for copy in (sides.base, sides.ours, sides.theirs))
    fixed: dict[str, Position] = {}
    arriving: dict[str, Position] = {}
    for name, node in merged.items():
        if name not in mine or (mine[name] == was.get(name) and name in new):
            at = new[name]
        else:
            at = mine[name]
        node["position"] = list(at)
        if not is_sticky(node):
            moved = name not in mine or at != mine[name]
            (arriving if moved else fixed)[name] = node["position"]
    drawn = {name: at for name, at in new.items() if at == merged.get(name, {}).get("position")}
    for name, at in placed(fixed, arriving, drawn).items():
        merged[name]["position"] = list(at)
