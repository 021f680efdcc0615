"""Workflow JSON as n8n exports it: checking it, making it a tenant's own."""

import uuid
from copy import deepcopy

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


def faults(workflow: Json) -> list[str]:
    """What makes the workflow unfit to be a template; empty for a good one."""
    nodes = workflow.get("nodes") if isinstance(workflow, dict) else None
    if (
        not isinstance(nodes, list)
        or not all(isinstance(node, dict) for node in nodes)
        or not isinstance(workflow.get("connections"), dict)
    ):
        return ["it is no workflow exported by n8n: nodes or connections are missing"]
    names = [node.get("name") for node in nodes]
    found = [f"two nodes are called {name!r}" for name in {n for n in names if names.count(n) > 1}]
    for node in nodes:
        if node.get("type") not in KNOWN:
            found.append(f"node {node.get('name')!r} is of the unknown type {node.get('type')!r}")
        if node.get("credentials"):
            found.append(f"node {node.get('name')!r} names a credential of somebody's n8n")
    for source, target in _edges(workflow):
        found += [
            f"a connection names {n!r}, which is no node" for n in {source, target} - set(names)
        ]
    if not any(node.get("type") == STICKY for node in nodes):
        found.append("it has no sticky note that says what it does")
    found += [
        f"it carries {key!r}, which is one n8n's own"
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
