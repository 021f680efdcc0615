"""A real n8n for the benches: a workspace on it, workflows as its editor makes them, executions."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
PACK = "n8n-nodes-pergola"

Node = dict[str, Any]


def listening(environment: dict[str, str], slug: str, url: str) -> str:
    """The tenant's workspace is at `url` from now on; returns an API key for its workflows."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.events.listening", slug, url],
        cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return done.stdout.strip().splitlines()[-1]


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

    def credential(self, pergola: str, key: str) -> dict[str, dict[str, str]]:
        """What a node of the pack names as its credentials."""
        made = self._json(
            "POST", "/credentials",
            {"name": f"Bench {uuid.uuid4().hex[:8]}", "type": "pergolaApi",
             "data": {"baseUrl": pergola, "apiKey": key}},
        )  # fmt: skip
        return {"pergolaApi": {"id": made["id"], "name": made["name"]}}

    def activate(self, name: str, nodes: Sequence[Node], *, beside: Sequence[Node] = ()) -> str:
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
        self._json("POST", f"/workflows/{made['id']}/activate")
        return str(made["id"])

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


def webhook(path: str) -> Node:
    """n8n's own, which answers at once, as our trigger does."""
    return node(
        "Start", "n8n-nodes-base.webhook", 2.1,
        {"httpMethod": "POST", "path": path, "responseMode": "onReceived"},
        webhookId=str(uuid.uuid4()),
    )  # fmt: skip


def trigger(credentials: Any, *, name: str = "Start", webhook_path: str = "") -> Node:
    options = {"webhookPath": webhook_path} if webhook_path else {}
    return node(
        name, f"{PACK}.pergolaTrigger", 1, {"events": ["order.created"], "options": options},
        credentials=credentials, webhookId=str(uuid.uuid4()),
    )  # fmt: skip


def pergola(name: str, resource: str, operation: str, credentials: Any, **parameters: Any) -> Node:
    return node(
        name, f"{PACK}.pergola", 1,
        {"resource": resource, "operation": operation, **parameters}, credentials=credentials,
    )  # fmt: skip


def fetch(credentials: Any) -> Node:
    """What stands behind the Webhook that a trigger names."""
    return pergola(
        "Fetch", "event", "fetch", credentials,
        delivery_id="={{ $json.body.delivery_id }}", token="={{ $json.body.token }}",  # noqa: S106
    )  # fmt: skip


def nothing() -> Node:
    return node("Work", "n8n-nodes-base.noOp", 1, {})


def http_operation(name: str, url: str, credentials: Any, *, key: str, body: str) -> Node:
    """n8n's HTTP Request on an operation of ours, with its own key, tried again for a while."""
    return node(
        name, "n8n-nodes-base.httpRequest", 4.2,
        {
            "method": "POST", "url": url, "authentication": "predefinedCredentialType",
            "nodeCredentialType": "pergolaApi", "sendHeaders": True,
            "headerParameters": {"parameters": [{"name": "Idempotency-Key", "value": key}]},
            "sendBody": True, "specifyBody": "json", "jsonBody": body,
            "options": {"timeout": 10000},
        },
        credentials=credentials, retryOnFail=True, maxTries=5, waitBetweenTries=3000,
    )  # fmt: skip
