"""What two copies of the same workflow have in common: its canonical form and its hash."""

import hashlib
import json
from typing import Any

import rfc8785

from controlplane.workflow.shapes import MISSING, STICKY, Json

# What differs between deployments of the same workflow and means nothing.
UNHASHED_NODE = {"id", "position", "credentials", "webhookId"}
HASHED = ("nodes", "connections", "settings")
PATHS: dict[str, tuple[tuple[str, ...], ...]] = {
    "n8n-nodes-base.webhook": (("path",),),
    "n8n-nodes-base.formTrigger": (("path",), ("options", "path")),
    "@n8n/n8n-nodes-langchain.mcpTrigger": (("path",),),
}
"""By type, where in the parameters a path stands that is global to an n8n, so that every tenant's
copy has another one. Forms have it in their options since version 2.2."""
_SAFE = 2**53 - 1


def canonical(workflow: Json) -> Json:
    """The part of a sound workflow that decides what it does, in one order.

    Left out are ids, positions, credentials, webhook ids and paths, the name, sticky notes, and
    how emptiness is written (an output without targets, `null`, an empty list at the end). Nodes
    are in the order of their names.
    """
    nodes = [_node(node) for node in workflow["nodes"] if node.get("type") != STICKY]
    return {
        "nodes": sorted(nodes, key=lambda node: str(node["name"])),
        "connections": connections(workflow),
        "settings": workflow.get("settings") or {},
    }


def workflow_hash(workflow: Json) -> str:
    """SHA-256 over the canonical JSON (RFC 8785) of what the workflow does, in hexadecimal.

    The same in every tenant that did not edit it.
    """
    return hashlib.sha256(dumped(canonical(workflow))).hexdigest()


def fingerprint(value: Any) -> str:
    """Twelve hexadecimal digits that tell one JSON value from another."""
    return hashlib.sha256(dumped(value)).hexdigest()[:12]


def dumped(value: Any) -> bytes:
    """RFC 8785, with integers that JavaScript cannot hold exactly as the number it would make."""
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:
        return rfc8785.dumps(_as_javascript(value))


def _node(node: Json) -> Json:
    return without_paths({k: v for k, v in node.items() if k not in UNHASHED_NODE})


def without_paths(node: Json) -> Json:
    """The node, or a copy where it has a path of its own."""
    for place in paths_of(node):
        node = {**node, "parameters": _without(node["parameters"], place)}
    return node


def paths_of(node: Json) -> list[tuple[str, ...]]:
    """Where in its parameters the node has a path of its own."""
    places = PATHS.get(node["type"], ()) if isinstance(node.get("type"), str) else ()
    return [place for place in places if path_at(node, place) is not MISSING]


def path_at(node: Json, place: tuple[str, ...]) -> Any:
    """What stands there; MISSING where there is nothing."""
    holder = node.get("parameters")
    for step in place[:-1]:
        holder = holder.get(step) if isinstance(holder, dict) else None
    return holder.get(place[-1], MISSING) if isinstance(holder, dict) else MISSING


def _without(holder: Json, place: tuple[str, ...]) -> Json:
    first, *rest = place
    if rest:
        return {**holder, first: _without(holder[first], tuple(rest))}
    return {key: value for key, value in holder.items() if key != first}


def connections(workflow: Json) -> Json:
    """The connections with one way to write emptiness, and without double edges."""
    normal = {}
    for source, kinds in workflow["connections"].items():
        full = {kind: _outputs(outputs, kind) for kind, outputs in kinds.items()}
        if full := {kind: outputs for kind, outputs in full.items() if outputs}:
            normal[source] = full
    return normal


def _outputs(outputs: list[Any], kind: str) -> list[Any]:
    normal = []
    for targets in outputs:
        once: dict[str, Json] = {}
        for target in targets or ():
            full = {"type": kind, "index": 0, **target}
            once.setdefault(json.dumps(full, sort_keys=True), full)
        normal.append(list(once.values()))
    while normal and not normal[-1]:
        normal.pop()
    return normal


def _as_javascript(value: Any) -> Any:
    if isinstance(value, dict):
        return {_storable(key): _as_javascript(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_as_javascript(inner) for inner in value]
    if isinstance(value, int) and abs(value) > _SAFE:
        return float(value)
    return _storable(value) if isinstance(value, str) else value


def _storable(text: str) -> str:
    return text.encode("utf-8", errors="replace").decode()
