"""A template's folder, and installations of the release that it becomes."""

import json
from pathlib import Path
from typing import Any

import yaml

from controlplane.catalog import services
from controlplane.catalog.loader import load_folder
from controlplane.catalog.models import Installation, Release
from tests.factories.events import ADA

MANIFEST: dict[str, Any] = {
    "title": "Review orders",
    "version": "1.0.0",
    "summary": "Judges each order.",
    "n8n_minimum": "2.41.0",
    "events": ["order.created"],
    "scopes": ["events:subscribe", "orders:review"],
    "parameters": [
        {"name": "max_quantity", "type": "integer", "label": "Most pieces", "default": 100,
         "minimum": 1, "maximum": 500},
    ],
}  # fmt: skip


def workflow() -> dict[str, Any]:
    """A trigger, a node of ours and a note, as n8n exports them."""
    return {
        "name": "Review orders",
        "nodes": [
            {"id": "a", "name": "Order created", "type": "n8n-nodes-pergola.pergolaTrigger",
             "typeVersion": 1, "position": [0, 0], "webhookId": "11111111",
             "parameters": {"events": ["order.created"]}},
            {"id": "b", "name": "Review", "type": "n8n-nodes-pergola.pergola",
             "typeVersion": 1, "position": [200, 0],
             "parameters": {"resource": "order", "operation": "review"}},
            {"id": "c", "name": "Note", "type": "n8n-nodes-base.stickyNote", "typeVersion": 1,
             "position": [0, -200], "parameters": {"content": "What this does"}},
        ],
        "connections": {
            "Order created": {"main": [[{"node": "Review", "type": "main", "index": 0}]]}
        },
        "settings": {"executionOrder": "v1"},
    }  # fmt: skip


def write_template(root: Path, *, flow: dict[str, Any] | None = None, **manifest: Any) -> Path:
    """A folder under `root` as it stands in workflow-templates/."""
    folder = root / "review-orders"
    folder.mkdir(exist_ok=True)
    (folder / "template.yaml").write_text(yaml.safe_dump(MANIFEST | manifest))
    (folder / "workflow.json").write_text(json.dumps(flow or workflow()))
    (folder / "README.md").write_text("# Review orders\n")
    return folder


def make_release(root: Path, **manifest: Any) -> Release:
    """Outside of any tenant: releases are shared."""
    return load_folder(write_template(root, **manifest))[0]


def make_installation(release: Release, **parameters: Any) -> Installation:
    return services.install(release_id=release.pk, parameters=parameters, by=ADA)
