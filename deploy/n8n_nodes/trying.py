"""Workflows that try or show the node pack in a real n8n: made by its public API."""

import json
import uuid
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import httpx

PACK = "n8n-nodes-pergola"

Node = dict[str, Any]


class Side:
    """n8n's public API with its owner's key."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.url = environment["N8N_URL"]
        self._client = httpx.Client(
            base_url=f"{self.url}/api/v1", timeout=60, trust_env=False,
            headers={"X-N8N-API-KEY": environment["N8N_API_KEY"]},
        )  # fmt: skip

    def close(self) -> None:
        self._client.close()

    def credential(
        self, pergola: str, key: str, *, name: str = "", **more: str
    ) -> dict[str, dict[str, str]]:
        """What a node of the pack names as its credentials."""
        made = self._json(
            "POST", "/credentials",
            {"name": name or f"Trying {uuid.uuid4().hex[:8]}", "type": "pergolaApi",
             "data": {"baseUrl": pergola, "apiKey": key, **more}},
        )  # fmt: skip
        return {"pergolaApi": {"id": made["id"], "name": made["name"]}}

    def tested(self, credential: dict[str, dict[str, str]]) -> str:
        """What n8n's own test says of a credential: OK or Error."""
        answer = self._json("POST", f"/credentials/{credential['pergolaApi']['id']}/test")
        return str(answer["status"])

    def activate(self, name: str, nodes: Sequence[Node], *, beside: Sequence[Node] = ()) -> str:
        """An active workflow of these nodes, in place of one of that name; see `make`."""
        made = self.make(name, nodes, beside=beside)
        self._json("POST", f"/workflows/{made}/activate")
        return made

    def make(self, name: str, nodes: Sequence[Node], *, beside: Sequence[Node] = ()) -> str:
        """A workflow of these nodes, one behind the other, in place of one of that name.

        `beside` stand in it and lead nowhere.
        """
        for old in self._json("GET", f"/workflows?name={name}")["data"]:
            self._client.delete(f"/workflows/{old['id']}").raise_for_status()
        connections = {
            one["name"]: {"main": [[{"node": after["name"], "type": "main", "index": 0}]]}
            for one, after in pairwise(nodes)
        }
        workflow = {
            "name": name, "nodes": [*nodes, *beside], "connections": connections,
            "settings": {"executionOrder": "v1"},
        }  # fmt: skip
        made = self._json("POST", "/workflows", workflow)
        return str(made["id"])

    def remove(self, workflow_id: str) -> None:
        self._client.delete(f"/workflows/{workflow_id}").raise_for_status()

    def executions(self, workflow_id: str) -> Iterator[dict[str, Any]]:
        """All that were kept, with their data."""
        cursor = ""
        while True:
            after = f"&cursor={cursor}" if cursor else ""
            asked = f"/executions?workflowId={workflow_id}&includeData=true&limit=100{after}"
            page = self._json("GET", asked)
            yield from page["data"]
            cursor = page.get("nextCursor") or ""
            if not cursor:
                return

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._client.request(method, path, json=body)
        if not answer.is_success:
            raise RuntimeError(f"n8n answered {answer.status_code} to {path}: {answer.text[:500]}")
        return json.loads(answer.text) if answer.text else None


def node(name: str, type: str, version: float, parameters: Any, **more: Any) -> Node:
    return {
        "id": str(uuid.uuid4()), "name": name, "type": type, "typeVersion": version,
        "position": [0, 0], "parameters": parameters, **more,
    }  # fmt: skip


def pergola(name: str, resource: str, operation: str, credentials: Any, **parameters: Any) -> Node:
    return node(
        name, f"{PACK}.pergola", 1,
        {"resource": resource, "operation": operation, **parameters}, credentials=credentials,
    )  # fmt: skip


def handing_over(path: str, credentials: Any) -> list[Node]:
    """A Webhook that takes a file, whatever it is, and hands it to Pergola as an invoice."""
    start = node(
        "Start", "n8n-nodes-base.webhook", 2.1,
        {
            "httpMethod": "POST", "path": path, "responseMode": "lastNode",
            "options": {"rawBody": True, "binaryPropertyName": "data"},
        },
        webhookId=str(uuid.uuid4()),
    )  # fmt: skip
    return [start, pergola("Submit", "invoice", "submit", credentials, binaryPropertyName="data")]
