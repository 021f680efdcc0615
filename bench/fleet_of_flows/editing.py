"""A tenant's people at work in n8n: one to three edits of a workflow, drawn at random.

Each says afterwards whether it is still there. Two of them touch what the third release changes.
"""

import random
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from bench.fleet_of_flows.releases import node

Json = dict[str, Any]
Still = Callable[[Json], bool]


def edited(flow: Json, rng: random.Random) -> list[Still]:
    """Changes `flow` in place."""
    drawn = rng.sample(EDITS, rng.randint(1, 3))
    if _removed in drawn and _moved in drawn:
        drawn.remove(_moved)
    return [edit(flow, rng) for edit in drawn]


def _note(flow: Json, rng: random.Random) -> Still:
    text = f"Ask Grace first ({rng.random():.6f})."
    node(flow, "note")["parameters"]["content"] = text
    return lambda now: node(now, "note")["parameters"]["content"] == text


def _value(flow: Json, rng: random.Random) -> Still:
    value = f"accept-{rng.randint(1, 999)}"
    _assigned(flow, "small", 0)["value"] = value
    return lambda now: bool(_assigned(now, "small", 0)["value"] == value)


def _added_value(flow: Json, rng: random.Random) -> Still:
    own = {"id": str(uuid.UUID(int=rng.getrandbits(128))), "name": "own", "value": "x",
           "type": "string"}  # fmt: skip
    node(flow, "small")["parameters"]["assignments"]["assignments"].append(own)
    return lambda now: own in node(now, "small")["parameters"]["assignments"]["assignments"]


def _own_node(flow: Json, rng: random.Random) -> Still:
    """Between Small and Archive."""
    own = {
        "id": str(uuid.UUID(int=rng.getrandbits(128))), "name": "Tell the warehouse",
        "type": "n8n-nodes-base.noOp", "typeVersion": 1, "position": [700, 260], "parameters": {},
    }  # fmt: skip
    name = node(flow, "small")["name"]
    flow["nodes"].append(own)
    flow["connections"][own["name"]] = flow["connections"][name]
    target = {"node": own["name"], "type": "main", "index": 0}
    flow["connections"][name] = {"main": [[target]]}

    def still(now: Json) -> bool:
        small = node(now, "small")["name"]
        return target in now["connections"][small]["main"][0] and own["name"] in now["connections"]

    return still


def _renamed(flow: Json, rng: random.Random) -> Still:
    before = node(flow, "large")["name"]
    name = f"Above the limit {rng.randint(1, 99)}"
    node(flow, "large")["name"] = name
    flow["connections"][name] = flow["connections"].pop(before)
    for kinds in flow["connections"].values():
        for outputs in kinds["main"]:
            for target in outputs:
                if target["node"] == before:
                    target["node"] = name
    return lambda now: bool(node(now, "large")["name"] == name and name in now["connections"])


def _moved(flow: Json, rng: random.Random) -> Still:
    place = [rng.randint(2000, 4000), rng.randint(500, 900)]
    node(flow, "big")["position"] = place
    return lambda now: bool(node(now, "big")["position"] == place)


def _team(flow: Json, rng: random.Random) -> Still:
    """Release 3 changes it too."""
    _assigned(flow, "prepare", 1)["value"] = "our own team"
    return lambda now: bool(_assigned(now, "prepare", 1)["value"] == "our own team")


def _removed(flow: Json, rng: random.Random) -> Still:
    """Release 3 changes the node."""
    name = node(flow, "big")["name"]
    flow["nodes"].remove(node(flow, "big"))
    flow["connections"].pop(name, None)
    for kinds in flow["connections"].values():
        kinds["main"] = [
            [target for target in outputs if target["node"] != name] for outputs in kinds["main"]
        ]

    def still(now: Json) -> bool:
        with suppress(StopIteration):
            node(now, "big")
            return False
        return True

    return still


def _assigned(flow: Json, id: str, index: int) -> Json:
    found: Json = node(flow, id)["parameters"]["assignments"]["assignments"][index]
    return found


EDITS: list[Callable[[Json, random.Random], Still]] = [
    _note, _value, _added_value, _own_node, _renamed, _moved, _team, _removed,
]  # fmt: skip
