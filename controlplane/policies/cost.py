"""A bound on what a rule can cost, before it ever runs.

The engine has no budget and cannot be interrupted, so the bound is computed from the parse tree
and the bounds of the context's lists. One unit is about a microsecond on a 2026 server core:

- each reference to a name copies its value in the engine, so `order` inside `order.lines.all(…)`
  costs the whole order once a line;
- `map` and `filter` copy the list that they build at every step;
- a pattern is compiled at every use;
- `+` makes a text as heavy as both together, so that doubling one again and again is seen.

The same walk knows which fields exist, so a misspelt field is found here rather than in an order.
"""

import re
from collections.abc import Mapping
from typing import Never

from lark import Token

from controlplane.policies.grammar import Node, RuleInvalid, parse
from controlplane.policies.shapes import ListOf, Open, Record, Scalar, Shape, heavier

HIGHEST_COST = 100_000
LONGEST_MILLISECONDS = 100
HEAVIEST_SUM = 256
LONGEST_PATTERN = 200

_COPY = 0.1
# Of a list that map and filter build: every step copies what there is, and that is allocated anew.
_BUILD = 0.25
_STEP = 2.0
_PATTERN, _PATTERN_THAT_REPEATS = 100.0, 20_000.0

_MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})
_CONVERSIONS = frozenset({"int", "string", "timestamp", "duration"})
_TEXT_TESTS = frozenset({"contains", "startsWith", "endsWith"})
_CALENDAR = frozenset({"getFullYear", "getMonth", "getDate", "getDayOfWeek", "getHours"})

_Names = Mapping[str, Shape]
_Measured = tuple[float, Shape]


class RuleTooCostly(RuleInvalid):
    code = "rule_too_costly"
    title = "The rule could take too long"

    def __init__(self, cost: float, *, measured: bool = False) -> None:
        self.cost = cost
        most = LONGEST_MILLISECONDS if measured else HIGHEST_COST // 1000
        could = "took" if measured else "could take"
        super().__init__(
            f"On the largest input this rule {could} about {cost / 1000:,.0f} ms; "
            f"{most} ms is the most. Do not go through a list inside another list, "
            "and inside all(), exists(), map() and filter() read only the element and params."
        )


def bound_of(expression: str, facts: Record) -> float:
    """The most that the rule can cost, in units. Raises RuleInvalid, RuleTooCostly."""
    tree = parse(expression)
    try:
        cost, _shape = _Walker().measure(tree, facts.fields)
    except RecursionError:
        raise RuleInvalid("The rule is nested too deeply. Split it into several rules.") from None
    if cost > HIGHEST_COST:
        raise RuleTooCostly(cost)
    return cost


def _refuse(detail: str, at: Node) -> Never:
    place = at if isinstance(at, Token) else at.meta
    raise RuleInvalid(
        detail, line=getattr(place, "line", 1) or 1, column=getattr(place, "column", 0) or 0
    )


class _Walker:
    """A method for each form of the grammar that does something; others are passed through."""

    def measure(self, tree: Node, names: _Names) -> _Measured:
        method = getattr(self, f"_{tree.data}", self._layer)
        measured: _Measured = method(tree, names)
        return measured

    def _layer(self, tree: Node, names: _Names) -> _Measured:
        """A level of precedence: with one child nothing happens, with two an operator applies."""
        if len(tree.children) == 1:
            return self.measure(tree.children[0], names)
        return 1 + sum(self.measure(child, names)[0] for child in tree.children), Scalar()

    def _unary_not(self, tree: Node, names: _Names) -> _Measured:
        return 1, Scalar()

    _unary_neg = _unary_not

    def _expr(self, tree: Node, names: _Names) -> _Measured:
        if len(tree.children) == 1:
            return self.measure(tree.children[0], names)
        measured = [self.measure(child, names) for child in tree.children]
        return 1 + sum(cost for cost, _shape in measured), heavier(measured[1][1], measured[2][1])

    def _relation(self, tree: Node, names: _Names) -> _Measured:
        if len(tree.children) == 1:
            return self.measure(tree.children[0], names)
        (left, one), (right, other) = (self.measure(child, names) for child in tree.children)
        return 1 + left + right + _COPY * (one.weight + other.weight), Scalar()

    def _addition(self, tree: Node, names: _Names) -> _Measured:
        if len(tree.children) == 1:
            return self.measure(tree.children[0], names)
        (left, one), (right, other) = (self.measure(child, names) for child in tree.children)
        cost = 1 + left + right + _COPY * (one.weight + other.weight)
        if isinstance(one, ListOf) and isinstance(other, ListOf):
            return cost, ListOf(one.bound + other.bound, heavier(one.element, other.element))
        weight = one.weight + other.weight
        if weight > HEAVIEST_SUM:
            _refuse("Too much is put together by + here. Compare the parts one by one.", tree)
        if isinstance(one, Scalar) and isinstance(other, Scalar):
            return cost, Scalar(weight)
        return cost, Open(weight)

    def _literal(self, tree: Node, names: _Names) -> _Measured:
        token = tree.children[0]
        if token.type == "FLOAT_LIT":
            _refuse(
                "Amounts are whole minor units here (1250 for 12.50), so that none is rounded.",
                token,
            )
        return 1, Scalar()

    def _ident(self, tree: Node, names: _Names) -> _Measured:
        token = tree.children[0]
        if token not in names:
            known = ", ".join(sorted(names))
            _refuse(f"“{token}” is not known here. Known names: {known}.", token)
        shape = names[token]
        return 1 + _COPY * shape.weight, shape

    def _list_lit(self, tree: Node, names: _Names) -> _Measured:
        items = [self.measure(item, names) for item in _arguments(tree.children[0:])]
        element: Shape = Scalar()
        for _cost, shape in items:
            element = shape if element == Scalar() else heavier(element, shape)
        return 1 + sum(cost for cost, _shape in items), ListOf(len(items), element)

    def _member_dot(self, tree: Node, names: _Names) -> _Measured:
        base, name = tree.children
        cost, shape = self.measure(base, names)
        if isinstance(shape, Open) or (isinstance(shape, Record) and shape.is_open):
            known = shape.fields.get(name) if isinstance(shape, Record) else None
            return cost + 1, known or Open()
        if not isinstance(shape, Record):
            _refuse(f"There is no field “{name}”: what stands before it is not a record.", name)
        if name not in shape.fields:
            _refuse(f"There is no field “{name}”. Known: {', '.join(sorted(shape.fields))}.", name)
        return cost + 1, shape.fields[name]

    def _member_index(self, tree: Node, names: _Names) -> _Measured:
        (cost, shape), (index, _shape) = (self.measure(child, names) for child in tree.children)
        if isinstance(shape, ListOf):
            return cost + index + 1, shape.element
        if isinstance(shape, Open):
            return cost + index + 1, Open()
        _refuse("Only lists are read by […]; write a field as record.field.", tree)

    def _member_dot_arg(self, tree: Node, names: _Names) -> _Measured:
        base, name = tree.children[0], tree.children[1]
        arguments = _arguments(tree.children[2:])
        if name in _MACROS:
            return self._macro(base, name, arguments, names)
        if name == "size" and not arguments:
            return self._size(base, names)
        cost = self.measure(base, names)[0] + 1
        if name == "matches" and len(arguments) == 1:
            return cost + _pattern_cost(arguments[0], name), Scalar()
        if (name in _TEXT_TESTS and len(arguments) == 1) or name in _CALENDAR:
            return cost + sum(self.measure(item, names)[0] for item in arguments), Scalar()
        _refuse(f"“{name}” is not a function of rules, or not with these arguments.", name)

    def _ident_arg(self, tree: Node, names: _Names) -> _Measured:
        name, arguments = tree.children[0], _arguments(tree.children[1:])
        if len(arguments) == 1:
            if name == "size":
                return self._size(arguments[0], names)
            if name == "has" or name in _CONVERSIONS:
                cost, shape = self.measure(arguments[0], names)
                return cost + 1, Scalar(shape.weight)
        _refuse(f"“{name}” is not a function of rules, or not with these arguments.", name)

    def _size(self, tree: Node, names: _Names) -> _Measured:
        """Of lists only: the engine counts the bytes of a text where CEL counts characters."""
        cost, shape = self.measure(tree, names)
        if not isinstance(shape, ListOf):
            _refuse(
                "size() counts lists only. To see whether a text is empty, write x == ''.", tree
            )
        return cost + 1, Scalar()

    def _macro(self, base: Node, name: Token, arguments: list[Node], names: _Names) -> _Measured:
        cost, shape = self.measure(base, names)
        if not isinstance(shape, ListOf):
            _refuse(f"{name}() goes through lists only, and here is none of known length.", name)
        if len(arguments) not in ((2, 3) if name == "map" else (2,)):
            _refuse(f"{name}() takes a name for the element and what to do with it.", name)
        variable = _lone_name(arguments[0])
        inner = {**names, variable: shape.element}
        measured = [self.measure(argument, inner) for argument in arguments[1:]]
        body, n = sum(cost for cost, _shape in measured), shape.bound
        element = _COPY * shape.element.weight
        cost += n * (_STEP + element + body)
        if name in {"map", "filter"}:
            built = measured[-1][1] if name == "map" else shape.element
            return cost + n * n / 2 * _BUILD * built.weight, ListOf(n, built)
        return cost, Scalar()

    def _outside(self, tree: Node, names: _Names) -> _Measured:
        _refuse("Rules may not build maps or objects, nor begin a name with a dot.", tree)

    _map_lit = _member_object = _dot_ident = _dot_ident_arg = _outside


def _arguments(children: list[Node]) -> list[Node]:
    return list(children[0].children) if children else []


def _only_leaf(tree: Node) -> Node:
    """Down through levels that hold a single thing."""
    while len(tree.children) == 1 and not isinstance(tree.children[0], Token):
        tree = tree.children[0]
    return tree


def _lone_name(tree: Node) -> str:
    leaf = _only_leaf(tree)
    if leaf.data != "ident":
        _refuse(
            "Here stands the name for an element, for example all(line, line.quantity > 0).", leaf
        )
    return str(leaf.children[0])


def _pattern_cost(tree: Node, at: Token) -> float:
    leaf = _only_leaf(tree)
    if leaf.data != "literal" or leaf.children[0].type != "STRING_LIT":
        _refuse("matches() takes its pattern as a text in quotes.", at)
    pattern = str(leaf.children[0])[1:-1]
    if len(pattern) > LONGEST_PATTERN:
        _refuse(f"A pattern has at most {LONGEST_PATTERN} characters.", at)
    try:
        re.compile(pattern)
    except re.error as error:
        _refuse(f"The pattern cannot be read: {error}.", at)
    return _PATTERN_THAT_REPEATS if "{" in pattern else _PATTERN + len(pattern)
