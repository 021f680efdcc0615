"""A tenant with a row of every kind, and how each address is called by its own people.

One module for each domain. The isolation matrix asks all of them, so a new address or operation
says here how it is called, or the matrix fails.
"""

from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any


@dataclass(frozen=True)
class Upload:
    """A file in a multipart form, beside the fields of the body."""

    field: str
    filename: str
    content: bytes
    content_type: str = "application/octet-stream"


@dataclass
class Part:
    """What one domain adds. Values of bodies and inputs may name a row: "{invoice_id}"."""

    rows: dict[str, Any]
    """By the name that routes (`<uuid:invoice_id>`) and inputs use."""
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By route."""
    uploads: dict[str, Upload] = field(default_factory=dict)
    """By route."""
    raw: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    """By route: a body that is no JSON and no form, with its content type."""
    inputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By operation key: fields that the names of the rows do not fill by themselves."""
    documents: dict[str, Upload] = field(default_factory=dict)
    """By operation key: what one that takes a file is handed."""
    aliases: dict[tuple[str, str], str] = field(default_factory=dict)
    """(first part of the route, name) → the row that the name means there."""
    references: dict[str, str] = field(default_factory=dict)
    """By outbox handler: the row that its message names."""
    tasks: dict[str, str] = field(default_factory=dict)
    """"task.argument" → the row that it is given, where the argument's name does not say so."""
    secrets: set[str] = field(default_factory=set)
    """Texts that nobody of another tenant may ever see."""


def parts(url: str) -> list[Part]:
    """Make the rows, in the tenant that is entered; `url` is where its n8n answers."""
    names = sorted(module.name for module in iter_modules(__path__))
    return [import_module(f"{__name__}.{name}").part(url) for name in names]
