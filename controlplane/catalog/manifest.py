"""`template.yaml`: what a template is called, what it asks for, and what it needs."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SLUG = r"^[a-z]+(-[a-z0-9]+)+$"
SEMVER = r"^\d+\.\d+\.\d+$"
Kind = Literal[
    "text", "integer", "number", "percent", "money", "boolean", "countries", "choice", "list",
    "schedule", "connection", "approver_group", "policy",
]  # fmt: skip


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Use(Strict):
    """A place in the workflow where a value stands, since what reads it cannot ask Pergola."""

    node: str
    """The node's name in the release; empty for the workflow itself."""
    path: list[str | int] = Field(min_length=1)
    """From the node, or the workflow: `["parameters", "url"]`."""
    part: str | None = None
    """The text that the value takes the place of; None where it is all that stands there."""


class ParameterSpec(Strict):
    """One value that a tenant sets. It is read at run time, unless `uses` says where it stands."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
    type: Kind
    label: str
    help: str = ""
    required: bool = True
    default: str | int | bool | list[str] | dict[str, str] | None = None
    minimum: int | None = None
    maximum: int | None = None
    choices: dict[str, str] = {}
    """What is stored, and what people read."""
    changeable: bool = True
    """Whether the tenant may change it later; else it stays as it was cloned."""
    uses: list[Use] = []
    connection_kinds: list[str] = []
    """Of a connection: those that fit; `http`, `sftp` or `smtp` for all of a protocol."""

    @model_validator(mode="after")
    def _can_be_filled(self) -> Self:
        if (self.type == "choice") != bool(self.choices) and self.type != "list":
            raise ValueError(f"{self.name}: a choice has choices, and only a list may have some")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"{self.name}: the minimum is above the maximum")
        if self.connection_kinds and self.type != "connection":
            raise ValueError(f"{self.name}: only a connection has connection_kinds")
        return self


FAILED_RUN = "n8n.error"
"""The event of a case for an Error Trigger: n8n's own, when a run of another workflow fails."""


class CaseEvent(Strict):
    type: str
    payload: dict[str, Any]
    """What the event brings, as its source sends it; a document is named, and lies beside, and
    `replace` makes another of it.

    Of `n8n.error` it is `message`, with which another workflow fails.
    """


class Expected(Strict):
    verdict: Literal["", "accept", "hold", "reject"] = ""
    """Empty where the workflow asks for none."""
    reasons: list[str] = []
    calls: list[str] = []
    """Our operations in their order, as `order.review`; empty where any will do."""
    outcome: str = ""
    """How the run stands then: success, or waiting for a person; empty where either will do."""
    last: dict[str, Any] = {}
    """Of what the last of our nodes gave, the fields that matter."""


class Case(Strict):
    """`cases/*.json`: a real event, the parameters it meets, and what must come of it."""

    title: str
    parameters: dict[str, Any]
    given: dict[str, list[dict[str, Any]]] = {}
    """What the tenant has already, by kind: purchase_orders, goods_receipts, knowledge, orders
    (accepted ones), connections (stand-ins, with their answers).
    """
    event: CaseEvent
    expected: Expected
    alone: bool = False
    """It counts only where no other case was before, such as one of an invoice's first copy."""


class Manifest(Strict):
    title: str
    version: Annotated[str, Field(pattern=SEMVER)]
    summary: str
    notes: str = ""
    """What is new in this version, for who has an earlier one."""
    n8n_minimum: Annotated[str, Field(pattern=SEMVER)]
    events: list[str] = []
    connections: list[str] = []
    """Outside systems that somebody connects, by the names that people know."""
    packages: list[str] = []
    """Packages of nodes that do not come with n8n."""
    scopes: list[str] = Field(default=[], description="What the installation's key may do")
    parameters: list[ParameterSpec] = []

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [spec.name for spec in self.parameters]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two parameters are called {', '.join(twice)}")
        return self
