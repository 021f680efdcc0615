"""A template in three releases: the second fails when it runs, the third is good."""

from copy import deepcopy
from typing import Any

from controlplane.catalog.manifest import Manifest, ParameterSpec, Use

Json = dict[str, Any]
TITLE = "Rollout bench"


def _node(id: str, name: str, type: str, version: float, x: int, y: int, **parameters: Any) -> Json:
    return {
        "id": id, "name": name, "type": f"n8n-nodes-base.{type}", "typeVersion": version,
        "position": [x, y], "parameters": parameters,
    }  # fmt: skip


def _set(id: str, name: str, x: int, y: int, **values: str) -> Json:
    assignments = [
        {"id": f"{id}-{field}", "name": field, "value": value, "type": "string"}
        for field, value in values.items()
    ]
    return _node(id, name, "set", 3.4, x, y, assignments={"assignments": assignments}, options={})


def first() -> Json:
    webhook = _node(
        "start", "Start", "webhook", 2.1, 0, 0,
        httpMethod="POST", path="nowhere", responseMode="onReceived", options={},
    )  # fmt: skip
    webhook["webhookId"] = "start"
    condition = {
        "id": "large-1", "leftValue": "={{ $json.body.total }}", "rightValue": 1000,
        "operator": {"type": "number", "operation": "gt"},
    }  # fmt: skip
    options = {"version": 2, "caseSensitive": True, "typeValidation": "loose", "leftValue": ""}
    nodes = [
        webhook,
        _set("prepare", "Prepare", 200, 0, order="={{ $json.body.order }}", team="sales"),
        _node(
            "large", "Is large", "if", 2.2, 400, 0,
            conditions={"conditions": [condition], "combinator": "and", "options": options},
            options={},
        ),
        _set("big", "Large", 600, -100, verdict="hold"),
        _set("small", "Small", 600, 100, verdict="accept"),
        _node("archive", "Archive", "noOp", 1, 800, 0),
        _node(
            "note", "Note", "stickyNote", 1, 0, -300,
            content="Large orders wait for a person.", width=300, height=160,
        ),
    ]  # fmt: skip
    return {
        "name": TITLE,
        "nodes": nodes,
        "connections": {
            "Start": _to("Prepare"),
            "Prepare": _to("Is large"),
            "Is large": _to("Large", "Small"),
            "Large": _to("Archive"),
            "Small": _to("Archive"),
        },
        "settings": {"executionOrder": "v1"},
    }


def second() -> Json:
    """It stops with an error at the first run."""
    flow = deepcopy(first())
    node(flow, "prepare")["parameters"]["assignments"]["assignments"][1]["value"] = "nobody"
    stop = _node("stop", "Guard", "stopAndError", 1, 1000, 0, errorMessage="The new guard")
    flow["nodes"].append(stop)
    flow["connections"]["Archive"] = _to("Guard")
    return flow


def third() -> Json:
    """It changes a value that some tenants changed too, and adds two nodes."""
    flow = deepcopy(first())
    node(flow, "prepare")["parameters"]["assignments"]["assignments"][1]["value"] = "key accounts"
    node(flow, "big")["parameters"]["assignments"]["assignments"].append(
        {"id": "big-why", "name": "why", "value": "above the limit", "type": "string"}
    )
    flow["nodes"] += [
        _set("mark", "Mark", 1000, 0, checked="yes"),
        _node("done", "Done", "noOp", 1, 1200, 0),
    ]
    flow["connections"]["Archive"] = _to("Mark")
    flow["connections"]["Mark"] = _to("Done")
    return flow


def manifest(version: str) -> Manifest:
    path = ParameterSpec(
        name="path", type="text", label="Path", changeable=False,
        uses=[Use(node="Start", path=["parameters", "path"])],
    )  # fmt: skip
    return Manifest(
        title=TITLE, version=version, summary="Judges an order by its total.",
        n8n_minimum="2.41.0", parameters=[path],
    )  # fmt: skip


def node(flow: Json, id: str) -> Json:
    """Raises StopIteration where it is gone."""
    found: Json = next(each for each in flow["nodes"] if each["id"] == id)
    return found


def _to(*names: str) -> Json:
    return {"main": [[{"node": name, "type": "main", "index": 0}] for name in names]}
