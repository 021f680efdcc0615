"""Differences and conflicts in sentences. The English texts are the keys of their translations."""

import difflib
import json
import re
from collections.abc import Callable
from typing import Any

from controlplane.workflow.conflicts import Conflict, Path
from controlplane.workflow.differences import Change
from controlplane.workflow.shapes import MISSING

Translate = Callable[[str], str]
LONGEST = 80
SENTENCES = {
    "node_added": "“{node}” was added.",
    "node_removed": "“{node}” was removed.",
    "node_renamed": "“{before}” is called “{after}” now.",
    "node_retyped": "“{node}” became another kind of node: {before} → {after}.",
    "node_updated": "“{node}” went from version {before} of its kind to {after}.",
    "node_moved": "“{node}” was moved.",
    "node_disabled": "“{node}” was switched off.",
    "node_enabled": "“{node}” was switched on.",
    "note_added": "The note “{node}” was added.",
    "note_removed": "The note “{node}” was removed.",
    "note_changed": "The note “{node}” was changed.",
    "parameter_added": "“{node}”: {path} was set to {after}.",
    "parameter_removed": "“{node}”: {path} was removed; it was {before}.",
    "parameter_changed": "“{node}”: {path} was changed from {before} to {after}.",
    "code_changed": "“{node}”: {path} was changed: {more} more and {less} fewer lines.",
    "option_changed": "“{node}”: the setting {path} was changed from {before} to {after}.",
    "connection_added": "“{node}” leads to “{after}” now{output}.",
    "connection_removed": "“{node}” does not lead to “{before}” any more{output}.",
    "connection_rewired": "“{node}” leads to “{after}” instead of “{before}”{output}.",
    "setting_changed": "The workflow’s setting {path} was changed from {before} to {after}.",
    "output": ", from output {number}",
    "rule": ", from a rule",
    "as": " as its {role}",
    "nothing": "nothing",
    "conflict_name": "Both renamed “{base}”: you to “{ours}”, the release to “{theirs}”.",
    "conflict_node_dropped": "The release drops “{node}”, which you changed.",
    "conflict_node_edited": "The release changes “{node}”, which you removed.",
    "conflict_parameter": (
        "“{node}”: {path} was {base}; you made it {ours}, the release makes it {theirs}."
    ),
    "conflict_retyped": (
        "“{node}” is another kind of node on one side, and was edited on the other."
    ),
    "conflict_connection": (
        "“{node}” is wired anew on both sides: by you to {ours}, by the release to {theirs}."
    ),
    "conflict_setting": (
        "The workflow’s setting {path} was {base}; you made it {ours}, the release makes it "
        "{theirs}."
    ),
}
_ROLES = {"ai_languageModel": "model", "ai_tool": "tool", "ai_memory": "memory",
          "ai_outputParser": "output parser", "ai_embedding": "embedding",
          "ai_vectorStore": "vector store", "ai_document": "document", "ai_textSplitter":
          "text splitter", "ai_retriever": "retriever"}  # fmt: skip


def sentence(change: Change, translate: Translate = str) -> str:
    """One change in one sentence, plain text: escape it as any other."""
    values: dict[str, Any] = {"node": change.node, "path": label(change.path)}
    key: str = change.kind
    if key.startswith("connection_"):
        values |= {"before": change.before, "after": change.after}
        values["output"] = _output(change.path, translate)
    elif key == "parameter_changed" and _is_long(change.before) and _is_long(change.after):
        key = "code_changed"
        values |= _lines(change.before, change.after)
    elif key in ("node_renamed", "node_retyped", "node_updated"):
        values |= {"before": change.before, "after": change.after}
    else:
        values["before"] = shown(change.before, translate)
        values["after"] = shown(change.after, translate)
    return translate(SENTENCES[key]).format_map(values)


def conflict_sentence(conflict: Conflict, translate: Translate = str) -> str:
    """A conflict in one sentence that says “you” to the tenant."""
    key = f"conflict_{conflict.kind}"
    values: dict[str, Any] = {"node": conflict.node, "path": label(conflict.path)}
    if conflict.kind == "node":
        key += "_dropped" if conflict.theirs is MISSING else "_edited"
    elif conflict.kind == "parameter" and not conflict.path:
        key = "conflict_retyped"
    sides = {"base": conflict.base, "ours": conflict.ours, "theirs": conflict.theirs}
    for side, value in sides.items():
        if conflict.kind == "name":
            values[side] = value
        elif conflict.kind == "connection":
            values[side] = _targets(value, translate)
        else:
            values[side] = shown(value, translate)
    return translate(SENTENCES[key]).format_map(values)


def label(path: Path) -> str:
    """`("parameters", "options", "maxTokens")` → “options › max tokens”."""
    steps = [step for step in path if step not in ("parameters", "values", "__rl", "value")]
    return " › ".join(_step(step) for step in steps or path)


def shown(value: Any, translate: Translate = str) -> str:
    """A value as people read it, in quotes where it is text, cut at 80 characters."""
    if value is MISSING or value is None or value == "":
        return translate(SENTENCES["nothing"])
    if isinstance(value, dict) and value.get("__rl") is True:
        value = value.get("cachedResultName") or value.get("value")
    if isinstance(value, str):
        return f"“{_cut(value)}”"
    return _cut(json.dumps(value, ensure_ascii=False))


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return str(step + 1)
    if step.startswith("[") and "=" in step:
        return _cut(step[1:-1].split("=", 1)[1])
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|_", " ", step)
    return _cut(" ".join(w if w.isupper() else w.lower() for w in words.split()) or step)


def _output(path: Path, translate: Translate) -> str:
    kind, at = str(path[0]), str(path[1]) if len(path) > 1 else "0"
    if kind != "main":
        return translate(SENTENCES["as"]).format(role=translate(_ROLES.get(kind, kind)))
    if at == "0":
        return ""
    if at.lstrip("+").isdecimal():
        number = int(at.lstrip("+")) + 1
        return translate(SENTENCES["output"]).format(number=number)
    return translate(SENTENCES["rule"])


def _targets(value: Any, translate: Translate) -> str:
    names = [f"“{t['node']}”" for t in value if isinstance(t, dict)] if (
        isinstance(value, list)) else []  # fmt: skip
    return ", ".join(names) or translate(SENTENCES["nothing"])


def _is_long(value: Any) -> bool:
    return isinstance(value, str) and "\n" in value


def _lines(before: str, after: str) -> dict[str, int]:
    if len(before) + len(after) > 200_000:
        more = after.count("\n") - before.count("\n")
        return {"more": max(more, 0), "less": max(-more, 0)}
    old, new = before.splitlines()[:2_000], after.splitlines()[:2_000]
    found = difflib.SequenceMatcher(None, old, new, autojunk=True).get_opcodes()
    return {
        "more": sum(j2 - j1 for tag, _i1, _i2, j1, j2 in found if tag != "equal"),
        "less": sum(i2 - i1 for tag, i1, i2, _j1, _j2 in found if tag != "equal"),
    }


def _cut(text: str) -> str:
    text = " ".join(text[: LONGEST * 4].split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
