"""Where tenant and release changed the same thing, and what people decided about it."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from controlplane.workflow.canonical import fingerprint
from controlplane.workflow.shapes import MISSING

Kind = Literal["name", "node", "parameter", "connection", "setting"]
Choice = Literal["ours", "theirs", "value"]
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Conflict:
    """One thing that both sides changed, each in its own way.

    `base`, `ours` (the tenant's) and `theirs` (the release's) are JSON, or MISSING where it is not
    there: a parameter's value, a whole node, a node's name, or the list of targets of an output.
    """

    key: str
    """The same in every merge of this installation: kind, id of the node, path."""
    kind: Kind
    node: str
    """The node's name in the merged workflow; empty for a setting."""
    path: Path
    base: Any
    ours: Any
    theirs: Any
    choice: Choice | None = None
    """How it was settled; None while it is open."""

    def resolved(self, choice: Choice, *, value: Any = None, standing: bool = True) -> "Resolution":
        """The decision to keep for the next merge. `standing` holds for later releases too."""
        return Resolution(self.key, choice, value, standing, self.mark)

    @property
    def mark(self) -> str:
        """Tells whether the sides are still those that somebody decided about."""
        return fingerprint([_shown(self.ours), _shown(self.theirs)])


@dataclass(frozen=True)
class Resolution:
    """What somebody decided about a conflict; plain values, to be kept as JSON.

    A standing “ours” or “theirs” is applied again whenever the same thing is in conflict. A value,
    or a decision that does not stand, only while both sides are what they were.
    """

    key: str
    choice: Choice
    value: Any = None
    standing: bool = True
    mark: str = ""

    def fits(self, conflict: Conflict) -> bool:
        if self.standing and self.choice != "value":
            return True
        return self.mark == conflict.mark


@dataclass
class Decisions:
    """Settles conflicts by what was decided; open ones provisionally as the tenant has it."""

    known: dict[str, Resolution]
    open: list[Conflict] = field(default_factory=list)
    settled: list[Conflict] = field(default_factory=list)

    @classmethod
    def by(cls, resolutions: Iterable[Resolution]) -> "Decisions":
        return cls({resolution.key: resolution for resolution in resolutions})

    def settle(
        self, kind: Kind, *, node: str, node_id: str, path: Path, sides: tuple[Any, Any, Any]
    ) -> Any:
        """The value to go on with. `sides` are base, ours and theirs."""
        base, ours, theirs = sides
        pointer = "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in path)
        conflict = Conflict(f"{kind}:{node_id}:{pointer}", kind, node, path, base, ours, theirs)
        decided = self.known.get(conflict.key)
        if decided is None or not decided.fits(conflict):
            self.open.append(conflict)
            return ours
        self.settled.append(replace(conflict, choice=decided.choice))
        match decided.choice:
            case "ours":
                return ours
            case "theirs":
                return theirs
            case "value":
                return decided.value


def _shown(value: Any) -> Any:
    return {"missing": True} if value is MISSING else [value]
