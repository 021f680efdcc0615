"""What kind of data each field of a tenant's row holds, said once, beside the fields.

Redaction, retention and copies into a sandbox all ask here, so that a new field cannot be
forgotten by one of them: a guard test fails until it is classified.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from django.core.exceptions import FieldDoesNotExist
from django.db import models


class Kind(StrEnum):
    HEALTH = "health"
    """That and how the work runs: states, times, counts, references, configuration."""
    PAYLOAD = "payload"
    """Customer data: names, addresses, amounts, texts, documents, and what is derived from it."""
    SECRET = "secret"  # noqa: S105
    """Lets somebody in elsewhere. Shown to nobody."""


# On every row, and the same everywhere.
PLAIN = frozenset({"id", "created_at", "updated_at"})


@dataclass(frozen=True)
class Classification:
    """Names of fields, as in the model; every one of them once. Written with spaces between."""

    health: str = ""
    payload: str = ""
    secrets: str = ""
    _kinds: dict[str, Kind] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        named = [
            (name, kind)
            for kind, names in (
                (Kind.HEALTH, self.health),
                (Kind.PAYLOAD, self.payload),
                (Kind.SECRET, self.secrets),
            )
            for name in names.split()
        ]
        if len(dict(named)) != len(named):
            raise ValueError(f"a field is classified twice: {sorted(name for name, _ in named)}")
        object.__setattr__(self, "_kinds", dict(named))

    @property
    def kinds(self) -> dict[str, Kind]:
        return dict(self._kinds)

    def fields_of(self, kind: Kind) -> frozenset[str]:
        return frozenset(name for name, found in self._kinds.items() if found is kind)


def kind_of(model: type[models.Model], path: str) -> Kind:
    """Of a field, also over relations: `collection__name`.

    A shared row, which is not classified, holds no customer data; of a classified one a field that
    was forgotten is payload, and so is what a query adds.
    """
    name, _sep, rest = path.partition("__")
    try:
        found = model._meta.get_field(name)
    except FieldDoesNotExist:  # SQL made it of others
        return Kind.PAYLOAD if hasattr(model, "classified") else Kind.HEALTH
    if rest and found.related_model:
        return kind_of(found.related_model, rest)  # type: ignore[arg-type]
    if name in PLAIN:
        return Kind.HEALTH
    declared = getattr(model, "classified", None)
    return declared.kinds.get(name, Kind.PAYLOAD) if declared else Kind.HEALTH
