"""What people write of a draft, its parameters among it: each of them whole, in their order."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from controlplane.catalog import releases
from controlplane.catalog.checks import ReleaseInvalid
from controlplane.catalog.manifest import ParameterSpec
from controlplane.catalog.models import Release
from controlplane.catalog.parameters import unfit_default
from controlplane.catalog.places import standing
from controlplane.core.actor import Actor
from controlplane.core.errors import FieldError
from controlplane.workflow.shapes import Json

MOST = 100


def write_draft(
    *,
    release_id: uuid.UUID,
    by: Actor,
    parameters: Sequence[Mapping[str, Any]] | None = None,
    **given: Any,
) -> Release:
    """Of `summary`, `events`, `scopes`, `readme`, `notes` and `cases`, those that are given.

    `parameters` are all that it asks for, each as in a manifest. One without `uses` keeps the
    places of that which is called `was`, else `name`. Raises ReleaseUnknown, ReleaseFrozen, and
    ReleaseInvalid with the fields at fault, as in `parameters.2.default`.
    """
    release = releases.get_release(release_id)
    terms: dict[str, Any] = {
        name: given.pop(name) for name in ("summary", "events", "scopes") if name in given
    }
    if parameters is not None:
        terms["parameters"] = _shaped(release, parameters)
    if terms:
        given["manifest"] = release.terms.model_copy(update=terms)
    return releases.change_draft(release_id=release_id, by=by, **given)


def _shaped(release: Release, parameters: Sequence[Mapping[str, Any]]) -> list[ParameterSpec]:
    """Raises ReleaseInvalid."""
    errors: list[FieldError] = []
    if len(parameters) > MOST:
        errors.append(FieldError("parameters", f"has more than {MOST}"))
    places = {spec.name: spec.uses for spec in release.terms.parameters}
    specs: list[ParameterSpec] = []
    for number, given in enumerate(parameters[:MOST]):
        spec, wrong = _spec(given, places)
        wrong += _unfit(spec, release.workflow) if spec is not None else []
        if spec is not None and spec.name in {each.name for each in specs}:
            wrong.append(FieldError("name", "is the name of another one"))
        specs += [spec] if spec is not None else []
        errors += [FieldError(f"parameters.{number}.{f.field}", f.message) for f in wrong]
    if errors:
        told = "; ".join(f"{fault.field} {fault.message}" for fault in errors)
        raise ReleaseInvalid(f"Correct and send again: {told}.", errors=tuple(errors))
    return specs


def _spec(
    given: Mapping[str, Any], places: Mapping[str, list[Any]]
) -> tuple[ParameterSpec | None, list[FieldError]]:
    known = dict(given)
    was = str(known.pop("was", "") or known.get("name"))
    known.setdefault("uses", places.get(was, []))
    try:
        return ParameterSpec.model_validate(known), []
    except ValidationError as error:
        return None, [_fault(each) for each in error.errors()]


def _fault(found: Any) -> FieldError:
    """Of the whole row it is said at the name; a sentence of ours begins with the name already."""
    field = ".".join(map(str, found["loc"])) or "name"
    message = str(found["msg"]).removeprefix("Value error, ")
    return FieldError(field, message)


def _unfit(spec: ParameterSpec, workflow: Json) -> list[FieldError]:
    found = []
    if told := unfit_default(spec):
        found.append(FieldError("default", told))
    for use in spec.uses:
        if use.part is not None:
            continue
        is_rule = isinstance(standing(workflow, use), dict)
        if is_rule != (spec.type == "schedule"):
            told = "stays a schedule" if is_rule else "can be no schedule"
            found.append(FieldError("type", f"{told}: that is what node {use.node!r} reads there"))
    return found
