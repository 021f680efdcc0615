"""A manifest's parameters as JSON Schema: what the API takes for an installation."""

from typing import Any

from controlplane.catalog.manifest import Manifest, ParameterSpec

_MONEY = {
    "type": "object",
    "properties": {
        "amount": {"type": "string", "pattern": r"^\d{1,15}(\.\d+)?$", "examples": ["500.00"]},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217"},
    },
    "required": ["amount", "currency"],
    "additionalProperties": False,
}
_REFERENCES = {
    "connection": "The key of one of the tenant's connections",
    "approver_group": "The short name of one of the tenant's approver groups",
    "policy": "The short name of one of the tenant's policies",
}


def parameters_schema(manifest: Manifest) -> dict[str, Any]:
    """JSON Schema 2020-12 of the object `parameters`.

    `x-changeable` says whether the tenant may change the value later, `x-type` the kind of input,
    `x-connection-kinds` which connections fit.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {spec.name: _property(spec) for spec in manifest.parameters},
        "required": [
            spec.name for spec in manifest.parameters if spec.required and spec.default is None
        ],
        "additionalProperties": False,
    }


def _property(spec: ParameterSpec) -> dict[str, Any]:
    found: dict[str, Any] = {
        "title": spec.label, **_kind(spec), "x-type": spec.type, "x-changeable": spec.changeable,
    }  # fmt: skip
    if told := ". ".join(filter(None, (spec.help, _REFERENCES.get(spec.type, "")))):
        found["description"] = told
    if spec.connection_kinds:
        found["x-connection-kinds"] = spec.connection_kinds
    if spec.default is not None:
        found["default"] = spec.default
    return found


def _kind(spec: ParameterSpec) -> dict[str, Any]:
    bounds = {"minimum": spec.minimum, "maximum": spec.maximum}
    known = {name: bound for name, bound in bounds.items() if bound is not None}
    match spec.type:
        case "integer":
            return {"type": "integer", **known}
        case "number":
            return {"type": ["number", "string"], **known, "examples": ["2.5"]}
        case "percent":
            return {"type": "string", "pattern": r"^\d+(\.\d{1,2})?$", "examples": ["2.5"]}
        case "boolean":
            return {"type": "boolean"}
        case "money":
            return dict(_MONEY)
        case "choice":
            return {"enum": list(spec.choices)}
        case "countries":
            code = {"type": "string", "pattern": "^[A-Z]{2}$"}
            return {"type": "array", "items": code, "maxItems": 250}
        case "list":
            entry = {"enum": list(spec.choices)} if spec.choices else {"type": "string"}
            return {"type": "array", "items": entry, "maxItems": 250}
        case "schedule":
            return {"type": "string", "examples": ["0 8 * * 1-5"], "maxLength": 100}
        case _:
            return {"type": "string", "minLength": int(spec.required), "maxLength": 500}
