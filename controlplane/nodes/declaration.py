"""`@operation`: one typed function, declared once."""

import inspect
import typing
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from controlplane.core.errors import DomainError
from controlplane.nodes import registry
from controlplane.nodes.files import OperationFile
from controlplane.nodes.operation import Handler, Operation, OperationInput, OperationOutput

__all__ = ["OperationFile", "OperationInput", "OperationOutput", "operation"]


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
    rows: str = "",
    simplified: tuple[str, ...] = (),
    pages: str = "",
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
        output = hints["return"]
        _assert_answered(key, output, rows, simplified)
        if pages:
            _assert_paged(key, hints["data"], output, rows, pages)
        takes_file = hints.get("file") is OperationFile
        if takes_file and not slow:
            raise ImproperlyConfigured(f"operation {key} takes a file, so it has to be slow")
        registry.file(
            Operation(
                resource=resource,
                name=name,
                title=title or name.replace("_", " ").title(),
                action=action,
                description=documentation.splitlines()[0],
                scope=scope,
                input_model=hints["data"],
                output_model=output,
                handler=handler,
                errors=errors,
                read_only=read_only,
                waits=waits,
                slow=slow,
                asks_people=asks_people,
                reads=reads,
                takes_file=takes_file,
                rows=rows,
                simplified=simplified,
                pages=pages,
            )
        )
        return handler

    return declare


def _assert_answered(
    key: str, output: type[OperationOutput], rows: str, simplified: tuple[str, ...]
) -> None:
    """What Simplify leaves is in the answer: of a list, in its rows."""
    if rows and rows not in output.model_fields:
        raise ImproperlyConfigured(f"operation {key} answers no {rows}")
    model = typing.get_args(output.model_fields[rows].annotation)[0] if rows else output
    if unknown := set(simplified) - set(model.model_fields):
        raise ImproperlyConfigured(f"operation {key} answers no {', '.join(sorted(unknown))}")


def _assert_paged(
    key: str, data: type[OperationInput], output: type[OperationOutput], rows: str, pages: str
) -> None:
    """What Return All asks for is there: rows, the next page, and where to go on."""
    if not rows or pages not in output.model_fields:
        raise ImproperlyConfigured(f"operation {key} answers no rows or no {pages}")
    if missing := {"after", "limit"} - set(data.model_fields):
        raise ImproperlyConfigured(f"operation {key} takes no {', '.join(sorted(missing))}")
