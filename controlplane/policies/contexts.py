"""What rules can speak about: contexts that higher floors register by name, such as "order"."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from controlplane.core.errors import DomainError
from controlplane.policies.shapes import ListOf, Open, Record, Scalar, Shape, record_of

PARAMETERS = "params"


class ContextUnknown(DomainError):
    code = "context_unknown"
    status = 422
    title = "No such policy context"


@dataclass(frozen=True)
class Parameter:
    """A value that an installation may set; `default` stands where it does not."""

    default: Any
    description: str


@dataclass(frozen=True)
class Context:
    """`fields` maps each dotted name that rules may read to what it holds.

    Every declared field is always present and never null, so that no rule passes or fails because
    something was left out. `list_bounds` says how many elements of a list the rules look at.
    `sample` holds values of this form: a rule is tried on it before it is published.
    """

    name: str
    fields: Mapping[str, str]
    list_bounds: Mapping[str, int]
    sample: Mapping[str, Any]
    parameters: Mapping[str, Parameter]

    @cached_property
    def shape(self) -> Record:
        facts = record_of(self.fields, self.list_bounds)
        params: dict[str, Shape] = {
            name: ListOf(bound, Scalar()) if (bound := self._parameter_bound(name)) else Open()
            for name in self.parameters
        }
        return Record({**facts.fields, PARAMETERS: Record(params, is_open=True)})

    def with_defaults(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """What `params` holds: the installation's values over the declared defaults."""
        return {name: p.default for name, p in self.parameters.items()} | dict(parameters)

    def _parameter_bound(self, name: str) -> int | None:
        return self.list_bounds.get(f"{PARAMETERS}.{name}")


_contexts: dict[str, Context] = {}


def register_context(
    name: str,
    *,
    fields: Mapping[str, str],
    list_bounds: Mapping[str, int],
    sample: Mapping[str, Any],
    parameters: Mapping[str, Parameter] | None = None,
) -> Context:
    """File a context; called in AppConfig.ready of the app whose data it describes."""
    if name in _contexts:
        raise ImproperlyConfigured(f"policy context {name!r} is registered twice")
    _contexts[name] = Context(
        name=name,
        fields=fields,
        list_bounds=list_bounds,
        sample=sample,
        parameters=parameters or {},
    )
    return _contexts[name]


def get_context(name: str) -> Context:
    """Raises ContextUnknown."""
    try:
        return _contexts[name]
    except KeyError:
        known = ", ".join(sorted(_contexts)) or "none"
        raise ContextUnknown(f"There is no policy context “{name}”. Known: {known}.") from None


def context_names() -> list[str]:
    return sorted(_contexts)
