"""Workflow JSON as n8n exports it: checking it, making it a tenant's own."""

import uuid
from copy import deepcopy
from typing import Any

from controlplane.core.errors import FieldError
from controlplane.workflow.shapes import STICKY, Json

OURS = "n8n-nodes-pergola."
CREDENTIAL = "pergolaApi"
WEBHOOK = "n8n-nodes-base.webhook"
ERROR_TRIGGER = "n8n-nodes-base.errorTrigger"
_PATHS = uuid.UUID("5d1b1c0e-2f0c-5a36-9c5e-70657267006f")
KNOWN = {
    f"{OURS}pergola",
    f"{OURS}pergolaTrigger",
    WEBHOOK,
    ERROR_TRIGGER,
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
    """A copy with the tenant's credential in our nodes, webhook ids and paths of its own.

    Of Webhooks that others call the path stays: whoever calls them knows it.
    """
    copy = with_own_addresses(workflow, owner=credential_id)
    copy["name"] = name
    for node in copy["nodes"]:
        if node["type"].startswith(OURS):
            node["credentials"] = {CREDENTIAL: {"id": credential_id, "name": credential_name}}
    return copy


def with_own_addresses(workflow: Json, *, owner: str = "") -> Json:
    """A copy with other webhook ids, and other paths of what only Pergola calls.

    The paths are the same each time for the same `owner`: nobody seems to have changed them.
    """
    copy = deepcopy(workflow)
    owner = owner or str(uuid.uuid4())
    entries = entries_of(workflow)
    for node in copy["nodes"]:
        if "webhookId" in node:
            # Webhook addresses are made of it, and they are global to an n8n.
            node["webhookId"] = str(uuid.uuid4())
        if node["name"] in entries:
            node["parameters"]["path"] = f"pergola-{uuid.uuid5(_PATHS, owner + node['id'])}"
    return copy


def handles_errors(workflow: Json) -> bool:
    """Whether n8n starts it when a run of another workflow fails."""
    nodes: Any = workflow.get("nodes") if isinstance(workflow, dict) else None
    return any(isinstance(node, dict) and node.get("type") == ERROR_TRIGGER for node in nodes or [])


def entries_of(workflow: Json) -> set[str]:
    """The Webhooks, by name, that only Pergola calls: Event → Fetch comes behind them.

    The trigger beside them reads their path at activation and subscribes with it.
    """
    fetches = {
        node["name"]
        for node in workflow["nodes"]
        if node["type"] == f"{OURS}pergola"
        and _parameter(node, "resource") == "event"
        and _parameter(node, "operation") == "fetch"
    }
    webhooks = {node["name"] for node in workflow["nodes"] if node["type"] == WEBHOOK}
    return {source for source, target in _edges(workflow) if target in fetches} & webhooks


def _parameter(node: Json, name: str) -> Any:
    parameters = node.get("parameters")
    return parameters.get(name) if isinstance(parameters, dict) else None
