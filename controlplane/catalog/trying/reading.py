"""What n8n's execution tells of a case: verdict, reasons, and the calls that were made."""

from dataclasses import dataclass, field
from typing import Any

from controlplane.catalog.workflow import OURS
from controlplane.instances.client.executions import Execution
from controlplane.workflow.shapes import Json


@dataclass(frozen=True)
class Actual:
    """`outcome` is how the run stands: success, waiting for a person, or error.

    `last` is what the last of our nodes gave.
    """

    verdict: str = ""
    reasons: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    outcome: str = ""
    error: str = ""
    last: dict[str, Any] = field(default_factory=dict)


def read_execution(execution: Execution, workflow: Json) -> Actual:
    """The last of our nodes that gave a verdict counts; nodes by when they ran."""
    result = execution.data.get("resultData") or {}
    runs = sorted(
        (
            (run.get("executionIndex", run.get("startTime", 0)), name, run)
            for name, each in (result.get("runData") or {}).items()
            for run in each or []
        ),
        key=lambda one: one[0],
    )
    ours = {n["name"]: n for n in workflow["nodes"] if n["type"] == f"{OURS}pergola"}
    verdict, reasons, calls, last = "", list[str](), [], dict[str, Any]()
    for _at, name, run in runs:
        if name not in ours:
            continue
        calls.append(_operation(ours[name]))
        for item in _items(run):
            last = item
            if isinstance(item.get("verdict"), str):
                verdict, reasons = item["verdict"], _codes(item)
    error = (result.get("error") or {}).get("message", "")
    return Actual(verdict, reasons, calls, str(execution.status), str(error)[:500], last)


def _operation(node: Json) -> str:
    """As in the parameters; n8n leaves a default out of an export."""
    parameters = node["parameters"]
    return f"{parameters.get('resource', '')}.{parameters.get('operation', '')}".strip(".")


def _items(run: Json) -> list[dict[str, Any]]:
    outputs = (run.get("data") or {}).get("main") or []
    return [
        item["json"]
        for output in outputs
        for item in output or []
        if isinstance(item, dict) and isinstance(item.get("json"), dict)
    ]


def _codes(item: dict[str, Any]) -> list[str]:
    return [
        reason["code"]
        for reason in item.get("reasons") or []
        if isinstance(reason, dict) and "code" in reason
    ]
