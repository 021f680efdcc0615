"""Lists that a node's drop-downs are filled from: a tenant's own rows, or what Pergola knows.

Whoever knows the rows offers a list once, from AppConfig.ready. A field of an operation names it:
`json_schema_extra={"n8n": {"choices": "connections"}}`. The rest is generated.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.core.exceptions import ImproperlyConfigured

from controlplane.core.errors import DomainError
from controlplane.nodes.operation import Operation

PAGE = 50
LONGEST_SEARCH = 200


class ChoicesUnknown(DomainError):
    code = "choices_unknown"
    status = 404
    title = "No such list"


@dataclass(frozen=True)
class Choice:
    """One line of a drop-down. `value` is what the field is given."""

    value: str
    name: str
    description: str = ""


class Rows(Protocol):
    """A queryset or a list: counted by cutting a page out of it."""

    def __getitem__(self, cut: slice, /) -> Any: ...


@dataclass(frozen=True)
class ChoiceList:
    """`find` gives the tenant's rows that match a search (empty: all), in the order shown.

    A key may read it that has any of `scopes`. `noun` and `by` are what n8n says: "a connection",
    and what may be typed instead, such as "Name or ID".
    """

    name: str
    noun: str
    by: str
    scopes: frozenset[str]
    find: Callable[[str], Rows]
    show: Callable[[Any], Choice]


@dataclass(frozen=True)
class Page:
    choices: Sequence[Choice]
    next_page: int | None


_lists: dict[str, ChoiceList] = {}


def offer(*lists: ChoiceList) -> None:
    """From AppConfig.ready; a name that is taken stops the start."""
    for one in lists:
        if one.name in _lists:
            raise ImproperlyConfigured(f"the list {one.name} is offered twice")
        _lists[one.name] = one


def offered() -> Mapping[str, ChoiceList]:
    return dict(sorted(_lists.items()))


def list_named(name: str) -> ChoiceList:
    """Raises ChoicesUnknown."""
    if name not in _lists:
        known = ", ".join(sorted(_lists))
        raise ChoicesUnknown(f"There is no list “{name[:40]}”. Known: {known}.")
    return _lists[name]


def page_of(found: ChoiceList, *, search: str, page: int) -> Page:
    """The lines of one page, from 1, in the tenant that is entered."""
    start = (page - 1) * PAGE
    rows = list(found.find(search.strip())[start : start + PAGE + 1])
    return Page([found.show(row) for row in rows[:PAGE]], page + 1 if len(rows) > PAGE else None)


def matching(choices: Sequence[Choice], search: str) -> list[Choice]:
    """For a list that is no table: the lines that hold the text, in value or name."""
    wanted = search.casefold()
    return [one for one in choices if wanted in f"{one.name}\n{one.value}".casefold()]


def lists_of(operation: Operation) -> set[str]:
    """The lists that its fields choose from."""
    return set(choice_fields(operation).values())


def choice_fields(operation: Operation) -> dict[str, str]:
    """Field to list."""
    properties = operation.input_model.model_json_schema().get("properties", {})
    return {
        name: field["n8n"]["choices"]
        for name, field in properties.items()
        if field.get("n8n", {}).get("choices")
    }
