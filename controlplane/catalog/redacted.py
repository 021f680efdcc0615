"""Production's parameters as a sandbox may have them: nothing that a person typed, and no system of
production's.

Numbers, money, choices, countries and schedules go along as they are. A text is the sandbox's own,
else the template's, else a made-up one. A connection, group of approvers or policy is the sandbox's
own: the one that is called as production's, else what its installation has already.
"""

from collections.abc import Mapping
from typing import Any

from controlplane.catalog.choices import ROWS, choices_for, choices_of
from controlplane.catalog.manifest import Manifest, ParameterSpec
from controlplane.catalog.parameters import ParametersInvalid
from controlplane.core.errors import FieldError
from tenants.environments.pseudonyms import Pseudonyms

Values = Mapping[str, Any]
TYPED = {"text", "list"}


def names_of(manifest: Manifest, values: Values) -> dict[str, str]:
    """What people call the rows that the values name, by parameter. Called inside production."""
    return {
        spec.name: label
        for spec in manifest.parameters
        if spec.type in ROWS and spec.name in values
        for key, label in choices_of(spec.type)
        if key == values[spec.name]
    }


def for_sandbox(
    manifest: Manifest, values: Values, *, named: Mapping[str, str], own: Values
) -> dict[str, Any]:
    """Called inside the sandbox, with `names_of` the values and what its installation has.

    Raises ParametersInvalid where it lacks a row that the template cannot do without.
    """
    made_up = Pseudonyms()
    found, errors = dict[str, Any](), list[FieldError]()
    for spec in manifest.parameters:
        if spec.name not in values:
            continue
        if spec.type in TYPED:
            found[spec.name] = _typed(spec, values[spec.name], own, made_up)
        elif spec.type not in ROWS:
            found[spec.name] = values[spec.name]
        elif key := _row(spec, values[spec.name], named.get(spec.name, ""), own):
            found[spec.name] = key
        elif spec.required:
            called = named.get(spec.name) or values[spec.name]
            told = f"names “{called}”, which the sandbox lacks; make one of that name there"
            errors.append(FieldError(spec.name, told))
    if errors:
        named_ones = "; ".join(f"{error.field} {error.message}" for error in errors)
        raise ParametersInvalid(f"Try again after this: {named_ones}.", errors=tuple(errors))
    return found


def _row(spec: ParameterSpec, key: str, label: str, own: Values) -> str:
    """Its key in the sandbox; empty where there is none."""
    here = choices_for(spec)
    keys = {known for known, _label in here}
    alike = [known for known, called in here if label and called.casefold() == label.casefold()]
    for wanted in (key, *alike, own.get(spec.name, "")):
        if wanted in keys:
            return str(wanted)
    return ""


def _typed(spec: ParameterSpec, value: Any, own: Values, made_up: Pseudonyms) -> Any:
    if value == spec.default or (isinstance(value, list) and set(value) <= set(spec.choices)):
        return value
    if spec.name in own:
        return own[spec.name]
    if spec.default is not None:
        return spec.default
    if isinstance(value, list):
        return [_made_up(entry, made_up) for entry in value]
    return _made_up(value, made_up)


def _made_up(text: str, made_up: Pseudonyms) -> str:
    if "@" in text:
        return made_up.email(text)
    return made_up.text(text) if " " in text.strip() else made_up.id(text)
