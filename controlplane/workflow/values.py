"""Three-way merge of JSON values by path: what a parameter, a setting or a field becomes."""

from collections.abc import Callable
from typing import Any

from controlplane.workflow.conflicts import Path
from controlplane.workflow.shapes import MISSING, Json

Settle = Callable[[Path, Any, Any, Any], Any]
"""Gets the path, base, ours and theirs of a conflict; gives the value to go on with."""
_KEYS = ("id", "key", "name", "outputKey")


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1, as it is in Python; 1 and 1.0 are one number."""
    if one is other:
        return True
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same(value, other[key]) for key, value in one.items())
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def merge_value(path: Path, base: Any, ours: Any, theirs: Any, settle: Settle) -> Any:
    """The merged value, or MISSING where it is gone. Each may be MISSING.

    Objects are merged key by key. Lists are merged item by item where the items have an id or a
    name of their own, or where no list is longer than another; else a list is one value.
    """
    if same(theirs, base) or same(ours, theirs):
        return ours
    if same(ours, base):
        return theirs
    if isinstance(ours, dict) and isinstance(theirs, dict):
        start = base if isinstance(base, dict) else {}
        return merge_object(path, start, ours, theirs, settle)
    if isinstance(ours, list) and isinstance(theirs, list):
        first: list[Any] = base if isinstance(base, list) else []
        if (keys := list_keys(first, ours, theirs)) is not None:
            return _merge_keyed(path, (first, ours, theirs), keys, settle)
        if len(first) == len(ours) == len(theirs):
            return [
                merge_value((*path, number), *items, settle)
                for number, items in enumerate(zip(first, ours, theirs, strict=True))
            ]
    return settle(path, base, ours, theirs)


def merge_object(path: Path, base: Json, ours: Json, theirs: Json, settle: Settle) -> Json:
    """Key by key, in the tenant's order, what the release added after it."""
    merged = {}
    for key in (*ours, *(key for key in theirs if key not in ours)):
        value = merge_value(
            (*path, key),
            base.get(key, MISSING),
            ours.get(key, MISSING),
            theirs.get(key, MISSING),
            settle,
        )
        if value is not MISSING:
            merged[key] = value
    return merged


def list_keys(*lists: list[Any]) -> tuple[list[str], ...] | None:
    """For each list the key of each item, if all items of all lists have one; else None."""
    key_of = key_function(*lists)
    return None if key_of is None else tuple([key_of(item) for item in items] for items in lists)


def key_function(*lists: list[Any]) -> Callable[[Json], str] | None:
    """What tells the items of each list apart and finds them again in the others, if anything."""
    if not any(lists) or not all(isinstance(item, dict) for items in lists for item in items):
        return None
    for key_of in _KEY_FUNCTIONS:
        found = [[key_of(item) for item in items] for items in lists]
        if all("" not in keys and len(set(keys)) == len(keys) for keys in found):
            return key_of
    return None


def _field(name: str) -> Callable[[Json], str]:
    def key_of(item: Json) -> str:
        value = item.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return f"{name}={value}"
        return ""

    return key_of


def _condition(rule: Json) -> str:
    """Rules of a Switch have no id, but their first condition has."""
    conditions = rule.get("conditions")
    inner = conditions.get("conditions") if isinstance(conditions, dict) else None
    first = inner[0] if isinstance(inner, list) and inner else None
    given = first.get("id") if isinstance(first, dict) else None
    return f"condition={given}" if isinstance(given, str) and given else ""


_KEY_FUNCTIONS = (*(_field(name) for name in _KEYS), _condition)


def _merge_keyed(
    path: Path,
    sides: tuple[list[Any], list[Any], list[Any]],
    keys: tuple[list[str], ...],
    settle: Settle,
) -> Any:
    base, ours, theirs = (
        dict(zip(names, items, strict=True)) for names, items in zip(keys, sides, strict=True)
    )
    order = _order(*keys)
    if order is None:
        return settle(path, *sides)
    merged = []
    for key in order:
        item = merge_value(
            (*path, f"[{key}]"),
            base.get(key, MISSING),
            ours.get(key, MISSING),
            theirs.get(key, MISSING),
            settle,
        )
        if item is not MISSING:
            merged.append(item)
    return merged


def _order(base: list[str], ours: list[str], theirs: list[str]) -> list[str] | None:
    """One order for all keys of both sides; None where both changed the order differently."""
    common = set(base) & set(ours) & set(theirs)
    was, mine, new = ([k for k in keys if k in common] for keys in (base, ours, theirs))
    if new in (was, mine):
        first, second = ours, theirs
    elif mine == was:
        first, second = theirs, ours
    else:
        return None
    order, before = list(first), None
    known = set(first)
    for key in second:
        if key not in known:
            order.insert(order.index(before) + 1 if before is not None else 0, key)
            known.add(key)
        before = key
    return order
