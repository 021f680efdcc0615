"""Who does something: a person, a machine with a key, or Pergola itself."""

import uuid
from dataclasses import dataclass, field
from enum import StrEnum


class ActorKind(StrEnum):
    MEMBER = "member"
    MACHINE = "machine"
    SYSTEM = "system"


@dataclass(frozen=True)
class Execution:
    """The n8n execution, node and item on whose behalf a machine calls."""

    workflow_id: str
    execution_id: str
    node: str
    item: str = "0:0"

    @property
    def idempotency_key(self) -> str:
        """The key of a call that brought none: one effect per execution, node, run and item."""
        return f"n8n:{self.workflow_id}:{self.execution_id}:{self.node}:{self.item}"


@dataclass(frozen=True)
class Actor:
    """Passed as `by=` to every service; its label is what the audit shows.

    `scopes` say what it may do: a machine's come from its key, a member's from the role.
    """

    kind: ActorKind
    id: str
    label: str
    scopes: frozenset[str] = field(default_factory=frozenset)
    installation_id: uuid.UUID | None = None
    execution: Execution | None = None


def system(label: str) -> Actor:
    """Pergola acting on its own: `label` names the job, for example "relay"."""
    return Actor(kind=ActorKind.SYSTEM, id=label, label=f"Pergola ({label})")
