"""Connections, grouped by the place where two edits of them would meet.

An output of a node is such a place: what it leads to is re-wired there. For the parts of an AI
agent it is the input (its model, its memory), since each model is a source of its own. Outputs of
a Switch are told apart by their rule and not by their number: a rule put in before another one
moves it to the next output, and its edges go with it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from controlplane.workflow.shapes import MAIN, Edge, Json, edges
from controlplane.workflow.values import key_function

_RULES = {
    "n8n-nodes-base.switch": (("rules", "values"), ("rules", "rules")),
    "@n8n/n8n-nodes-langchain.textClassifier": (("categories", "categories"),),
}
TAKES_ONE = {
    "ai_languageModel", "ai_memory", "ai_outputParser", "ai_embedding", "ai_textSplitter",
    "ai_vectorStore", "ai_retriever", "ai_reranker", "ai_document",
}  # fmt: skip
"""Inputs that n8n lets one node feed."""


class Wire(NamedTuple):
    """An edge whose output is a token: a number, or the key of a Switch's rule."""

    source: str
    kind: str
    token: str
    target: str
    input: str
    slot: int


class Port(NamedTuple):
    """`node` and `kind` say where; `at` which output or input, `*` for all of them at once."""

    node: str
    kind: str
    at: str


Ports = dict[Port, list[Wire]]


def rules_of(node: Json) -> list[Any] | None:
    """The list whose items are the outputs of a node, one each; None for most nodes."""
    for outer, inner in _RULES.get(node["type"], ()):
        holder = node["parameters"].get(outer)
        if isinstance(holder, dict) and isinstance(holder.get(inner), list):
            return list(holder[inner])
    return None


class Tokens:
    """Output numbers to tokens and back, for copies under the same names."""

    def __init__(self, *copies: Json) -> None:
        self._keys: list[dict[str, list[str]]] = [{} for _copy in copies]
        self._key_of: dict[str, Callable[[Json], str]] = {}
        self.unclear: set[str] = set()
        """Nodes whose outputs cannot be told apart while their number changed."""
        for name, rules in _all_rules(copies).items():
            self._learn(name, rules)

    def _learn(self, name: str, lists: dict[int, list[Any]]) -> None:
        key_of = key_function(*lists.values())
        if key_of is not None:
            self._key_of[name] = key_of
            for copy, rules in lists.items():
                self._keys[copy][name] = [key_of(rule) for rule in rules]
        elif len({len(rules) for rules in lists.values()}) > 1:
            self.unclear.add(name)

    def ports(self, copy: int, workflow: Json) -> Ports:
        found: Ports = {}
        for edge in edges(workflow):
            wire = self.wire(copy, edge)
            found.setdefault(self.port(wire), []).append(wire)
        return found

    def wire(self, copy: int, edge: Edge) -> Wire:
        token = str(edge.output)
        if edge.kind == MAIN:
            token = self._token(copy, edge.source, edge.output)
        return Wire(edge.source, edge.kind, token, edge.target, edge.input, edge.slot)

    def port(self, wire: Wire) -> Port:
        if wire.kind != MAIN:
            return Port(wire.target, wire.input, f"in {wire.slot}")
        return Port(wire.source, wire.kind, "*" if wire.source in self.unclear else wire.token)

    def _token(self, copy: int, name: str, output: int) -> str:
        keys = self._keys[copy].get(name)
        if keys is None:
            return str(output)
        return keys[output] if output < len(keys) else f"+{output - len(keys)}"

    def numbers(self, node: Json) -> dict[str, int] | None:
        """For a merged node: which output each token is; None where tokens are numbers."""
        key_of = self._key_of.get(node["name"])
        if key_of is None:
            return None
        rules = enumerate(rules_of(node) or ())
        return {key_of(rule): number for number, rule in rules if isinstance(rule, dict)}


def _all_rules(copies: tuple[Json, ...]) -> dict[str, dict[int, list[Any]]]:
    """For each node that has rules: its rules in each copy, by the copy's number."""
    found: dict[str, dict[int, list[Any]]] = {}
    for number, copy in enumerate(copies):
        for node in copy["nodes"]:
            if (rules := rules_of(node)) is not None:
                found.setdefault(node["name"], {})[number] = rules
    return found


def written(wires: list[Wire], nodes: dict[str, Json], tokens: Tokens) -> tuple[Json, list[Wire]]:
    """n8n's `connections` of the wires, and the wires that lead nowhere now."""
    numbers = {name: tokens.numbers(node) for name, node in nodes.items()}
    connections: Json = {}
    lost = []
    for wire in dict.fromkeys(wires):
        output = _number(wire, numbers.get(wire.source), nodes)
        if output is None or wire.source not in nodes or wire.target not in nodes:
            lost.append(wire)
            continue
        outputs = connections.setdefault(wire.source, {}).setdefault(wire.kind, [])
        while len(outputs) <= output:
            outputs.append([])
        outputs[output].append({"node": wire.target, "type": wire.input, "index": wire.slot})
    return connections, lost


def _number(wire: Wire, numbers: dict[str, int] | None, nodes: dict[str, Json]) -> int | None:
    if wire.kind == MAIN and numbers is not None:
        if wire.token in numbers:
            return numbers[wire.token]
        if wire.token.startswith("+") and wire.token[1:].isdecimal():
            return len(rules_of(nodes[wire.source]) or ()) + int(wire.token[1:])
    return int(wire.token) if wire.token.isdecimal() else None
