"""Customer data is withheld where rows are read, so that no page has to remember to hide it.

A door that serves somebody without the permission enters `withholding_payload()`. Every row that
is read from then on comes without the fields that its model classifies as payload: a text reads
`HIDDEN`, a list is empty, anything else is None. What is withheld is not saved either.

It covers rows. Values that SQL computes (`values_list`, annotations) and conditions on payload
(searching, sorting) are the asker's to leave out: `is_withheld` tells.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models

from controlplane.core.classification import Classification, Kind, kind_of

_withholding: ContextVar[bool] = ContextVar("withholding_payload", default=False)
_noting: ContextVar[set[str] | None] = ContextVar("noting_payload", default=None)


class Hidden(str):
    """What stands for a text that was withheld."""

    __slots__ = ()


HIDDEN = Hidden("•••")


class PayloadWithheld(Exception):
    """Code was about to save a field that it was never shown."""


@contextmanager
def withholding_payload(active: bool = True) -> Iterator[None]:
    """Rows that are read inside come without customer data."""
    token = _withholding.set(active)
    try:
        yield
    finally:
        _withholding.reset(token)


@contextmanager
def noting_payload() -> Iterator[set[str]]:
    """The names of the models of which customer data is read inside, and shown as it is."""
    seen: set[str] = set()
    token = _noting.set(seen)
    try:
        yield seen
    finally:
        _noting.reset(token)


def payload_is_withheld() -> bool:
    return _withholding.get()


def is_withheld(model: type[models.Model], path: str) -> bool:
    """Whether this field is now hidden, so that nothing may be looked for or ordered by it."""
    return payload_is_withheld() and kind_of(model, path) is not Kind.HEALTH


class Redactable(models.Model):
    """A row whose customer data can be withheld. `classified` says which fields are that."""

    classified: Classification

    class Meta:
        abstract = True

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[Any], **kwargs: Any
    ) -> Self:
        row = super().from_db(db, field_names, values, **kwargs)
        if _withholding.get():
            row._withhold(row.__dict__.keys())
        elif (seen := _noting.get()) is not None and cls.__name__ not in seen:
            row._note(seen, row.__dict__.keys())
        return row

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: Any = None,
    ) -> None:
        """Also how Django loads a deferred field when it is first asked for."""
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)
        if _withholding.get():
            self._withhold(self.__dict__.keys() if fields is None else fields)
        elif (seen := _noting.get()) is not None:
            self._note(seen, self.__dict__.keys() if fields is None else fields)

    def _note(self, seen: set[str], loaded: Iterable[str]) -> None:
        """Where any of what was just loaded is customer data."""
        if not _placeholders(type(self)).keys().isdisjoint(loaded):
            seen.add(type(self).__name__)

    def _withhold(self, loaded: Iterable[str]) -> None:
        """Replace what was just loaded; a field that is deferred stays so."""
        placeholders = _placeholders(type(self))
        hidden = {name: placeholders[name]() for name in placeholders.keys() & set(loaded)}
        self.__dict__.update(hidden)
        self.__dict__["_hidden"] = {**self.__dict__.get("_hidden", {}), **hidden}

    def withheld_fields(self) -> set[str]:
        """Those that still hold what stands for them, and nothing that was assigned since."""
        hidden: dict[str, Any] = self.__dict__.get("_hidden", {})
        return {name for name, value in hidden.items() if self.__dict__.get(name) is value}

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Without what was withheld. Raises PayloadWithheld where such a field is named."""
        withheld, named = self.withheld_fields(), kwargs.get("update_fields")
        if withheld and named is None:
            kwargs["update_fields"] = (
                {field.attname for field in self._meta.concrete_fields if not field.primary_key}
                - withheld
                - self.get_deferred_fields()
            )
        elif lost := withheld & set(named or ()):
            raise PayloadWithheld(f"{type(self).__name__}: {', '.join(sorted(lost))}")
        super().save(*args, **kwargs)


@cache
def _placeholders(model: type[models.Model]) -> dict[str, Callable[[], Any]]:
    """By attribute: what makes that which stands for a payload field."""
    return {
        field.attname: _placeholder(field)
        for field in model._meta.concrete_fields
        if kind_of(model, field.name) is Kind.PAYLOAD
    }


def _placeholder(field: "models.Field[Any, Any]") -> Callable[[], Any]:
    if isinstance(field, models.CharField | models.TextField):
        return lambda: HIDDEN
    if isinstance(field, models.JSONField | ArrayField) and field.default in (list, dict):
        return field.default  # type: ignore[no-any-return]
    return lambda: None
