"""Names of nodes, and everything that refers to them: connections, expressions, code, pinned data.

n8n's expressions name other nodes in four ways: `$('Name')`, `$node["Name"]`, `$node.Name` and
`$items("Name")`; Python code writes an underscore for the dollar. All of it is JavaScript, with
blanks, comments, `?.` and escapes where people put some. A renamed node keeps all of them.
"""

import re
from collections.abc import Mapping
from typing import Any
from unicodedata import category

from controlplane.workflow.shapes import Json, edges

# No comment in a gap has in it what another reference may begin with: no character is then looked
# at for more than one of them, and hostile text costs no more than its length.
_BEGINS = r"(?<![\w$])[$_](?=[\s/(]|items|node)"
_GAP = rf"(?:\s++|/\*(?:(?!{_BEGINS})[^*]|\*(?!/))*+\*/)*+"
_MARKS = "".join(c for c in map(chr, range(0x300, 0x10000)) if category(c) in ("Mn", "Mc", "Pc"))
"""What goes on with a name in JavaScript, and is no letter: the vowels of Hindi, for one."""
_REFERENCE = re.compile(
    rf"""
    (?<![\w$]) (?P<head> [$_] (?: (?:{_GAP} | items{_GAP}(?:\?\.)?{_GAP}) \( {_GAP}
                               | node{_GAP}(?:\?\.)?{_GAP} \[ {_GAP} ) )
      (?P<q>["'`]) (?P<name>(?:\\.|(?!(?P=q))[^\\])*+) (?P=q)
    | (?<![\w$]) (?P<root>[$_]node{_GAP}) (?P<dot>\??\.{_GAP})
      (?P<plain>(?:[^\W\d]|\$)[\w${_MARKS}]*)
    """,
    re.S | re.X,
)
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*\Z", re.A)
_ESCAPED = re.compile(
    r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|u\{([0-9a-f]{1,6})\}|(\r\n|.))", re.S | re.I
)
_FLOW = "workflowJson"
_LETTERS = {
    "n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0",
    "\n": "", "\r": "", "\r\n": "", "\u2028": "", "\u2029": "",
}  # fmt: skip


def referenced(value: Any) -> set[str]:
    """The names of nodes that expressions and code anywhere in a JSON value refer to."""
    found: set[str] = set()
    _collect(value, found)
    return found


def renamed(workflow: Json, names: Mapping[str, str]) -> Json:
    """A sound workflow with nodes renamed, all at once, and whatever refers to them.

    `names` maps old names to new ones; swapping two is fine. Shares unchanged values with
    `workflow`. The new names have to be unique, which is the caller's part.
    """
    changed = {old: new for old, new in names.items() if old != new}
    if not changed:
        return workflow
    result = dict(workflow)
    result["nodes"] = [
        {
            **node,
            "name": changed.get(node["name"], node["name"]),
            "parameters": rewritten(node["parameters"], changed),
        }
        for node in workflow["nodes"]
    ]
    result["connections"] = renamed_ends(workflow["connections"], changed)
    if isinstance(pinned := workflow.get("pinData"), dict):
        result["pinData"] = {changed.get(name, name): data for name, data in pinned.items()}
    return result


def renamed_ends(connections: Json, names: Mapping[str, str]) -> Json:
    """A sound workflow's connections with other names at both ends."""
    return {
        names.get(source, source): {
            kind: [_retargeted(targets, names) for targets in outputs]
            for kind, outputs in kinds.items()
        }
        for source, kinds in connections.items()
    }


def rewritten(value: Any, names: Mapping[str, str]) -> Any:
    """A JSON value in which expressions call the nodes by their new names."""
    if isinstance(value, str):
        return _rewritten_text(value, names)
    if isinstance(value, dict):
        return {
            key: inner if key == _FLOW and _is_another(inner) else rewritten(inner, names)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [rewritten(inner, names) for inner in value]
    return value


def dangling(workflow: Json) -> list[str]:
    """Names at either end of an edge that no node has; empty for a sound workflow."""
    names = {node["name"] for node in workflow["nodes"]}
    ends = {end for edge in edges(workflow) for end in (edge.source, edge.target)}
    return sorted(ends - names)


def _retargeted(targets: list[Json] | None, names: Mapping[str, str]) -> list[Json] | None:
    if targets is None:
        return None
    return [{**t, "node": names.get(t["node"], t["node"])} for t in targets]


def _is_another(value: Any) -> bool:
    """A workflow of its own that stands in a parameter as text: it names its own nodes."""
    return isinstance(value, str) and not value.startswith("=")


def _may_refer(text: str) -> bool:
    return "$" in text or "_node" in text or "_(" in text or "_ (" in text or "_items" in text


def _collect(value: Any, found: set[str]) -> None:
    if isinstance(value, str):
        if _may_refer(value):
            found |= {_name_in(match) for match in _REFERENCE.finditer(value)}
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key != _FLOW or not _is_another(inner):
                _collect(inner, found)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, found)


def _name_in(match: re.Match[str]) -> str:
    plain: str | None = match["plain"]
    return plain if plain is not None else _unescaped(match["name"])


def _rewritten_text(text: str, names: Mapping[str, str]) -> str:
    if not _may_refer(text):
        return text

    def replace(match: re.Match[str]) -> str:
        new = names.get(_name_in(match))
        if new is None:
            return match[0]
        if match["plain"] is None:
            quote = match["q"]
            return f"{match['head']}{quote}{_escaped(new, quote)}{quote}"
        if _IDENTIFIER.match(new):
            return f"{match['root']}{match['dot']}{new}"
        dot = "?." if match["dot"].startswith("?") else ""
        return f'{match["root"]}{dot}["{_escaped(new, chr(34))}"]'

    return _REFERENCE.sub(replace, text)


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    plain = _ESCAPED.sub(_character, text)
    # What lies beyond the first 65,536 characters is written as two halves.
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _character(match: re.Match[str]) -> str:
    digits = match[1] or match[2] or match[3]
    if digits is None:
        return _LETTERS.get(match[4], match[4])
    code = int(digits, 16)
    return chr(code) if code <= 0x10FFFF else match[0]


def _escaped(text: str, quote: str) -> str:
    text = text.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    if quote == "`":
        text = text.replace("${", "\\${")
    return text.replace("\n", "\\n").replace("\r", "\\r")
