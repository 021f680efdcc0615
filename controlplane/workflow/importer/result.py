"""What comes of an import."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from controlplane.workflow.findings import Mend, Note
from controlplane.workflow.naming import renamed_ends
from controlplane.workflow.parts import exchanged
from controlplane.workflow.shapes import MISSING, Edge, Json, copied

Path = tuple[str | int, ...]
RemovalKind = Literal[
    "credential", "instance", "webhook", "pinned", "version", "owner", "state", "personal",
    "secret", "subworkflow", "table", "cached",
]  # fmt: skip
ProposalType = Literal["text", "number", "schedule"]
Format = Literal["", "url", "email", "id", "timezone"]


@dataclass(frozen=True)
class Removal:
    """Something of the exporter's that is not in the workflow any more, or stands in for it."""

    kind: RemovalKind
    node: str
    path: Path
    """From the workflow's root; nodes by their number."""
    was: Any = field(repr=False)
    """Never to be kept or shown: it may be a secret."""
    now: Any = MISSING
    within: tuple["Removal", ...] = ()
    """What was removed from a workflow that is written down as text there; paths are in that."""

    @property
    def field(self) -> str:
        """Where it was, for people: within the node, or in the workflow."""
        steps = self.path[2:] if self.path[0] == "nodes" else self.path
        return ".".join(str(step) for step in steps)

    def all(self) -> Iterator["Removal"]:
        """This one and those within."""
        yield self
        for inner in self.within:
            yield from inner.all()


@dataclass(frozen=True)
class Use:
    """A place that holds a value: the whole value there, or a part of the text."""

    node: str
    path: Path
    """Within the workflow, nodes by their number."""
    whole: bool = True


@dataclass(frozen=True)
class Proposal:
    """A hard-coded value that every tenant would want to choose; one for equal values."""

    name: str
    """Fit to be a parameter's name in a manifest, unique in the workflow."""
    type: ProposalType
    format: Format
    label: str
    default: Any
    """The value as it stood; None where it was personal or a secret, and is gone."""
    value: Any
    """What stands at the uses now."""
    uses: tuple[Use, ...]


@dataclass(frozen=True)
class ConnectionNeed:
    """A credential type that somebody has to connect, and the nodes that use it."""

    type: str
    label: str
    nodes: tuple[str, ...]


@dataclass(frozen=True)
class PackageNeed:
    """A package of nodes; `built_in` ones come with n8n."""

    name: str
    built_in: bool
    types: tuple[str, ...]


@dataclass(frozen=True)
class Imported:
    workflow: Json
    """Clean and sound: no credentials, ids of an instance, pinned data or personal data."""
    removals: tuple[Removal, ...]
    proposals: tuple[Proposal, ...]
    connections: tuple[ConnectionNeed, ...]
    packages: tuple[PackageNeed, ...]
    not_carried: tuple[Note, ...]
    """What will not work elsewhere as it did, and why."""
    notes: tuple[Note, ...]
    """What reading put right."""
    loose: tuple[Edge, ...] = ()
    mended: tuple[Mend, ...] = ()
    """What stood in the nodes where reading put something right."""

    def restored(self) -> Json:
        """The export as it was read, with everything that was removed: for checks, not to keep."""
        workflow: Json = copied(self.workflow)
        for removal in reversed(self.removals):
            *steps, last = removal.path
            holder: Any = workflow
            for step in steps:
                holder = holder[step]
            holder[last] = copied(removal.was)
        self._unmend(workflow)
        for edge in self.loose:
            outputs = workflow["connections"].setdefault(edge.source, {}).setdefault(edge.kind, [])
            while len(outputs) <= edge.output:
                outputs.append([])
            outputs[edge.output] = [
                *(outputs[edge.output] or []),
                {"node": edge.target, "type": edge.input, "index": edge.slot},
            ]
        return workflow

    def _unmend(self, workflow: Json) -> None:
        """A node that had another's name was called by its id, as it is again."""
        called: dict[str, str] = {}
        for mend in self.mended:
            _nodes, number, key = mend.path
            node = workflow["nodes"][number]
            if key == "name" and str(mend.was) != node["name"]:
                called[node["name"]] = node["id"]
            if mend.was is MISSING:
                node.pop(key, None)
            else:
                node[key] = copied(mend.was)
        if called:
            workflow["connections"] = renamed_ends(workflow["connections"], called)


def with_values(workflow: Json, chosen: dict[str, tuple[Proposal, str]]) -> Json:
    """A copy in which proposals became parameters: each is given with the expression to put there.

    The expression is what stands between the braces, as in `$('Start').item.json.limit`.
    """
    copy: Json = copied(workflow)
    for proposal, expression in chosen.values():
        for use in proposal.uses:
            *steps, last = use.path
            holder: Any = copy
            for step in steps:
                holder = holder[step]
            wrapped = f"{{{{ {expression} }}}}"
            if use.whole:
                holder[last] = f"={wrapped}"
            else:
                text = exchanged(holder[last], [(str(proposal.value), wrapped)])
                holder[last] = text if text.startswith("=") else f"={text}"
    return copy
