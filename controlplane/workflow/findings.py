"""What is said about an export while it is read."""

from dataclasses import dataclass
from typing import Any

from controlplane.core.errors import FieldError


@dataclass(frozen=True)
class Note:
    """Something about a workflow that was put right, or that people should know."""

    node: str
    """The node's name; empty where it is about the whole."""
    field: str
    message: str


@dataclass(frozen=True)
class Mend:
    """A value that is written otherwise now."""

    path: tuple[str | int, ...]
    """From the workflow's root; nodes by their number."""
    was: Any
    """MISSING where nothing was."""


class Findings:
    """Collects what was put right and what cannot be; `place` comes before every path."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.notes: list[Note] = []
        self.errors: list[FieldError] = []

    def note(self, node: str, field: str, message: str) -> None:
        self.notes.append(Note(node[:200], field, message))

    def error(self, field: str, message: str) -> None:
        self.errors.append(FieldError(self.place + field, message))


def kind_of(value: Any) -> str:
    match value:
        case None:
            return "missing"
        case bool():
            return "true or false"
        case str():
            return "text"
        case int() | float():
            return "a number"
        case list():
            return "a list"
        case dict():
            return "an object"
    return "something else"
