"""Values of parameters that stand in the workflow: found there, put there, and put in again.

A value is exchanged only where the one that Pergola wrote still stands: what somebody edited in
n8n stays, and is told.
"""

from typing import Any

from controlplane.catalog.manifest import Manifest, ParameterSpec, Use
from controlplane.workflow.shapes import Json, copied


def standing(workflow: Json, use: Use, *, release: Json | None = None) -> Any:
    """What stands at the place; None where there is no such place.

    Nodes are found by their id in `release` first, as a tenant may have renamed them.
    """
    holder = _holder(workflow, use, release or workflow)
    return None if holder is None else _get(holder, use.path[-1])


def with_values(release: Json, manifest: Manifest, values: dict[str, Any]) -> Json:
    """A copy of the release's workflow in which these values stand."""
    return exchanged(release, release, manifest, before={}, after=values)[0]


def exchanged(
    workflow: Json,
    release: Json,
    manifest: Manifest,
    *,
    before: dict[str, Any],
    after: dict[str, Any],
) -> tuple[Json, list[Use]]:
    """A copy of the workflow with the values of `after`, and the places that were left alone.

    Left alone is what is not as `before` would have it. A parameter without a value stands as the
    release has it.
    """
    copy, left = copied(workflow), []
    for spec in manifest.parameters:
        for use in spec.uses:
            was = written(spec, use, before.get(spec.name), release)
            now = written(spec, use, after.get(spec.name), release)
            if was == now:
                continue
            holder = _holder(copy, use, release)
            found = None if holder is None else _get(holder, use.path[-1])
            if holder is None or not _stands(found, was, use):
                left.append(use)
            elif use.part is None:
                holder[use.path[-1]] = now
            else:
                holder[use.path[-1]] = str(found).replace(str(was), str(now))
    return copy, left


def differs(manifest: Manifest, before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether a value that stands in the workflow is another one."""
    return any(
        spec.uses and before.get(spec.name) != after.get(spec.name) for spec in manifest.parameters
    )


def written(spec: ParameterSpec, use: Use, value: Any, release: Json) -> Any:
    """The value as n8n's parameter has it."""
    if value is None:
        return use.part if use.part is not None else standing(release, use)
    if spec.type == "number" and use.part is None:
        number = float(value)
        return int(number) if number.is_integer() else number
    if spec.type == "schedule" and use.part is None:
        cron = {"field": "cronExpression", "expression": value}
        if use.path[-1] == "triggerTimes":
            return {"item": [{"mode": "custom", "cronExpression": f"0 {value}"}]}
        return {"interval": [cron]}
    if isinstance(value, dict) and set(value) == {"amount", "currency"}:
        return value["amount"] if use.part is None else f"{value['amount']} {value['currency']}"
    if isinstance(value, list) and use.part is not None:
        return ", ".join(map(str, value))
    return value


def _stands(found: Any, was: Any, use: Use) -> bool:
    if use.part is not None:
        return isinstance(found, str) and str(was) != "" and str(was) in found
    return bool(found == was)


def _holder(workflow: Json, use: Use, release: Json) -> Any:
    """The list or object that has the place; None where the way to it ends before."""
    holder: Any = workflow
    if use.node:
        wanted = next((n["id"] for n in release["nodes"] if n["name"] == use.node), None)
        nodes = [n for n in workflow["nodes"] if n.get("id") == wanted]
        nodes += [n for n in workflow["nodes"] if n.get("name") == use.node]
        if not nodes:
            return None
        holder = nodes[0]
    for step in use.path[:-1]:
        holder = _get(holder, step)
    return holder if isinstance(holder, dict | list) else None


def _get(holder: Any, step: str | int) -> Any:
    if isinstance(holder, dict):
        return holder.get(step)
    if isinstance(holder, list) and isinstance(step, int) and 0 <= step < len(holder):
        return holder[step]
    return None
