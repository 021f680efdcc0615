"""The shape of one workflow: what is put right as n8n would, and what cannot be."""

import math
import re
import uuid
from dataclasses import dataclass
from typing import Any

from controlplane.core.errors import FieldError
from controlplane.workflow.findings import Findings, Mend, Note, kind_of
from controlplane.workflow.shapes import MISSING, Edge, Json, Names
from controlplane.workflow.wiring import WiringCheck

MOST_NODES = 5_000
LONGEST_NAME = 1_000
UNNAMED = "Imported workflow"
_IDS = uuid.UUID("6a1d5e7c-7a9b-5c0e-8d52-6f70676f6c61")
_POISONED_NAMES = {"__proto__", "constructor", "prototype"}
_MENDED = ("name", "position", "typeVersion", "parameters", "credentials")
_NUMBER = re.compile(r"^\s*-?\d{1,15}(\.\d{1,15})?\s*$")


@dataclass
class Check:
    """What was found in a workflow; where there are errors, it is not sound."""

    notes: list[Note]
    errors: list[FieldError]
    loose: list[Edge]
    mended: list[Mend]


def checked(workflow: Json, place: str = "") -> Check:
    """Make the workflow sound, in place. `place` is the path to it, with a dot at the end."""
    nodes = NodeCheck(place)
    wiring = WiringCheck(place, nodes.workflow(workflow))
    if not nodes.errors:
        wiring.connections(workflow)
    return Check(
        [*nodes.notes, *wiring.notes], [*nodes.errors, *wiring.errors], wiring.loose, nodes.mended
    )


class NodeCheck(Findings):
    """Names, ids, types, parameters and positions."""

    def __init__(self, place: str) -> None:
        super().__init__(place)
        self.mended: list[Mend] = []
        self.seen: set[str] = set()

    def workflow(self, workflow: Json) -> dict[str, str]:
        """Checks everything but the connections. Gives ids and names of the nodes → name."""
        nodes = workflow["nodes"]
        if not isinstance(nodes, list):
            self.error("nodes", f"must be a list, and is {kind_of(nodes)}")
            return {}
        if len(nodes) > MOST_NODES:
            self.error("nodes", f"has {len(nodes)} nodes; at most {MOST_NODES} are read")
            return {}
        if not isinstance(workflow.get("name"), str) or not workflow["name"].strip():
            workflow["name"] = UNNAMED
            self.note("", "name", f"there was none; it is called “{UNNAMED}”")
        self._object(workflow, "settings", "", "settings")
        # A copy must not get the name that another node has: expressions and edges say it.
        names = Names(given for node in nodes if (given := _given_name(node)))
        ids: set[str] = set()
        for number, node in enumerate(nodes):
            if isinstance(node, dict):
                self._node(node, number, names, ids)
            else:
                self.error(f"nodes.{number}", f"must be an object, and is {kind_of(node)}")
        if self.errors:
            return {}
        called = {node["id"]: node["name"] for node in nodes}
        return {**called, **{name: name for name in called.values()}}

    def _node(self, node: Json, number: int, names: Names, ids: set[str]) -> None:
        path = f"nodes.{number}"
        kind = node.get("type")
        if not isinstance(kind, str) or not kind.strip():
            called = f"of “{node['name']}” " if isinstance(node.get("name"), str) else ""
            self.error(f"{path}.type", f"{called}must say what the node is, and is {kind_of(kind)}")
            return
        before = {key: node.get(key, MISSING) for key in _MENDED}
        given = self._name(node, path, kind)
        if given is None:
            return
        name = node["name"] = self._unique(node, given, names, before["name"])
        if name != given:
            self.note(given, f"{path}.name", f"was there twice; this one is “{name}” now")
        self._id(node, path, ids)
        self._object(node, "parameters", name, f"{path}.parameters")
        if "credentials" in node:
            self._object(node, "credentials", name, f"{path}.credentials")
        self._position(node, path)
        self._version(node, path)
        for key, was in before.items():
            now = node.get(key, MISSING)
            if now is not was and (now != was or type(now) is not type(was)):
                self.mended.append(Mend(("nodes", number, key), was))

    def _unique(self, node: Json, name: str, names: Names, given: Any) -> str:
        is_free = name not in self.seen and (_given_name({"name": given}) or name not in names)
        unique = name if is_free and name in names else names.take(name)
        self.seen.add(unique)
        return unique

    def _name(self, node: Json, path: str, kind: str) -> str | None:
        name = node.get("name")
        if isinstance(name, int | float) and not isinstance(name, bool):
            node["name"] = name = _given_name(node)
            self.note(name, f"{path}.name", "was a number and is text now")
        if name is None or name == "":
            node["name"] = name = kind.rsplit(".", 1)[-1]
            self.note(name, f"{path}.name", "was missing; it is called after its type")
        if not isinstance(name, str):
            self.error(f"{path}.name", f"of a {kind} must be text, and is {kind_of(name)}")
            return None
        if len(name) > LONGEST_NAME:
            self.error(f"{path}.name", f"“{name[:40]}…” is longer than {LONGEST_NAME} characters")
            return None
        if name in _POISONED_NAMES:
            self.error(f"{path}.name", f"“{name}” would change JavaScript’s objects")
            return None
        return name

    def _id(self, node: Json, path: str, ids: set[str]) -> None:
        given = node.get("id")
        if isinstance(given, int) and not isinstance(given, bool):
            given = str(given)
        if not isinstance(given, str) or not given or given in ids:
            if given is not None:
                self.note(node["name"], f"{path}.id", "was no id of its own; it has a new one")
            # Made of the name, so that the same export read twice is the same workflow.
            given, number = str(uuid.uuid5(_IDS, node["name"])), 0
            while given in ids:
                number += 1
                given = str(uuid.uuid5(_IDS, f"{node['name']} {number}"))
        node["id"] = given
        ids.add(given)

    def _object(self, holder: Json, key: str, node: str, path: str) -> None:
        value = holder.get(key)
        if value is None or value == []:
            if key in holder:
                self.note(node, path, "was empty and is an object now")
            holder[key] = {}
        elif not isinstance(value, dict):
            called = f"of “{node}” " if node else ""
            self.error(path, f"{called}must be an object, and is {kind_of(value)}")

    def _position(self, node: Json, path: str) -> None:
        given = node.get("position")
        if isinstance(given, dict):
            given = [given.get("x"), given.get("y")]
        if isinstance(given, list) and all(value is None for value in given):
            given = None
        pair = [_coordinate(v) for v in given] if isinstance(given, list) else []
        if given is not None and (len(pair) != 2 or None in pair):
            self.error(f"{path}.position", f"of “{node['name']}” must be two numbers")
            return
        if given is None:
            self.note(node["name"], f"{path}.position", "was missing; it is at the corner")
            node["position"] = [0, 0]
        elif node["position"] != pair:
            self.note(node["name"], f"{path}.position", "was written otherwise; it is two numbers")
            node["position"] = pair

    def _version(self, node: Json, path: str) -> None:
        given = node.get("typeVersion")
        if given is None:
            node.pop("typeVersion", None)
        elif isinstance(given, str) and _NUMBER.match(given):
            number = float(given)
            node["typeVersion"] = int(number) if number.is_integer() else number
            self.note(node["name"], f"{path}.typeVersion", "was text and is a number now")
        elif isinstance(given, list):
            numbers = [v for v in given if isinstance(v, int | float) and not isinstance(v, bool)]
            if not numbers:
                self.error(f"{path}.typeVersion", f"of “{node['name']}” must be a number")
                return
            node["typeVersion"] = max(numbers)
            self.note(node["name"], f"{path}.typeVersion", "was a list; the highest is taken")
        elif isinstance(given, bool) or not isinstance(given, int | float):
            self.error(f"{path}.typeVersion", f"of “{node['name']}” must be a number")


def _given_name(node: Any) -> str:
    """As text; empty where the node has none."""
    name = node.get("name") if isinstance(node, dict) else None
    if isinstance(name, int | float) and not isinstance(name, bool):
        return str(name)
    return name if isinstance(name, str) else ""


def _coordinate(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and _NUMBER.match(value):
        value = float(value)
    if isinstance(value, int | float) and math.isfinite(value) and abs(value) < 1e9:
        return value
    return None
