"""`@operation`: one typed function, declared once."""

import inspect
import typing
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from controlplane.core.errors import DomainError
from controlplane.nodes import registry
from controlplane.nodes.operation import Handler, Operation, OperationInput, OperationOutput

__all__ = ["OperationInput", "OperationOutput", "operation"]


def operation(
    *,
    resource: str,
    name: str,
    action: str,
    scope: str,
    title: str = "",
    errors: tuple[type[DomainError], ...] = (),
    read_only: bool = False,
    waits: bool = False,
    slow: bool = False,
    asks_people: bool = False,
    reads: Callable[[Any], bool] | None = None,
) -> Callable[[Handler], Handler]:
    """File the function as an operation. Raises ImproperlyConfigured where it is not complete."""

    def declare(handler: Handler) -> Handler:
        hints = typing.get_type_hints(handler)
        key = f"{resource}.{name}"
        documentation = inspect.getdoc(handler)
        if not documentation:
            raise ImproperlyConfigured(f"operation {key} has no docstring")
        if not issubclass(hints.get("data", object), OperationInput):
            raise ImproperlyConfigured(f"operation {key} takes no OperationInput as `data`")
        if not issubclass(hints.get("return", object), OperationOutput):
            raise ImproperlyConfigured(f"operation {key} returns no OperationOutput")
        registry.file(
            Operation(
                resource=resource,
                name=name,
                title=title or name.replace("_", " ").title(),
                action=action,
                description=documentation.splitlines()[0],
                scope=scope,
                input_model=hints["data"],
                output_model=hints["return"],
                handler=handler,
                errors=errors,
                read_only=read_only,
                waits=waits,
                slow=slow,
                asks_people=asks_people,
                reads=reads,
            )
        )
        return handler

    return declare
