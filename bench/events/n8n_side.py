"""A real n8n for the benches: a workspace on it, workflows as its editor makes them, executions."""

import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from deploy.n8n_nodes.trying import PACK, Node, Side, node, pergola

__all__ = [
    "Side", "fetch", "http_operation", "listening", "node", "nothing", "pergola", "trigger",
    "webhook",
]  # fmt: skip
ROOT = Path(__file__).resolve().parents[2]


def listening(environment: dict[str, str], slug: str, url: str) -> str:
    """The tenant's workspace is at `url` from now on; returns an API key for its workflows."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.events.listening", slug, url],
        cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return done.stdout.strip().splitlines()[-1]


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
