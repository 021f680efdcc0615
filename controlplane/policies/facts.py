"""Facts that a caller brings: of the context's form, or refused with the fields at fault."""

from collections.abc import Iterator, Mapping
from typing import Any

from controlplane.core.errors import DomainError, FieldError
from controlplane.policies.contexts import PARAMETERS, Context, kind_of
from controlplane.policies.shapes import ListOf, Open, Record, Shape
from controlplane.policies.tenant_facts import SETTINGS

MOST_OPEN_VALUES = 500
"""In a record of the caller's own form, so that no rule is slow by what stands in it."""


class FactsIncomplete(DomainError):
    code = "facts_incomplete"
    status = 422
    title = "The facts are not of this context’s form"


def assert_complete(context: Context, facts: Mapping[str, Any]) -> None:
    """For facts that a caller brings: every declared field is there, and of the declared form.

    Raises FactsIncomplete, which names the fields at fault.
    """
    faults = list(_faults(context, context.shape, facts, ""))
    if faults:
        named = ", ".join(fault.field for fault in faults[:5])
        more = f" and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise FactsIncomplete(
            f"Rules about {context.name} read fields that are missing or of another kind: {named}"
            f"{more}. The context’s page in the portal lists them all.",
            errors=tuple(faults),
        )


def laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """What stands below, with what stands above in its place; lists are replaced as a whole."""

    def over(one: Any, other: Any) -> Any:
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            return {**one, **{name: over(one.get(name), v) for name, v in other.items()}}
        return other

    merged: dict[str, Any] = over(below, above)
    return merged


def _faults(context: Context, shape: Shape, value: Any, path: str) -> Iterator[FieldError]:
    if isinstance(shape, Record):
        yield from _faults_of_record(context, shape, value, path)
    elif isinstance(shape, ListOf):
        if not isinstance(value, list):
            yield FieldError(path, "is no list")
            return
        for index, element in enumerate(value[: shape.bound]):
            yield from _faults(context, shape.element, element, f"{path}.{index}")
    elif isinstance(shape, Open):
        if not isinstance(value, Mapping):
            yield FieldError(path, "is no record")
        elif (count := _values_in(value)) > MOST_OPEN_VALUES:
            yield FieldError(path, f"has {count} values, and {MOST_OPEN_VALUES} is the most")
    elif isinstance(value, Mapping | list) or value is None:
        yield FieldError(path, "is no single value")
    elif (expected := context.kinds.get(_without_index(path))) not in (None, kind_of(value)):
        yield FieldError(path, f"is {kind_of(value)}, not {expected}")


def _faults_of_record(
    context: Context, shape: Record, value: Any, path: str
) -> Iterator[FieldError]:
    if not isinstance(value, Mapping):
        yield FieldError(path or "facts", "is no record")
        return
    for name, below in shape.fields.items():
        here = f"{path}.{name}" if path else name
        if here in {PARAMETERS, SETTINGS}:
            continue
        if name not in value:
            yield FieldError(here, "is missing")
        else:
            yield from _faults(context, below, value[name], here)


def _values_in(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(map(_values_in, value.values()))
    return sum(map(_values_in, value)) if isinstance(value, list) else 1


def _without_index(path: str) -> str:
    return ".".join(name for name in path.split(".") if not name.isdigit())
