"""What a workflow is made of: n8n's JSON as plain dicts and lists, and the edges in it.

A *sound* workflow, as `reading.read` gives it, keeps these promises: `nodes` is a list of dicts
with a unique text `name`, a unique text `id`, a text `type`, a dict `parameters` and a `position`
of two numbers; `connections` maps names to kinds to lists of outputs, each a list of targets.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

Json = dict[str, Any]

STICKY: Final = "n8n-nodes-base.stickyNote"
MAIN: Final = "main"


class Missing:
    """The value of a key that is not there, since `None` is a value of its own."""

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing()


class Edge(NamedTuple):
    """One connection: output `output` of `source` to input `slot` of `target`.

    `kind` is what leaves the source (`main`, `ai_tool` …), `input` what the target takes it as;
    the two differ in no workflow that n8n draws, but its format allows it.
    """

    source: str
    kind: str
    output: int
    target: str
    input: str = MAIN
    slot: int = 0


def edges(workflow: Json) -> Iterator[Edge]:
    """Every connection of a sound workflow, in the order in which n8n follows them."""
    for source, kinds in workflow["connections"].items():
        for kind, outputs in kinds.items():
            for number, targets in enumerate(outputs):
                for target in targets or ():
                    yield Edge(
                        source,
                        kind,
                        number,
                        target["node"],
                        target.get("type", kind),
                        target.get("index", 0),
                    )


def by_name(workflow: Json) -> dict[str, Json]:
    """The nodes of a sound workflow by their names, in their order."""
    return {node["name"]: node for node in workflow["nodes"]}


def is_sticky(node: Json) -> bool:
    return bool(node["type"] == STICKY)


def copied(value: Any) -> Any:
    """A copy of JSON that shares no list or dict with it; several times as fast as `deepcopy`."""
    if isinstance(value, dict):
        return {key: copied(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [copied(inner) for inner in value]
    return value


class Names:
    """Names that are taken, and free ones beside them as n8n's editor counts: Set, Set1, Set2."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = set(taken)
        self._counted: dict[str, int] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._taken

    def take(self, wanted: str) -> str:
        """`wanted` if it is free, or with the next free number; it is taken from then on."""
        name, number = wanted, self._counted.get(wanted, 0)
        while name in self._taken:
            number += 1
            name = f"{wanted}{number}"
        self._counted[wanted] = number
        self._taken.add(name)
        return name
