"""Workflows of one node as somebody exported them, and what comes of their import."""

from typing import Any

from controlplane.workflow.importer.importing import import_export
from controlplane.workflow.importer.result import Imported

Json = dict[str, Any]


def imported(source: Any) -> Imported:
    [found] = import_export(source)
    return found


def with_node(kind: str = "n8n-nodes-base.set", name: str = "It", **parameters: Any) -> Imported:
    node = {"id": "1", "name": name, "type": kind, "typeVersion": 1, "position": [0, 0],
            "parameters": parameters}  # fmt: skip
    return imported({"name": "W", "nodes": [node], "connections": {}, "settings": {}})


def told(found: Imported) -> list[str]:
    return [note.message for note in found.not_carried]
