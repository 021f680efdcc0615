"""Parameters of a node that are no fields of ours: worded as n8n's guidelines have them."""

from typing import Any

from controlplane.nodes.literals import Code
from controlplane.nodes.operation import Operation

FILE = {
    "displayName": "Input Binary Field",
    "name": "binaryPropertyName",
    "type": "string",
    "required": True,
    "default": "data",
    "placeholder": "e.g. data",
    "hint": "The name of the input field containing the file data to be processed",
}


def simplified(declared: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if declared.rows:
        found["rows"] = declared.rows
    if declared.simplified:
        found["fields"] = list(declared.simplified)
    return found


def simplify(declared: Operation) -> dict[str, Any]:
    """Nodes of workflows from before it go on getting the whole answer."""
    show = {
        "@version": Code("[{ _cnd: { gte: 1.1 } }]"),
        "resource": [declared.resource],
        "operation": [declared.name],
    }
    return {
        "displayName": "Simplify",
        "name": "simplify",
        "type": "boolean",
        "default": True,
        "description": "Whether to return a simplified version of the response instead of the raw "
        "data",
        "displayOptions": {"show": show},
    }


def return_all(declared: Operation, limit: dict[str, Any]) -> list[dict[str, Any]]:
    """As n8n has it: all, or up to a limit. Nodes from before have their limit where it was."""
    show = {
        "@version": Code("[{ _cnd: { gte: 1.2 } }]"),
        "resource": [declared.resource],
        "operation": [declared.name],
    }
    return [
        {
            "displayName": "Return All",
            "name": "returnAll",
            "type": "boolean",
            "default": False,
            "description": "Whether to return all results or only up to a given limit",
            "displayOptions": {"show": show},
        },
        {**limit, "displayOptions": {"show": {**show, "returnAll": [False]}}},
    ]


BEFORE_RETURN_ALL = {"show": {"@version": [1, 1.1]}}
