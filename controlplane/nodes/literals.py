"""TypeScript's literals, laid out as prettier leaves them."""

import json
from dataclasses import dataclass
from typing import Any

_LINE_WIDTH = 100
_TAB_WIDTH = 2


@dataclass(frozen=True)
class Code:
    """TypeScript that is not a literal, such as the name of a constant."""

    text: str


def literal(value: Any, *, depth: int = 0, inline: bool = False, before: int = 30) -> str:
    """`before` is how much stands before it on its line, tabs aside."""
    tabs = "\t" * (depth + 1)
    match value:
        case Code():
            return value.text
        case dict() if value and (inline or _is_plain(value)):
            inner = ", ".join(f"{_key(k)}: {literal(v, inline=True)}" for k, v in value.items())
            return f"{{ {inner} }}"
        case dict() if value:
            lines = [_member(k, v, depth + 1) for k, v in value.items()]
            return "{\n" + "".join(f"{tabs}{line},\n" for line in lines) + "\t" * depth + "}"
        case list() if value:
            flat = "[" + ", ".join(literal(v, inline=True) for v in value) + "]"
            plain = not any(isinstance(v, dict) for v in value)
            if inline or (plain and depth * _TAB_WIDTH + before + len(flat) < _LINE_WIDTH):
                return flat
            items = [literal(v, depth=depth + 1) for v in value]
            return "[\n" + "".join(f"{tabs}{item},\n" for item in items) + "\t" * depth + "]"
        case str():
            return quoted(value)
        case _:
            return json.dumps(value)


def _member(name: str, value: Any, depth: int) -> str:
    """A long text goes to a line of its own, as prettier breaks an assignment."""
    text = literal(value, depth=depth, before=len(_key(name)) + 2)
    if isinstance(value, Code) and text == name:
        return name
    line = f"{_key(name)}: {text}"
    too_wide = depth * _TAB_WIDTH + len(line) + 1 > _LINE_WIDTH
    if isinstance(value, str) and too_wide:
        return f"{_key(name)}:\n" + "\t" * (depth + 1) + text
    return line


def _is_plain(value: dict[str, Any]) -> bool:
    """Short enough to be read on one line: `{ show: { resource: ['order'] } }`."""
    if "@version" in value.get("show", ()):
        return False
    return set(value) in ({"show"}, {"rows"}, {"minValue", "maxValue"}, {"minValue"}, {"maxValue"})


def _key(name: str) -> str:
    return name if name.isidentifier() else quoted(name)


def quoted(text: str) -> str:
    body = text.replace("\\", "\\\\").replace("\n", "\\n")
    if "'" in body and '"' not in body:
        return f'"{body}"'
    return "'" + body.replace("'", "\\'") + "'"
