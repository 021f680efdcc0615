"""The kinds of sources: what a sender of each sends, and what becomes of it.

Higher floors register theirs from AppConfig.ready, so that events know no invoice and no ticket.
"""

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from controlplane.core.errors import DomainError, FieldError
from controlplane.events.incoming import Incoming

if TYPE_CHECKING:
    from controlplane.events.models import Event, Source

# What Pergola publishes itself comes from a source of this kind.
INTERNAL = "internal"


class KindUnknown(DomainError):
    code = "source_kind_unknown"
    status = 422
    title = "The kind of source is not known"


@dataclass(frozen=True)
class Received:
    """`exception_id`: the sender's number was another event's, which is `event` then; what was sent
    is kept whole as that exception."""

    event: "Event"
    is_duplicate: bool
    exception_id: uuid.UUID | None = None


class OnlyAPing(Exception):
    """The sender tried whether somebody is there: it is told so, and there is nothing to keep."""


@dataclass(frozen=True)
class Option:
    """What a source of some kind is set up with besides its secret."""

    name: str
    label: str | Promise
    help: str | Promise = ""
    choices: tuple[str, ...] = ()
    is_required: bool = False
    is_long: bool = False


def _made_secret() -> str:
    return secrets.token_hex(32)


@dataclass(frozen=True)
class SourceKind:
    """`receive` verifies, makes durable in one transaction of its own, and publishes the event.

    It may read a large body only piece by piece, and keeps nothing where the signature does not
    fit. Without it nothing comes in from outside. `example` is a shell command with `{address}`;
    `sample`, where there is one, makes what the test button sends. `read` makes an event of a body
    that was verified before: what could not be read is read again with it, corrected.
    """

    name: str
    label: str | Promise
    description: str | Promise
    receive: "Callable[[Source, Incoming], Received] | None"
    example: str = ""
    sample: "Callable[[Source], Incoming] | None" = None
    read: "Callable[[Source, bytes, Incoming], Event] | None" = None
    options: tuple[Option, ...] = ()
    has_secret: bool = True
    new_secret: Callable[[], str] = _made_secret


_kinds: dict[str, SourceKind] = {
    INTERNAL: SourceKind(INTERNAL, "Pergola", _("What Pergola itself reports"), receive=None)
}


def register_kind(kind: SourceKind) -> None:
    """From AppConfig.ready; the name stays for ever, since sources keep it."""
    if kind.name in _kinds:
        raise ValueError(f"there is a kind of source {kind.name!r} already")
    _kinds[kind.name] = kind


def forget_kind(name: str) -> None:
    """For tests that register a kind of their own."""
    del _kinds[name]


def kind_named(name: str) -> SourceKind:
    """Raises KindUnknown."""
    try:
        return _kinds[name]
    except KeyError:
        raise KindUnknown(
            f"This Pergola takes in no “{name}”. Choose from "
            f"{', '.join(kind.name for kind in offered())}.",
            errors=(FieldError("kind", "is not known"),),
        ) from None


def offered() -> list[SourceKind]:
    """Those of which a tenant may set up sources."""
    return [kind for kind in _kinds.values() if kind.receive is not None]


def choices() -> list[tuple[str, str | Promise]]:
    """For the model's field: asked each time, so that no migration knows the kinds."""
    return [(kind.name, kind.label) for kind in _kinds.values()]
