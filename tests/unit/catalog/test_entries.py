"""Workflows that n8n's own Webhook starts: which Webhook is Pergola's, and whose path it has."""

from typing import Any

from controlplane.catalog.workflow import entries_of, for_tenant
from controlplane.workflow.canonical import workflow_hash

GIVEN = {"name": "n", "credential_id": "c", "credential_name": "c"}


def node(name: str, type: str, **parameters: Any) -> dict[str, Any]:
    return {"id": name, "name": name, "type": type, "typeVersion": 1, "position": [0, 0],
            "webhookId": f"w-{name}", "parameters": parameters}  # fmt: skip


def flow() -> dict[str, Any]:
    hook, ours = "n8n-nodes-base.webhook", "n8n-nodes-pergola.pergola"
    return {
        "name": "Orders",
        "nodes": [
            node("Start", hook, path="orders"),
            node("Other", hook, path="called-by-the-shop"),
            node("Fetch", ours, resource="event", operation="fetch"),
            node("Review", ours, resource="order", operation="review"),
        ],
        "connections": {
            "Start": {"main": [[{"node": "Fetch", "type": "main", "index": 0}]]},
            "Other": {"main": [[{"node": "Review", "type": "main", "index": 0}]]},
            "Fetch": {"main": [[{"node": "Review", "type": "main", "index": 0}]]},
        },
        "settings": {},
    }


def paths(workflow: dict[str, Any]) -> dict[str, str]:
    return {
        n["name"]: n["parameters"]["path"] for n in workflow["nodes"] if "path" in n["parameters"]
    }


def test_only_a_webhook_that_fetches_is_pergolas() -> None:
    assert entries_of(flow()) == {"Start"}


def test_each_copy_has_an_address_of_its_own_for_pergola() -> None:
    first, again, second = (
        paths(for_tenant(flow(), name="n", credential_id=owner, credential_name="c"))
        for owner in ("c1", "c1", "c2")
    )

    assert len({first["Start"], second["Start"], "orders"}) == 3
    assert first == again
    assert first["Other"] == second["Other"] == "called-by-the-shop"


def test_and_is_the_same_workflow() -> None:
    assert workflow_hash(for_tenant(flow(), **GIVEN)) == workflow_hash(flow())
