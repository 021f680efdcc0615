"""Real workflows, and an editor that does to them at random what people do in n8n."""

import json
import random
from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

from controlplane.workflow.naming import renamed
from controlplane.workflow.reading import read_one
from controlplane.workflow.shapes import STICKY, Names, edges

Json = dict[str, Any]
FOLDER = Path(__file__).parent.parent / "data" / "workflows"
TEMPLATES = Path(__file__).parent.parent.parent / "workflow-templates"
FILES = sorted((*FOLDER.glob("*.json"), *TEMPLATES.glob("*/workflow.json")))


def named(name: str) -> Json:
    """The workflow of tests/data/workflows/<name>.json, sound."""
    return read_one((FOLDER / f"{name}.json").read_bytes()).workflow


def wired(path: Path) -> Json:
    """The workflow of a file; where its connections lead nowhere, a line through all of it."""
    workflow = read_one(path.read_bytes()).workflow
    if any(targets for kinds in workflow["connections"].values() for o in kinds.values()
           for targets in o):  # fmt: skip
        return workflow
    line = sorted(worker_names(workflow), key=lambda name: find(workflow, name)["position"])
    workflow["connections"] = {}
    for before, after in pairwise(line):
        connect(workflow, before, after)
    return workflow


def find(workflow: Json, name: str) -> Json:
    return next(node for node in workflow["nodes"] if node["name"] == name)


def worker_names(workflow: Json) -> list[str]:
    return [node["name"] for node in workflow["nodes"] if node["type"] != STICKY]


def connect(workflow: Json, source: str, target: str, output: int = 0, kind: str = "main") -> None:
    outputs = workflow["connections"].setdefault(source, {}).setdefault(kind, [])
    while len(outputs) <= output:
        outputs.append([])
    outputs[output].append({"node": target, "type": kind, "index": 0})


def cut(workflow: Json, name: str) -> None:
    """Every connection of a node."""
    workflow["connections"].pop(name, None)
    for kinds in workflow["connections"].values():
        for kind, outputs in kinds.items():
            kinds[kind] = [[t for t in o or [] if t["node"] != name] for o in outputs]


def targets(workflow: Json, source: str) -> list[tuple[int, str]]:
    return [(e.output, e.target) for e in edges(workflow) if e.source == source]


def add(workflow: Json, name: str, **more: Any) -> Json:
    node = {"id": f"id {name}", "name": name, "type": "n8n-nodes-base.set", "typeVersion": 3.4,
            "position": [420, 160], "parameters": {}, **more}  # fmt: skip
    workflow["nodes"].append(node)
    return node


class Editor:
    """Edits a copy. Two editors with other `mark`s never add the same name, id or key.

    `among` limits which nodes it touches, by id.
    """

    def __init__(
        self, workflow: Json, seed: int, *, mark: str, among: set[str] | None = None
    ) -> None:
        self.workflow = deepcopy(workflow)
        self.random = random.Random(seed)
        self.mark = mark
        self.among = among

    def edit(self, times: int, kinds: list[str] | None = None) -> Json:
        for number in range(times):
            kind = self.random.choice(kinds or EDITS)
            edit: Callable[[str], None] = getattr(self, f"_{kind}")
            edit(f"{self.mark}{number}")
        return self.workflow

    def _some(self, *, sticky: bool = True) -> Json | None:
        nodes = [
            node
            for node in self.workflow["nodes"]
            if (self.among is None or node["id"] in self.among)
            and (sticky or node["type"] != STICKY)
        ]
        return self.random.choice(nodes) if nodes else None

    def _change(self, mark: str) -> None:
        if (node := self._some()) is None:
            return
        holder: Any = node["parameters"]
        leaves = list(_leaves(holder))
        if not leaves:
            holder[f"key_{mark}"] = mark
            return
        holder, key = self.random.choice(leaves)
        holder[key] = self.random.choice([f"changed by {mark}", 7, True, None, ["a", mark]])

    def _set(self, mark: str) -> None:
        if (node := self._some()) is not None:
            node["parameters"][f"key_{mark}"] = f"={{{{ $('{node['name']}').item.json.{mark} }}}}"

    def _mention(self, mark: str) -> None:
        one, other = self._some(sticky=False), self._some(sticky=False)
        if one and other:
            one["parameters"][f"key_{mark}"] = (
                f"={{{{ $({json.dumps(other['name'], ensure_ascii=False)}).all() }}}}"
            )

    def _switch_off(self, _mark: str) -> None:
        if (node := self._some(sticky=False)) is not None:
            node["disabled"] = not node.get("disabled", False)

    def _rename(self, mark: str) -> None:
        if (node := self._some()) is not None:
            names = {n["name"] for n in self.workflow["nodes"]}
            wanted = Names(names).take(self.random.choice([f"It's {mark}", mark, f'"{mark}"\\']))
            self.workflow = deepcopy(renamed(self.workflow, {node["name"]: wanted}))

    def _move(self, _mark: str) -> None:
        if (node := self._some()) is not None:
            node["position"] = [self.random.randrange(-900, 900, 20) for _axis in range(2)]

    def _remove(self, _mark: str) -> None:
        if (node := self._some()) is not None:
            self.workflow["nodes"].remove(node)
            cut(self.workflow, node["name"])

    def _add(self, mark: str) -> None:
        node = self._some(sticky=False)
        names = {n["name"] for n in self.workflow["nodes"]}
        name = Names(names).take(f"Added {mark}")
        at = node["position"] if node else [0, 0]
        self.workflow["nodes"].append({
            "id": f"id-{mark}-{self.random.random()}", "name": name, "type": "n8n-nodes-base.set",
            "typeVersion": 3.4, "position": [at[0] + 40, at[1] + 40],
            "parameters": {"mark": mark, "from": f"={{{{ $('{node['name'] if node else ''}') }}}}"},
        })  # fmt: skip
        if node:
            connect(self.workflow, node["name"], name)

    def _rewire(self, _mark: str) -> None:
        one, other = self._some(sticky=False), self._some(sticky=False)
        if one and other and one is not other:
            if self.random.random() < 0.5:
                self.workflow["connections"].pop(one["name"], None)
            connect(self.workflow, one["name"], other["name"])

    def _credential(self, mark: str) -> None:
        if (node := self._some(sticky=False)) is not None:
            node["credentials"] = {"httpHeaderAuth": {"id": mark, "name": mark}}

    def _setting(self, mark: str) -> None:
        self.workflow.setdefault("settings", {})[f"key_{mark}"] = mark


EDITS = [
    "credential",
    "change",
    "set",
    "mention",
    "switch_off",
    "rename",
    "move",
    "remove",
    "add",
    "rewire",
    "setting",
]


def _leaves(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, dict | list):
            yield from _leaves(inner)
        else:
            yield value, key
