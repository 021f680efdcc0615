"""The TypeScript of `n8n-nodes-pergola` that follows from the declared operations and events.

It is written from each input model's JSON Schema. n8n's linter reaches back into Python: what it
would refuse (a boolean not described with "Whether", say) is refused here, by the field's name.
"""

import json
from collections.abc import Iterable
from typing import Any, Protocol

from controlplane.nodes import choices, conventions
from controlplane.nodes.literals import Code, literal, quoted
from controlplane.nodes.operation import Operation

RESOURCES = "n8n-nodes/nodes/Pergola/resources"
EVENTS = "n8n-nodes/nodes/PergolaTrigger/events.ts"
LISTS = f"{RESOURCES}/lists.ts"

_ABBREVIATIONS = {"id": "ID", "url": "URL", "sku": "SKU", "api": "API", "json": "JSON"}
# n8n writes titles as the npm package `title-case` does: these stay small unless first or last.
_SMALL_WORDS = frozenset(
    "a,an,and,as,at,but,by,en,for,if,in,nor,of,on,or,per,the,to,v,via,vs".split(",")  # noqa: SIM905
)


class EventType(Protocol):
    """What is read of an event type: events live on a higher floor and are handed in."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def description(self) -> str: ...


def render(operations: Iterable[Operation], event_types: Iterable[EventType]) -> dict[str, str]:
    """Every generated TypeScript file, by its path from the repository's root."""
    by_resource: dict[str, list[Operation]] = {}
    for declared in sorted(operations, key=lambda each: each.key):
        by_resource.setdefault(declared.resource, []).append(declared)
    files = {EVENTS: _events_file(event_types)}
    files[f"{RESOURCES}/index.ts"] = _resources_file(list(by_resource))
    files[LISTS] = _lists_file(by_resource)
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
    constant = literal(
        {"show": {"resource": [declared.resource], "operation": [declared.name]}}, inline=True
    )
    operation = {
        "path": declared.path,
        "waits": declared.waits,
        **({"takesFile": True} if declared.takes_file else {}),
        **({"simplified": simplified} if (simplified := conventions.simplified(declared)) else {}),
        **({"nextPage": declared.pages} if declared.pages else {}),
        "properties": [
            *([conventions.FILE | {"displayOptions": Code(show)}] if declared.takes_file else []),
            *_properties(declared, display_options=Code(show)),
            *([conventions.simplify(declared)] if simplified else []),
        ],
    }
    shown = f"const {show} = {constant};\n\n" if operation["properties"] else ""
    return (
        _header(f"operation `{declared.key}`")
        + "import type { Operation } from '../../operation';\n\n"
        + shown
        + f"export const {name}: Operation = {literal(operation)};\n"
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
    table = {declared.name: Code(_identifier(declared.name)) for declared in members}
    spread = [Code(f"...{name}.properties") for name in names]
    prefix = _identifier(resource)
    return (
        _header(f"operations of `{resource}`")
        + "import type { INodeProperties } from 'n8n-workflow';\n\n"
        + "import type { Operation } from '../../operation';\n"
        + imports
        + f"\nexport const {prefix}Operations: Record<string, Operation> = {literal(table)};\n\n"
        + f"export const {prefix}Properties: INodeProperties[] = {literal([choice, *spread])};\n"
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
    table = {name: Code(f"{prefix}Operations") for name, prefix in prefixes.items()}
    spread = [Code(f"...{prefix}Properties") for prefix in prefixes.values()]
    return (
        _header("declared operations")
        + "import type { INodeProperties } from 'n8n-workflow';\n\n"
        + "import type { Operation } from '../operation';\n"
        + imports
        + "\nexport const operations: Record<string, Record<string, Operation>> = "
        + f"{literal(table)};\n\n"
        + f"export const properties: INodeProperties[] = {literal([choice, *spread])};\n"
    )


def _lists_file(by_resource: dict[str, list[Operation]]) -> str:
    """Every list that a field chooses from, each as a search for a resource locator."""
    used: set[str] = set().union(
        *(choices.lists_of(declared) for members in by_resource.values() for declared in members)
    )
    names = [quoted(name) for name in sorted(used)]
    return _header("lists that fields choose from") + (
        f"\nexport const lists = {literal([Code(name) for name in names])} as const;\n"
    )


def _events_file(event_types: Iterable[EventType]) -> str:
    options = [
        {"name": event.label, "value": event.name, "description": _sentence(event.description)}
        for event in sorted(event_types, key=lambda each: each.label)
    ]
    return (
        _header("event types")
        + "import type { INodePropertyOptions } from 'n8n-workflow';\n\n"
        + f"export const eventOptions: INodePropertyOptions[] = {literal(options)};\n"
    )


def _header(source: str) -> str:
    return f"// Generated by `make generate` from the {source}: do not edit.\n"


# Fields


def _properties(declared: Operation, *, display_options: Code) -> list[dict[str, Any]]:
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
        if declared.pages and name == "limit":
            alone += conventions.return_all(declared, prop)
            optional.append({**prop, "displayOptions": conventions.BEFORE_RETURN_ALL})
        elif is_required or field.get("n8n", {}).get("shown"):
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
    if hints.get("choices"):
        kind = "multiOptions" if resolved.get("type") == "array" else "resourceLocator"
    prop: dict[str, Any] = {
        "displayName": hints.get("label") or title_of(name),
        "name": name,
        "type": kind,
    }
    if required:
        prop["required"] = True
    if kind == "resourceLocator":
        return prop | _locator(where, field, hints)
    if kind == "multiOptions":
        return prop | _several(where, field, hints)
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


def _several(where: str, field: dict[str, Any], hints: dict[str, Any]) -> dict[str, Any]:
    """A list out of which several are ticked. n8n's linter wants both texts to end so."""
    chosen = choices.list_named(hints["choices"])
    text = _description(where, "multiOptions", field).rstrip(".")
    return {
        "displayName": f"{hints.get('label') or title_of(chosen.name)} Names or IDs",
        "typeOptions": {"loadOptionsMethod": chosen.name},
        "default": field.get("default") or [],
        "description": f"{text}. Choose from the list, or specify IDs using an "
        '<a href="https://docs.n8n.io/code/expressions/">expression</a>.',
    }


def _locator(where: str, field: dict[str, Any], hints: dict[str, Any]) -> dict[str, Any]:
    """A drop-down that searches, and a way to type what is in it.

    n8n says "By ID" of a mode that is called `id`, whatever its title.
    """
    chosen = choices.list_named(hints["choices"])
    default = field.get("default") or ""
    listed = {
        "displayName": "From List",
        "name": "list",
        "type": "list",
        "placeholder": f"Select {chosen.noun}...",
        "typeOptions": {"searchListMethod": chosen.name, "searchable": True},
    }
    typed = {
        "displayName": f"By {chosen.by}",
        "name": "id" if chosen.by == "ID" else "name",
        "type": "string",
    }
    return {
        "default": {"mode": "list", "value": default},
        "modes": [listed, typed],
        "description": _description(where, "resourceLocator", field),
    }


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
