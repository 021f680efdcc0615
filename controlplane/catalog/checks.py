"""Whether manifest, workflow and cases make a release, with the field and the node at fault."""

from typing import Any

from controlplane.catalog.manifest import FAILED_RUN, Case, Manifest
from controlplane.catalog.parameters import ParametersInvalid, filled, unfit_default
from controlplane.catalog.places import standing
from controlplane.catalog.workflow import OURS, faults, handles_errors
from controlplane.connections.kinds import KindUnknown, fitting
from controlplane.core.errors import DomainError, FieldError
from controlplane.events.types import EVENT_TYPES
from controlplane.nodes.registry import all_operations
from controlplane.workflow.shapes import Json

# Of ours the longest list has ten.
MOST_CASES = 30


class ReleaseInvalid(DomainError):
    """`errors` names each field, as in `workflow.nodes.3.type`; the message names the node."""

    code = "release_invalid"
    status = 422
    title = "The release is not valid"


def release_faults(
    manifest: Manifest, workflow: Json, cases: dict[str, Case], *, is_ours: bool
) -> list[FieldError]:
    """Empty for a good release. `is_ours`: it is the platform's, see `workflow.faults`."""
    found = [
        FieldError(f"workflow.{fault.field}", fault.message)
        for fault in faults(workflow, is_ours=is_ours)
    ]
    found += _manifest_faults(manifest, needs_pergola=is_ours or _has_ours(workflow))
    if not found:
        found += _uses_faults(manifest, workflow)
    starts = {*manifest.events, *([FAILED_RUN] if handles_errors(workflow) else [])}
    return found + _case_faults(manifest, cases, starts)


def require_valid(
    manifest: Manifest, workflow: Json, cases: dict[str, Case], *, is_ours: bool, what: str
) -> None:
    """Raises ReleaseInvalid with every fault found."""
    if found := release_faults(manifest, workflow, cases, is_ours=is_ours):
        told = "; ".join(fault.message for fault in found)
        raise ReleaseInvalid(f"{what}: {told}.", errors=tuple(found))


def _has_ours(workflow: Json) -> bool:
    nodes: Any = workflow.get("nodes") or []
    return any(str(node.get("type", "")).startswith(OURS) for node in nodes)


def _manifest_faults(manifest: Manifest, *, needs_pergola: bool) -> list[FieldError]:
    known_scopes = {operation.scope for operation in all_operations()} | {"events:subscribe"}
    found = [
        FieldError(f"manifest.parameters.{spec.name}.default", told)
        for spec in manifest.parameters
        if (told := unfit_default(spec))
    ]
    found += [
        FieldError(
            f"manifest.parameters.{spec.name}.connection_kinds",
            f"parameter {spec.name!r} takes {kind!r}, which is no kind of connection",
        )
        for spec in manifest.parameters
        for kind in spec.connection_kinds
        if not _is_kind(kind)
    ]
    if needs_pergola and not manifest.scopes:
        found.append(
            FieldError("manifest.scopes", "its Pergola nodes need scopes, and it has none")
        )
    found += [
        FieldError("manifest.events", f"event {name!r} is not known")
        for name in manifest.events
        if name not in EVENT_TYPES
    ]
    found += [
        FieldError("manifest.scopes", f"scope {s!r} belongs to no operation")
        for s in manifest.scopes
        if s not in known_scopes
    ]
    return found


def _is_kind(name: str) -> bool:
    try:
        return bool(fitting([name]))
    except KindUnknown:
        return False


def _uses_faults(manifest: Manifest, workflow: Json) -> list[FieldError]:
    return [
        FieldError(
            f"manifest.parameters.{spec.name}.uses.{number}",
            f"parameter {spec.name!r} is to stand in node {use.node!r} at "
            f"{'.'.join(map(str, use.path))}, where there is nothing",
        )
        for spec in manifest.parameters
        for number, use in enumerate(spec.uses)
        if standing(workflow, use) is None
    ]


def _case_faults(manifest: Manifest, cases: dict[str, Case], starts: set[str]) -> list[FieldError]:
    found = []
    if len(cases) > MOST_CASES:
        told = f"has {len(cases)} cases; {MOST_CASES} are the most, since each one is a run of n8n"
        found.append(FieldError("cases", told))
    for name, case in cases.items():
        if case.event.type not in starts:
            told = f"case {name!r} brings {case.event.type!r}, which it does not listen to"
            found.append(FieldError(f"cases.{name}.event.type", told))
        try:
            filled(manifest, case.parameters)
        except ParametersInvalid as error:
            found.append(FieldError(f"cases.{name}.parameters", f"case {name!r}: {error.detail}"))
    return found
