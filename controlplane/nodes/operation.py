"""What a node operation is: its shape, its input and its output.

From an operation come the endpoint, OpenAPI, the n8n TypeScript, the docs page and, later, the
agent tool. Removing or retyping a field is a new version of the operation (`name="review_v2"`).
"""

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict

from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from controlplane.nodes.files import OperationFile


class OperationInput(BaseModel):
    """Unknown fields are refused: a typing mistake in a workflow must not pass silently."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class OperationOutput(BaseModel):
    model_config = ConfigDict(frozen=True)


Handler = Callable[..., OperationOutput]


@dataclass(frozen=True)
class Operation:
    """A declared operation. `waits` marks one that suspends the n8n execution for a person.

    `slow` marks one that asks the outside world for seconds: it stands in no transaction, and may
    be done twice where a process dies.

    `asks_people` marks one that has to know the tenant's members: who they are is found out before
    its transaction, which then need not leave the tenant.

    `reads` says of an input whether this call changes nothing: its answer is not kept, since it may
    be asked for again.

    `takes_file` marks one that is handed a document: its handler gets it as `file`.

    `rows` names the field of the answer that is a list, and `simplified` the fields of it that most
    workflows go on with: what n8n's *Simplify* leaves of the answer.

    `pages` names the field of the answer that, sent as `after`, brings the next page of `rows`; it
    is empty at the end. n8n's *Return All* turns them over.

    `errors` are its own, beside those that every operation may answer.
    """

    resource: str
    name: str
    title: str
    action: str
    description: str
    scope: str
    input_model: type[OperationInput]
    output_model: type[OperationOutput]
    handler: Handler
    errors: tuple[type[DomainError], ...] = ()
    read_only: bool = False
    waits: bool = False
    slow: bool = False
    asks_people: bool = False
    reads: Callable[[Any], bool] | None = None
    takes_file: bool = False
    rows: str = ""
    simplified: tuple[str, ...] = ()
    pages: str = ""

    @property
    def key(self) -> str:
        return f"{self.resource}.{self.name}"

    @property
    def path(self) -> str:
        return f"operations/{self.resource}/{self.name}"

    def only_reads(self, data: OperationInput) -> bool:
        return self.read_only or (self.reads is not None and self.reads(data))

    def run(
        self, data: OperationInput, *, by: Actor, file: OperationFile | None = None
    ) -> OperationOutput:
        return self.handler(data, by=by, file=file) if file else self.handler(data, by=by)


def undescribed_fields(model: type[BaseModel]) -> list[str]:
    """Dotted names of fields without a description, nested models included."""
    missing: list[str] = []
    for field_name, field in model.model_fields.items():
        if not field.description:
            missing.append(field_name)
        for nested in _models_within(field.annotation):
            missing += [f"{field_name}.{inner}" for inner in undescribed_fields(nested)]
    return missing


def _models_within(annotation: Any) -> list[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in _models_within(part)]
