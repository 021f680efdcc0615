"""What a workflow's Pergola nodes need: events to listen to, scopes to call with."""

from controlplane.catalog.workflow import OURS
from controlplane.events.types import EVENT_TYPES
from controlplane.nodes.operation import Operation
from controlplane.nodes.registry import all_operations
from controlplane.workflow.shapes import Json


def events_and_scopes(workflow: Json) -> tuple[list[str], list[str]]:
    """Of a sound workflow, sorted; what is not known here is left out."""
    events: set[str] = set()
    scopes: set[str] = set()
    for node in workflow["nodes"]:
        if node["type"] == f"{OURS}pergolaTrigger":
            given = [value for value in node["parameters"].values() if isinstance(value, list)]
            events |= {each for value in given for each in value if isinstance(each, str)}
            scopes.add("events:subscribe")
        elif node["type"] == f"{OURS}pergola" and (operation := operation_of(node)):
            scopes.add(operation.scope)
            # A node that waits looks at the approval when it goes on.
            scopes |= {"approvals:read"} if operation.waits else set()
    return sorted(events & set(EVENT_TYPES)), sorted(scopes)


def operation_of(node: Json) -> Operation | None:
    """The operation that the node calls; n8n leaves defaults out of an export."""
    parameters = node["parameters"]
    resource = parameters.get("resource", all_operations()[0].resource)
    wanted = parameters.get("operation", "")
    return next(
        (
            operation
            for operation in all_operations()
            if operation.resource == resource
            and wanted in {"", operation.name, _camel(operation.name)}
        ),
        None,
    )


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)
