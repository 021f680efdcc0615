"""Workflow JSON as n8n exports it: checking it, making it a tenant's own."""

import uuid
from copy import deepcopy

from controlplane.core.errors import FieldError
from controlplane.workflow.shapes import STICKY, Json

OURS = "n8n-nodes-pergola."
CREDENTIAL = "pergolaApi"
KNOWN = {
    f"{OURS}pergola",
    f"{OURS}pergolaTrigger",
    "n8n-nodes-base.switch",
    "n8n-nodes-base.if",
    "n8n-nodes-base.set",
    "n8n-nodes-base.merge",
    "n8n-nodes-base.noOp",
    STICKY,
}


def faults(workflow: Json, *, is_ours: bool = True) -> list[FieldError]:
    """What makes the workflow unfit to be a template, each at its field; empty for a good one.

    `is_ours`: in the platform's own templates only nodes that we know, and notes that say what it
    does; a partner's workflow may be of any nodes.
    """
    nodes = workflow.get("nodes") if isinstance(workflow, dict) else None
    if (
        not isinstance(nodes, list)
        or not all(isinstance(node, dict) for node in nodes)
        or not isinstance(workflow.get("connections"), dict)
    ):
        told = "it is no workflow exported by n8n: nodes or connections are missing"
        return [FieldError("nodes", told)]
    names = [node.get("name") for node in nodes]
    found = [
        FieldError("nodes", f"two nodes are called {name!r}")
        for name in sorted({str(n) for n in names if names.count(n) > 1})
    ]
    for number, node in enumerate(nodes):
        place, called = f"nodes.{number}", f"node {node.get('name')!r}"
        if is_ours and node.get("type") not in KNOWN:
            told = f"{called} is of the unknown type {node.get('type')!r}"
            found.append(FieldError(f"{place}.type", told))
        if node.get("credentials"):
            told = f"{called} names a credential of somebody's n8n"
            found.append(FieldError(f"{place}.credentials", told))
    for source, target in _edges(workflow):
        found += [
            FieldError(f"connections.{source}", f"a connection names {n!r}, which is no node")
            for n in {source, target} - set(names)
        ]
    if is_ours and not any(node.get("type") == STICKY for node in nodes):
        found.append(FieldError("nodes", "it has no sticky note that says what it does"))
    found += [
        FieldError(key, f"it carries {key!r}, which is one n8n's own")
        for key in ("pinData", "staticData")
        if workflow.get(key)
    ]
    return found


def _edges(workflow: Json) -> list[tuple[str, str]]:
    return [
        (source, target["node"])
        for source, kinds in workflow["connections"].items()
        for outputs in kinds.values()
        for output in outputs
        for target in output or []
    ]


def for_tenant(workflow: Json, *, name: str, credential_id: str, credential_name: str) -> Json:
    """A copy with the tenant's credential in our nodes and webhook ids of its own."""
    copy = deepcopy(workflow)
    copy["name"] = name
    for node in copy["nodes"]:
        if node["type"].startswith(OURS):
            node["credentials"] = {CREDENTIAL: {"id": credential_id, "name": credential_name}}
        if "webhookId" in node:
            # Webhook addresses are made of it, and they are global to an n8n.
            node["webhookId"] = str(uuid.uuid4())
    return copy
