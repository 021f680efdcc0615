"""Values of parameters that stand in the workflow: found there, put there, and put in again.

A value is exchanged only where the one that Pergola wrote still stands: what somebody edited in
n8n stays, and is told.
"""

from typing import Any, NamedTuple

from controlplane.catalog.manifest import Manifest, ParameterSpec, Use
from controlplane.workflow.parts import exchanged as inside
from controlplane.workflow.parts import stands
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
    parts: dict[tuple[Any, ...], list[_Part]] = {}
    for spec in manifest.parameters:
        for use in spec.uses:
            was = written(spec, use, before.get(spec.name), release)
            now = written(spec, use, after.get(spec.name), release)
            if use.part is not None:
                place = (use.node, *use.path)
                parts.setdefault(place, []).append(_Part(use, use.part, str(was), str(now)))
            elif was != now:
                holder = _holder(copy, use, release)
                if holder is None or _get(holder, use.path[-1]) != was:
                    left.append(use)
                else:
                    holder[use.path[-1]] = now
    for in_one_text in parts.values():
        left += _exchange_parts(copy, release, in_one_text)
    return copy, left


class _Part(NamedTuple):
    use: Use
    first: str
    """What stands there in the release."""
    was: str
    now: str


def _exchange_parts(copy: Json, release: Json, parts: list[_Part]) -> list[Use]:
    """Of one text, in place. Gives the places that were left alone."""
    if all(part.was == part.now for part in parts):
        return []
    use = parts[0].use
    holder = _holder(copy, use, release)
    found = None if holder is None else _get(holder, use.path[-1])
    if not isinstance(found, str):
        return [part.use for part in parts if part.was != part.now]
    first = standing(release, use)
    if isinstance(first, str) and found == inside(first, [(p.first, p.was) for p in parts]):
        # As Pergola wrote it: also two parameters of one value are told apart.
        holder[use.path[-1]] = inside(first, [(p.first, p.now) for p in parts])
        return []
    changed = [part for part in parts if part.was != part.now]
    standing_ones = [part for part in changed if stands(found, part.was)]
    holder[use.path[-1]] = inside(found, [(part.was, part.now) for part in standing_ones])
    return [part.use for part in changed if part not in standing_ones]


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
