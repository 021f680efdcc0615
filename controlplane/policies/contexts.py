"""What rules can speak about: contexts that higher floors register by name, such as "order"."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import NoneType
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from controlplane.policies import tenant_facts
from controlplane.policies.shapes import ListOf, Open, Record, Scalar, Shape, record_of
from controlplane.policies.tenant_facts import SETTINGS

PARAMETERS = "params"
Loader = Callable[[uuid.UUID], dict[str, Any]]
EmailLoader = Callable[[str], dict[str, Any]]
Causers = Callable[[uuid.UUID], tuple[Actor, ...]]


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
    `sample` holds values of this form: a rule is tried on it before it is published. `money` names
    the fields with what a decision is about: whole minor units, and their currency. `open_records`
    are fields that hold a record of the caller's own form, such as a tool's arguments.

    `load` reads the facts of one that is kept here, by its id; without it the caller brings them.
    `load_by_email` reads those of somebody of whom only the e-mail address is known. `caused_by`
    names the members because of whom one is as it is, by its id: they do not decide about it.
    `title` is what people call one, as a message with {names}. `decided_here`: Pergola decides on
    its own rows, so that what a caller has judged by facts of its own is no history of these.

    Beside these fields, rules about anything read the tenant's settings.
    """

    name: str
    fields: Mapping[str, str]
    list_bounds: Mapping[str, int]
    sample: Mapping[str, Any]
    parameters: Mapping[str, Parameter]
    money: tuple[str, str] | None = None
    open_records: tuple[str, ...] = ()
    load: Loader | None = None
    load_by_email: EmailLoader | None = None
    caused_by: Causers | None = None
    title: str = ""
    decided_here: bool = False

    @property
    def readable(self) -> dict[str, str]:
        """Every name but those of parameters: the context's own fields, and the tenant's."""
        return {**self.fields, **tenant_facts.FIELDS}

    @cached_property
    def handed_over(self) -> dict[str, Any]:
        """What the engine has of `sample` and `largest`, in its own form: it keeps them here."""
        return {}

    @cached_property
    def shape(self) -> Record:
        facts = record_of(self.readable, self.list_bounds, open_records=self.open_records)
        params: dict[str, Shape] = {
            name: ListOf(bound, Scalar()) if (bound := self._parameter_bound(name)) else Open()
            for name in self.parameters
        }
        return Record({**facts.fields, PARAMETERS: Record(params, is_open=True)})

    @cached_property
    def kinds(self) -> dict[str, str]:
        """What each field holds, or each element of it, by the sample: a text, a whole number …"""
        found = {}
        for path in self.readable:
            value: Any = {**self.largest, SETTINGS: tenant_facts.SAMPLE}
            for name in path.split("."):
                if isinstance(value, list):
                    value = value[0] if value else None
                value = value.get(name) if isinstance(value, Mapping) else None
            if isinstance(value, list):
                value = value[0] if value else None
            if value is not None and not isinstance(value, Mapping):
                found[path] = kind_of(value)
        return found

    @cached_property
    def bounds(self) -> dict[str, Any]:
        """`list_bounds` as a tree: a name leads on, and "" says how long the list there may be."""
        tree: dict[str, Any] = {}
        for path, bound in self.list_bounds.items():
            node = tree
            for name in path.split("."):
                node = node.setdefault(name, {})
            node[""] = bound
        return tree

    @cached_property
    def largest(self) -> dict[str, Any]:
        """The sample with every list as long as rules ever see it."""

        def grown(value: Any, path: str) -> Any:
            if isinstance(value, Mapping):
                return {
                    name: grown(inner, f"{path}.{name}" if path else name)
                    for name, inner in value.items()
                }
            if isinstance(value, list) and (bound := self.list_bounds.get(path)):
                element = grown(value[0], path) if value else self._blank(path)
                return [element] * bound
            return value

        grown_sample: dict[str, Any] = grown(self.sample, "")
        return grown_sample

    def _blank(self, path: str) -> Any:
        """An element for a list that the sample leaves empty."""
        names = [
            name.removeprefix(f"{path}.") for name in self.fields if name.startswith(f"{path}.")
        ]
        blank: dict[str, Any] = {}
        for name in names:
            *before, last = name.split(".")
            node = blank
            for step in before:
                node = node.setdefault(step, {})
            node[last] = ""
        return blank or ""

    def to_try(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The facts with what stands beside them when a rule is tried."""
        return {**facts, PARAMETERS: self.with_defaults({}), SETTINGS: tenant_facts.SAMPLE}

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
    money: tuple[str, str] | None = None,
    open_records: tuple[str, ...] = (),
    load: Loader | None = None,
    load_by_email: EmailLoader | None = None,
    caused_by: Causers | None = None,
    title: str = "",
    decided_here: bool = False,
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
        money=money,
        open_records=open_records,
        load=load,
        load_by_email=load_by_email,
        caused_by=caused_by,
        title=title,
        decided_here=decided_here,
    )
    return _contexts[name]


def get_context(name: str) -> Context:
    """Raises ContextUnknown."""
    try:
        return _contexts[name]
    except KeyError:
        known = ", ".join(sorted(_contexts)) or "none"
        raise ContextUnknown(f"There is no policy context “{name}”. Known: {known}.") from None


def amount_in(context: Context, data: Mapping[str, Any]) -> tuple[int | None, str]:
    """What the decision is about, in minor units, and the currency; None where it is no amount."""
    if context.money is None:
        return None, ""
    minor, currency = (value_at(data, path) for path in context.money)
    if not isinstance(minor, int) or isinstance(minor, bool) or not isinstance(currency, str):
        return None, ""
    return minor, currency[:3]


def value_at(data: Mapping[str, Any], path: str) -> Any:
    """What a dotted name leads to; None where it leads nowhere."""
    value: Any = data
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def kind_of(value: Any) -> str:
    return _KINDS.get(type(value), "another kind of value")


_KINDS = {
    bool: "true or false",
    int: "a whole number",
    str: "a text",
    list: "a list",
    dict: "a record",
    NoneType: "anything",
}


def context_names() -> list[str]:
    return sorted(_contexts)
