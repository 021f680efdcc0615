"""Which fields rules read, so that no more than these is handed to the engine.

Converting values is most of what a judgement costs. What is left out is what no rule names, so no
rule comes out otherwise; wherever the tree is not understood, all of it is kept.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from lark import Token

from controlplane.policies.grammar import Node, RuleInvalid, parse

ALL = True
Needed = Any
"""True for all there is, else by name what is needed below it."""

_Path = tuple[str, ...]
_MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})


@lru_cache(maxsize=4096)
def needed(expressions: tuple[str, ...]) -> Needed:
    """By these rules together; names of the tree are those of the facts, `params` among them."""
    tree: dict[str, Any] = {}
    for expression in expressions:
        try:
            paths = _Reader().paths(parse(expression))
        except (RuleInvalid, RecursionError):
            return ALL
        for path, is_whole in paths:
            _add(tree, path, is_whole)
    return tree


def only(value: Any, needs: Needed) -> Any:
    """The value without what is not needed of it. Lists keep their length."""
    if needs is ALL:
        return value
    if isinstance(value, Mapping):
        return {name: only(value[name], below) for name, below in needs.items() if name in value}
    if isinstance(value, list):
        return [only(element, needs) for element in value]
    return value


def _add(tree: dict[str, Any], path: _Path, is_whole: bool) -> None:
    *before, last = path
    for name in before:
        below = tree.setdefault(name, {})
        if below is ALL:
            return
        tree = below
    if is_whole:
        tree[last] = ALL
    else:
        tree.setdefault(last, {})


class _Reader:
    def __init__(self) -> None:
        self._found: list[tuple[_Path, bool]] = []

    def paths(self, tree: Node) -> list[tuple[_Path, bool]]:
        """Each with whether all below it is read, or only that it is there."""
        self._visit(tree, {})
        return self._found

    def _visit(self, tree: Node, names: Mapping[str, _Path | None]) -> None:
        if isinstance(tree, Token):
            return
        if (path := self._resolve(tree, names)) is not None:
            self._found.append((path, True))

    def _resolve(self, tree: Node, names: Mapping[str, _Path | None]) -> _Path | None:
        """Where in the facts this stands; None for what was computed, whose parts are noted."""
        if isinstance(tree, Token):
            return None
        children = tree.children
        if tree.data == "ident":
            name = str(children[0])
            return names.get(name, (name,))
        if tree.data == "member_dot":
            base = self._resolve(children[0], names)
            return None if base is None else (*base, str(children[1]))
        if tree.data == "member_index":
            self._visit(children[1], names)
            return self._resolve(children[0], names)
        if tree.data == "member_dot_arg":
            self._called(tree, names)
            return None
        if tree.data == "ident_arg" and str(children[0]) == "size":
            self._touch(children[1].children[0], names)
            return None
        if len(children) == 1 and not isinstance(children[0], Token):
            return self._resolve(children[0], names)
        for child in children:
            self._visit(child, names)
        return None

    def _called(self, tree: Node, names: Mapping[str, _Path | None]) -> None:
        base, name = tree.children[0], str(tree.children[1])
        arguments = list(tree.children[2].children) if len(tree.children) > 2 else []
        if name == "size" and not arguments:
            self._touch(base, names)
        elif name in _MACROS and len(arguments) > 1:
            elements = self._touch(base, names)
            if name == "filter" and elements is not None:
                self._found.append((elements, True))
            inner = {**names, _name_of(arguments[0]): elements}
            for argument in arguments[1:]:
                self._visit(argument, inner)
        else:
            self._visit(base, names)
            for argument in arguments:
                self._visit(argument, names)

    def _touch(self, tree: Node, names: Mapping[str, _Path | None]) -> _Path | None:
        path = self._resolve(tree, names)
        if path is not None:
            self._found.append((path, False))
        return path


def _name_of(tree: Node) -> str:
    while not isinstance(tree.children[0], Token):
        tree = tree.children[0]
    return str(tree.children[0])
