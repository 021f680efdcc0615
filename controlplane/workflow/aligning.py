"""Base, tenant's and release's workflow under the same names, so that they can be compared.

A node that somebody renamed has one name in all three afterwards, also in the expressions that
refer to it: what differs then are edits, and no consequences of a rename.
"""

from dataclasses import dataclass, field

from controlplane.workflow.conflicts import Decisions
from controlplane.workflow.matching import matched
from controlplane.workflow.naming import referenced, renamed
from controlplane.workflow.shapes import Json, Names, by_name
from controlplane.workflow.values import same


@dataclass
class _Identity:
    """One node, by what it is called in each copy; empty where it is not."""

    base: str = ""
    ours: str = ""
    theirs: str = ""
    wanted: str = ""


@dataclass
class Aligned:
    base: Json
    ours: Json
    theirs: Json
    renamed_by: dict[str, set[str]] = field(default_factory=dict)
    """For names in the merged workflow: who renamed the node, `ours`, `theirs` or both."""
    aside: dict[str, str] = field(default_factory=dict)
    """Names that had to give way → what the node was called before."""
    _named: dict[str, set[str]] = field(default_factory=dict)

    def named_anew(self, who: str) -> set[str]:
        """What expressions of a side, `ours` or `theirs`, name in other nodes and did not before:
        they would find nothing where it is gone.
        """
        if who not in self._named:
            before = by_name(self.base)
            named: set[str] = set()
            for node in getattr(self, who)["nodes"]:
                was = before.get(node["name"], {}).get("parameters")
                if node["parameters"] != was:
                    named |= referenced(node["parameters"]) - referenced(was) - {node["name"]}
            self._named[who] = named
        return self._named[who]


def aligned(base: Json, ours: Json, theirs: Json, decisions: Decisions) -> Aligned:
    identities = _identities(base, ours, theirs)
    ids = {node["name"]: node["id"] for node in ours["nodes"]}
    for one in identities:
        one.wanted = _wanted(one, ids.get(one.ours, ""), decisions)
    # Names that the tenant sees stay; then what the release brings; then what is gone.
    identities.sort(key=lambda one: (one.wanted != one.ours, not one.ours, not one.theirs))
    wanted = Names(one.wanted for one in identities)
    taken: set[str] = set()
    maps: tuple[dict[str, str], ...] = ({}, {}, {})
    result = Aligned(base, ours, theirs)
    for one in identities:
        name = one.wanted
        if name in taken:
            name = wanted.take(name)
            result.aside[name] = one.wanted
        taken.add(name)
        for names, old in zip(maps, (one.base, one.ours, one.theirs), strict=True):
            if old:
                names[old] = name
        by = {who for who in ("ours", "theirs") if getattr(one, who) not in ("", one.base)}
        if one.base and by:
            result.renamed_by[name] = by
    result.base, result.ours, result.theirs = (
        renamed(copy, names) for copy, names in zip((base, ours, theirs), maps, strict=True)
    )
    return result


def _identities(base: Json, ours: Json, theirs: Json) -> list[_Identity]:
    in_ours, in_theirs = matched(base, ours), matched(base, theirs)
    found = [
        _Identity(node["name"], in_ours.get(node["name"], ""), in_theirs.get(node["name"], ""))
        for node in base["nodes"]
    ]
    known_ours, known_theirs = set(in_ours.values()), set(in_theirs.values())
    added = {n["name"]: n for n in theirs["nodes"] if n["name"] not in known_theirs}
    ids = {node["id"]: node for node in added.values()}
    for node in ours["nodes"]:
        if node["name"] in known_ours:
            continue
        twin = _twin(node, added, ids)
        found.append(_Identity(ours=node["name"], theirs=twin))
        if twin:
            ids.pop(added.pop(twin)["id"], None)
    return [*found, *(_Identity(theirs=name) for name in added)]


def _twin(node: Json, added: dict[str, Json], ids: dict[str, Json]) -> str:
    """The node that the release added and the tenant had added already, or nothing."""
    for twin in (ids.get(node["id"]), added.get(node["name"])):
        if twin is None or twin["type"] != node["type"]:
            continue
        if twin["id"] == node["id"] or same(twin["parameters"], node["parameters"]):
            return str(twin["name"])
    return ""


def _wanted(one: _Identity, node_id: str, decisions: Decisions) -> str:
    if not one.ours or not one.theirs:
        return one.ours or one.theirs or one.base
    if one.ours == one.theirs or one.theirs == one.base:
        return one.ours
    if one.ours == one.base:
        return one.theirs
    decided = decisions.settle(
        "name",
        node=one.ours,
        node_id=node_id,
        path=("name",),
        sides=(one.base or None, one.ours, one.theirs),
    )
    return decided if isinstance(decided, str) and decided else one.ours


def positions_of(workflow: Json) -> dict[str, list[float]]:
    return {name: node["position"] for name, node in by_name(workflow).items()}
