"""The TypeScript of `n8n-nodes-pergola` that follows from the declared operations and events.

It is written from each input model's JSON Schema. n8n's linter reaches back into Python: what it
would refuse (a boolean not described with "Whether", say) is refused here, by the field's name.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from controlplane.nodes.operation import Operation

RESOURCES = "n8n-nodes/nodes/Pergola/resources"
EVENTS = "n8n-nodes/nodes/PergolaTrigger/events.ts"

_ABBREVIATIONS = {"id": "ID", "url": "URL", "sku": "SKU", "api": "API", "json": "JSON"}
# n8n writes titles as the npm package `title-case` does: these stay small unless first or last.
_SMALL_WORDS = frozenset(
    "a,an,and,as,at,but,by,en,for,if,in,nor,of,on,or,per,the,to,v,via,vs".split(",")  # noqa: SIM905
)
_LINE_WIDTH = 100
_TAB_WIDTH = 2


class EventType(Protocol):
    """What is read of an event type: events live on a higher floor and are handed in."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def description(self) -> str: ...


@dataclass(frozen=True)
class _Code:
    """TypeScript that is not a literal, such as the name of a constant."""

    text: str


def render(operations: Iterable[Operation], event_types: Iterable[EventType]) -> dict[str, str]:
    """Every generated TypeScript file, by its path from the repository's root."""
    by_resource: dict[str, list[Operation]] = {}
    for declared in sorted(operations, key=lambda each: each.key):
        by_resource.setdefault(declared.resource, []).append(declared)
    files = {EVENTS: _events_file(event_types)}
    files[f"{RESOURCES}/index.ts"] = _resources_file(list(by_resource))
    for resource, members in by_resource.items():
        files[f"{RESOURCES}/{resource}/index.ts"] = _resource_file(resource, members)
        for declared in members:
            path = f"{RESOURCES}/{resource}/{_identifier(declared.name)}.ts"
            files[path] = _operation_file(declared)
    return files


def title_of(name: str) -> str:
    """`expires_in_hours` → "Expires in Hours", `event_id` → "Event ID"."""
    words = name.replace(".", "_").split("_")
    return " ".join(
        _ABBREVIATIONS.get(word)
        or (word if word in _SMALL_WORDS and 0 < at < len(words) - 1 else word.capitalize())
        for at, word in enumerate(words)
    )


# Files


def _operation_file(declared: Operation) -> str:
    name = _identifier(declared.name)
    show = f"showOnlyFor{name[0].upper()}{name[1:]}"
    constant = _literal(
        {"show": {"resource": [declared.resource], "operation": [declared.name]}}, inline=True
    )
    operation = {
        "path": declared.path,
        "waits": declared.waits,
        "properties": _properties(declared, display_options=_Code(show)),
    }
    shown = f"const {show} = {constant};\n\n" if operation["properties"] else ""
    return (
        _header(f"operation `{declared.key}`")
        + "import type { Operation } from '../../operation';\n\n"
        + shown
        + f"export const {name}: Operation = {_literal(operation)};\n"
    )


def _resource_file(resource: str, members: list[Operation]) -> str:
    choice = {
        "displayName": "Operation",
        "name": "operation",
        "type": "options",
        "noDataExpression": True,
        "displayOptions": {"show": {"resource": [resource]}},
        "options": [
            {
                "name": declared.title,
                "value": declared.name,
                "action": _sentence(declared.action),
                "description": _sentence(declared.description),
            }
            for declared in sorted(members, key=lambda each: each.title)
        ],
        "default": min(members, key=lambda each: each.title).name,
    }
    names = [_identifier(declared.name) for declared in members]
    imports = "".join(f"import {{ {name} }} from './{name}';\n" for name in names)
    table = {declared.name: _Code(_identifier(declared.name)) for declared in members}
    spread = [_Code(f"...{name}.properties") for name in names]
    prefix = _identifier(resource)
    return (
        _header(f"operations of `{resource}`")
        + "import type { INodeProperties } from 'n8n-workflow';\n\n"
        + "import type { Operation } from '../../operation';\n"
        + imports
        + f"\nexport const {prefix}Operations: Record<string, Operation> = {_literal(table)};\n\n"
        + f"export const {prefix}Properties: INodeProperties[] = {_literal([choice, *spread])};\n"
    )


def _resources_file(resources: list[str]) -> str:
    choice = {
        "displayName": "Resource",
        "name": "resource",
        "type": "options",
        "noDataExpression": True,
        "options": [{"name": title_of(name), "value": name} for name in resources],
        "default": resources[0] if resources else "",
    }
    prefixes = {name: _identifier(name) for name in resources}
    imports = "".join(
        f"import {{ {prefix}Operations, {prefix}Properties }} from './{name}';\n"
        for name, prefix in prefixes.items()
    )
    table = {name: _Code(f"{prefix}Operations") for name, prefix in prefixes.items()}
    spread = [_Code(f"...{prefix}Properties") for prefix in prefixes.values()]
    return (
        _header("declared operations")
        + "import type { INodeProperties } from 'n8n-workflow';\n\n"
        + "import type { Operation } from '../operation';\n"
        + imports
        + "\nexport const operations: Record<string, Record<string, Operation>> = "
        + f"{_literal(table)};\n\n"
        + f"export const properties: INodeProperties[] = {_literal([choice, *spread])};\n"
    )


def _events_file(event_types: Iterable[EventType]) -> str:
    options = [
        {"name": event.label, "value": event.name, "description": _sentence(event.description)}
        for event in sorted(event_types, key=lambda each: each.label)
    ]
    return (
        _header("event types")
        + "import type { INodePropertyOptions } from 'n8n-workflow';\n\n"
        + f"export const eventOptions: INodePropertyOptions[] = {_literal(options)};\n"
    )


def _header(source: str) -> str:
    return f"// Generated by `make generate` from the {source}: do not edit.\n"


# Fields


def _properties(declared: Operation, *, display_options: _Code) -> list[dict[str, Any]]:
    """Required fields stand alone; optional ones gather in "Additional Fields", as n8n has it.

    An optional field that nearly every workflow fills is hinted `shown` and stands alone too.
    """
    schema = declared.input_model.model_json_schema()
    alone: list[dict[str, Any]] = []
    optional: list[dict[str, Any]] = []
    for name, field in schema.get("properties", {}).items():
        if field.get("n8n", {}).get("hidden"):
            continue
        is_required = name in schema.get("required", ())
        prop = _property(f"{declared.key}.{name}", name, field, schema, required=is_required)
        if is_required or field.get("n8n", {}).get("shown"):
            alone.append({**prop, "displayOptions": display_options})
        else:
            optional.append(prop)
    if optional:
        alone.append(
            {
                "displayName": "Additional Fields",
                "name": "additionalFields",
                "type": "collection",
                "placeholder": "Add Field",
                "default": {},
                "displayOptions": display_options,
                "options": sorted(optional, key=lambda each: str(each["displayName"])),
            }
        )
    return alone


def _property(
    where: str, name: str, field: dict[str, Any], schema: dict[str, Any], *, required: bool
) -> dict[str, Any]:
    hints = field.get("n8n", {})
    resolved = _resolve(field, schema)
    kind = _kind(resolved)
    prop: dict[str, Any] = {
        "displayName": hints.get("label") or title_of(name),
        "name": name,
        "type": kind,
    }
    if required:
        prop["required"] = True
    if type_options := _type_options(kind, resolved, hints):
        prop["typeOptions"] = type_options
    if kind == "options":
        values = resolved.get("enum", [resolved.get("const")])
        choices = [{"name": title_of(str(value)), "value": value} for value in values]
        prop["options"] = sorted(choices, key=lambda each: str(each["name"]))
    prop["default"] = _default(kind, field, resolved, hints)
    if "placeholder" in hints:
        prop["placeholder"] = hints["placeholder"]
    prop["description"] = _description(where, kind, field)
    return prop


def _resolve(field: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of the value itself: references followed, `None` of optional fields left out."""
    if "$ref" in field:
        target = schema["$defs"][field["$ref"].rsplit("/", 1)[-1]]
        return _resolve({**target, **{k: v for k, v in field.items() if k != "$ref"}}, schema)
    variants = [each for each in field.get("anyOf", ()) if each.get("type") != "null"]
    if not variants:
        return field
    # Pydantic describes a Decimal as "number or string"; n8n has a number for it.
    chosen = next((each for each in variants if each.get("type") == "number"), variants[0])
    mixed = len(variants) > 1 and chosen.get("type") != "number"
    return {"type": "object"} if mixed else _resolve(chosen, schema)


def _kind(resolved: dict[str, Any]) -> str:
    if "enum" in resolved or "const" in resolved:
        return "options"
    if resolved.get("type") == "string":
        return "dateTime" if resolved.get("format") in ("date-time", "date") else "string"
    kinds = {"boolean": "boolean", "integer": "number", "number": "number"}
    return kinds.get(str(resolved.get("type")), "json")


def _type_options(kind: str, resolved: dict[str, Any], hints: dict[str, Any]) -> dict[str, Any]:
    if kind == "number":
        bounds = {"minValue": resolved.get("minimum"), "maxValue": resolved.get("maximum")}
        return {name: bound for name, bound in bounds.items() if bound is not None}
    if kind == "string" and hints.get("secret"):
        return {"password": True}
    return {"rows": 4} if kind == "string" and hints.get("multiline") else {}


def _default(
    kind: str, field: dict[str, Any], resolved: dict[str, Any], hints: dict[str, Any]
) -> Any:  # whatever JSON can hold
    if "default" in hints:
        return hints["default"]
    default = field.get("default")
    if kind == "json":
        empty: Any = [] if resolved.get("type") == "array" else {}
        return json.dumps(empty if default is None else default)
    if default is not None:
        return default
    if kind == "options":
        return resolved.get("enum", [resolved.get("const")])[0]
    return {"boolean": False, "number": resolved.get("minimum", 0)}.get(kind, "")


def _description(where: str, kind: str, field: dict[str, Any]) -> str:
    text = _sentence(str(field.get("description", "")))
    if kind == "boolean" and not text.startswith("Whether"):
        raise ValueError(f'{where}: n8n wants the description of a boolean to begin with "Whether"')
    return text


def _sentence(text: str) -> str:
    """n8n ends a single sentence without a period and several with one."""
    text = " ".join(text.split())
    return text.rstrip(".") if ". " not in text else f"{text.rstrip('.')}."


def _identifier(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


# Literals, laid out as prettier leaves them


def _literal(value: Any, *, depth: int = 0, inline: bool = False) -> str:
    tabs = "\t" * (depth + 1)
    match value:
        case _Code():
            return value.text
        case dict() if value and (inline or _is_plain(value)):
            inner = ", ".join(f"{_key(k)}: {_literal(v, inline=True)}" for k, v in value.items())
            return f"{{ {inner} }}"
        case dict() if value:
            lines = [_member(k, v, depth + 1) for k, v in value.items()]
            return "{\n" + "".join(f"{tabs}{line},\n" for line in lines) + "\t" * depth + "}"
        case list() if value:
            flat = "[" + ", ".join(_literal(v, inline=True) for v in value) + "]"
            plain = not any(isinstance(v, dict) for v in value)
            if inline or (plain and len(flat) + (depth + 1) * _TAB_WIDTH < _LINE_WIDTH - 20):
                return flat
            items = [_literal(v, depth=depth + 1) for v in value]
            return "[\n" + "".join(f"{tabs}{item},\n" for item in items) + "\t" * depth + "]"
        case str():
            return _quoted(value)
        case _:
            return json.dumps(value)


def _member(name: str, value: Any, depth: int) -> str:
    """A long text goes to a line of its own, as prettier breaks an assignment."""
    text = _literal(value, depth=depth)
    if isinstance(value, _Code) and text == name:
        return name
    line = f"{_key(name)}: {text}"
    too_wide = depth * _TAB_WIDTH + len(line) + 1 > _LINE_WIDTH
    if isinstance(value, str) and too_wide:
        return f"{_key(name)}:\n" + "\t" * (depth + 1) + text
    return line


def _is_plain(value: dict[str, Any]) -> bool:
    """Short enough to be read on one line: `{ show: { resource: ['order'] } }`."""
    return set(value) in ({"show"}, {"rows"}, {"minValue", "maxValue"}, {"minValue"}, {"maxValue"})


def _key(name: str) -> str:
    return name if name.isidentifier() else _quoted(name)


def _quoted(text: str) -> str:
    body = text.replace("\\", "\\\\").replace("\n", "\\n")
    if "'" in body and '"' not in body:
        return f'"{body}"'
    return "'" + body.replace("'", "\\'") + "'"
