"""From the bytes of an export to sound workflows, or an error that names node and field.

n8n and the people who pass workflows on wrap them in several ways: one workflow, a list of them
(`n8n export:workflow --all`), `{"workflow": …}` (n8n's gallery, also twice, beside a list of the
kinds of nodes), `{"data": …}` (its API), `{"workflowData": …}` (an execution), `{"json": …}` (an
item), JSON inside a string. All are read. What n8n itself would put right is put right and noted;
what no n8n could open is refused.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from controlplane.core.errors import DomainError, FieldError
from controlplane.workflow.checking import checked
from controlplane.workflow.findings import Mend, Note
from controlplane.workflow.shapes import Edge, Json

MOST_BYTES = 16 * 1024 * 1024
DEEPEST = 100
"""Levels of lists and objects; n8n's own stay below twenty."""
MOST_VALUES = 500_000
MOST_WORKFLOWS = 1_000
POISON = {"__proto__", "constructor", "prototype"}
"""Keys that reach into JavaScript's objects when n8n copies them about."""
_WRAPPINGS = ("workflow", "workflowData", "workflows", "data", "attributes", "json")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class WorkflowUnreadable(DomainError):
    """`errors` has every field at fault, as in `nodes.3.position`."""

    code = "workflow_unreadable"
    status = 422
    title = "This is no workflow that n8n could open"


class WorkflowTooLarge(WorkflowUnreadable):
    """It, or what stands as text inside it, is more than a server should hold."""


@dataclass
class Held:
    """What the texts of one file hold together, each of which may be a workflow of its own."""

    values: int = 0
    characters: int = 0
    """Of those that were written again."""

    def written(self, text: str) -> str:
        """The text, counted. Raises WorkflowTooLarge."""
        self.characters += len(text)
        if self.characters > MOST_BYTES:
            raise WorkflowTooLarge(
                f"The workflows in its parameters have more than {MOST_BYTES // 2**20} MB when "
                "they are cleaned. Import them by themselves."
            )
        return text


@dataclass(frozen=True)
class Read:
    """A sound workflow that shares nothing with its source, and what was put right in it."""

    workflow: Json
    notes: tuple[Note, ...] = ()
    loose: tuple[Edge, ...] = ()
    """Connections from or to a node that is not there. n8n ignores them, and so they are kept out
    of the workflow; whoever gives the export back whole puts them in again."""
    mended: tuple[Mend, ...] = ()
    """What stood in the nodes before it was put right; ids are not told."""


def read(source: bytes | str | Json | list[Any]) -> list[Read]:
    """Every workflow of an export. Raises WorkflowUnreadable; nothing else, whatever is given."""
    parsed, notes = _parsed(source)
    clean = _Clean()
    try:
        found = _unwrapped(clean.value(parsed, "", 0), "", 0)
    except RecursionError:
        _refuse(f"It is nested more than {DEEPEST} levels deep.")
    if clean.replaced:
        notes.append(Note("", clean.replaced, "characters that no database can store became “�”"))
    if not found:
        _refuse("It holds no workflow: a workflow has `nodes`.")
    if len(found) > MOST_WORKFLOWS:
        _refuse(f"It holds {len(found)} workflows; at most {MOST_WORKFLOWS} are read at once.")
    read_ones = []
    for place, workflow in found:
        check = checked(workflow, place)
        if check.errors:
            raise WorkflowUnreadable(_told(check.errors), errors=tuple(check.errors))
        told = (*notes, *check.notes)
        read_ones.append(Read(workflow, told, tuple(check.loose), tuple(check.mended)))
    return read_ones


def read_one(source: bytes | str | Json | list[Any]) -> Read:
    """The only workflow of an export. Raises WorkflowUnreadable, also where there are several."""
    found = read(source)
    if len(found) > 1:
        _refuse(f"It holds {len(found)} workflows, and one is wanted: export it by itself.")
    return found[0]


def parsed_text(text: str, held: Held) -> Any:
    """JSON that stands in a text of a workflow, with the same limits for all texts together.

    Raises WorkflowUnreadable, which is WorkflowTooLarge where no other text can be read either.
    """
    clean = _Clean(held.values)
    try:
        return clean.value(_loaded(text), "", 0)
    except RecursionError:
        _refuse(f"It is nested more than {DEEPEST} levels deep.")
    finally:
        held.values = clean.count


def _parsed(source: Any) -> tuple[Any, list[Note]]:
    notes: list[Note] = []
    if isinstance(source, str):
        text = source.removeprefix("\ufeff")
        if len(text) > MOST_BYTES:
            _too_long(len(text))
    elif isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
        if len(data) > MOST_BYTES:
            _too_long(len(data))
        text, garbled = _decoded(data)
        if garbled:
            notes.append(Note("", "", "bytes that are not UTF-8 became “�”"))
    else:
        return source, notes
    return _loaded(text), notes


def _decoded(data: bytes) -> tuple[str, bool]:
    encoding = json.detect_encoding(data)
    try:
        return data.decode(encoding), False
    except UnicodeDecodeError:
        return data.decode(encoding, errors="replace"), True


def _loaded(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise WorkflowUnreadable(
            f"It is not JSON: line {error.lineno}, column {error.colno}: {error.msg}. "
            "Export the workflow from n8n again."
        ) from error
    except ValueError as error:  # an integer of thousands of digits, NaN
        raise WorkflowUnreadable(f"It holds a number that is none: {str(error)[:200]}.") from error
    except RecursionError as error:
        raise WorkflowUnreadable(f"It is nested more than {DEEPEST} levels deep.") from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


class _Clean:
    """Copies, and refuses what is too deep, too much, poisonous or not JSON at all."""

    def __init__(self, count: int = 0) -> None:
        self.count = count
        self.replaced = ""
        """Where the first character was that cannot be stored."""

    def value(self, value: Any, path: str, depth: int) -> Any:
        self.count += 1
        if depth > DEEPEST:
            self._refuse(path, f"is nested more than {DEEPEST} levels deep")
        if self.count > MOST_VALUES:
            self._refuse(
                path,
                f"comes after {MOST_VALUES} other values, which is too much",
                WorkflowTooLarge,
            )
        if isinstance(value, str):
            return self._text(value, path)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self._number(value, path)
        return self._inside(value, path, depth + 1)

    def _inside(self, value: Any, path: str, depth: int) -> Any:
        if isinstance(value, list | tuple):
            return [self.value(inner, f"{path}.{n}", depth) for n, inner in enumerate(value)]
        if not isinstance(value, dict):
            self._refuse(path, f"is a {type(value).__name__}, which JSON does not have")
        return {
            self._key(key, path): self.value(inner, f"{path}.{key}", depth)
            for key, inner in value.items()
        }

    def _key(self, key: Any, path: str) -> str:
        if not isinstance(key, str):
            self._refuse(path, "has a key that is not text")
        if key in POISON:
            self._refuse(f"{path}.{key}", "is a key that would change JavaScript’s objects")
        return self._text(key, path)

    def _text(self, value: str, path: str) -> str:
        if _UNSTORABLE.search(value):
            self.replaced = self.replaced or path.lstrip(".") or "the whole"
            return _UNSTORABLE.sub("\ufffd", value)
        return value

    def _number(self, value: float, path: str) -> float:
        try:
            fits = math.isfinite(float(value))
        except OverflowError:
            fits = False
        if not fits:
            self._refuse(path, "is a number that JavaScript cannot hold")
        return value

    def _refuse(
        self, path: str, message: str, error: type[WorkflowUnreadable] = WorkflowUnreadable
    ) -> NoReturn:
        path = path.lstrip(".")[:300]
        raise error(f"`{path or 'The whole'}` {message}.", errors=(FieldError(path, message),))


def _unwrapped(value: Any, place: str, depth: int) -> list[tuple[str, Json]]:
    """Each workflow with the dotted path to it."""
    if depth > 8:
        return []
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        return _unwrapped(_Clean().value(_loaded(value), place, 0), place, depth + 1)
    if isinstance(value, list):
        many = [_unwrapped(v, f"{place}{n}.", depth + 1) for n, v in enumerate(value)]
        if any(not found for found in many):
            number = next(n for n, found in enumerate(many) if not found)
            _refuse(f"Entry {number + 1} of the list is no workflow: a workflow has `nodes`.")
        return [one for found in many for one in found]
    if isinstance(value, dict):
        if "nodes" in value and "connections" in value:
            return [(place, value)]
        return _inside(value, place, depth) or ([(place, value)] if "nodes" in value else [])
    return []


def _inside(wrapping: Json, place: str, depth: int) -> list[tuple[str, Json]]:
    """Of the first key that has a workflow; what is wrong is only said where none has."""
    refused: WorkflowUnreadable | None = None
    for key in _WRAPPINGS:
        if not isinstance(wrapping.get(key), dict | list | str):
            continue
        try:
            found = _unwrapped(wrapping[key], f"{place}{key}.", depth + 1)
        except WorkflowUnreadable as error:
            refused = refused or error
            continue
        if found:
            return [(path, _named(workflow, wrapping)) for path, workflow in found]
    if refused and "nodes" not in wrapping:
        raise refused
    return []


def _named(workflow: Json, wrapping: Json) -> Json:
    """n8n's gallery has the name on the outside; others call it the workflow."""
    for name in (wrapping.get("name"), wrapping.get("workflow")):
        if isinstance(name, str) and name.strip() and not name.lstrip().startswith(("{", "[")):
            return {"name": name, **workflow}
    return workflow


def _too_long(length: int) -> NoReturn:
    _refuse(
        f"It has {length / 2**20:.0f} MB; at most {MOST_BYTES // 2**20} MB are read. "
        "Take pinned data and pictures in notes out of it."
    )


def _refuse(detail: str) -> NoReturn:
    raise WorkflowUnreadable(detail)


def _told(errors: list[FieldError]) -> str:
    shown = "; ".join(f"`{error.field}` {error.message}" for error in errors[:5])
    more = f"; and {len(errors) - 5} more" if len(errors) > 5 else ""
    return f"{shown}{more}."
