"""What belongs to each class of data: registered by the apps that own it, in AppConfig.ready."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from django.db import connections, models, transaction
from django.utils.functional import Promise

from tenants.context import current_tenant
from tenants.retention.terms import TERMS, Terms

BATCH = 500

Rows = models.QuerySet[Any]
# Leaves out of the old rows those that something which still runs needs.
Hold = Callable[[Rows], Rows]


class Store(Protocol):
    """Where data of a class lies, of the tenant that is entered."""

    def count(self, cutoff: datetime) -> int:
        """How much is older and may go."""

    def remove_batch(self, cutoff: datetime) -> int:
        """Take away some of it, all of a batch or nothing; 0 when there is no more."""


@dataclass
class RowStore:
    """A table, its rows' age by `time_field`; rows that belong to them go along.

    `append_only` for a table in which the tenant's role may delete nothing: its owner does.
    """

    model: type[models.Model]
    time_field: str
    append_only: bool = False
    holds: list[Hold] = field(default_factory=list)

    def old(self, cutoff: datetime) -> Rows:
        rows = self.model._default_manager.filter(**{f"{self.time_field}__lt": cutoff})
        for hold in self.holds:
            rows = hold(rows)
        return rows

    def count(self, cutoff: datetime) -> int:
        return self.old(cutoff).count()

    @transaction.atomic
    def remove_batch(self, cutoff: datetime) -> int:
        rows = self.old(cutoff).order_by("pk")
        if not self.append_only:
            rows = rows.select_for_update(skip_locked=True, of=("self",))
        keys = list(rows.values_list("pk", flat=True)[:BATCH])
        if self.append_only:
            self._remove_as_owner(keys)
        elif keys:
            self.model._default_manager.filter(pk__in=keys).delete()
        return len(keys)

    def _remove_as_owner(self, keys: list[Any]) -> None:
        owner: Any = connections["owner"]
        owner.set_tenant(current_tenant())
        try:
            self.model._default_manager.using("owner").filter(pk__in=keys).delete()
        finally:
            owner.set_schema_to_public()


@dataclass
class DataClass:
    """`name` is a key of TERMS; `holds` says to people what is in it."""

    name: str
    title: str | Promise
    holds: str | Promise
    stores: list[Store] = field(default_factory=list)

    @property
    def terms(self) -> Terms:
        return TERMS[self.name]


_classes: dict[str, DataClass] = {}
_holds: list[tuple[type[models.Model], Hold]] = []


class ClassWithoutTerms(Exception):
    """A class was registered that the table of terms does not have."""


def register_class(data_class: DataClass) -> None:
    """From AppConfig.ready. Raises ClassWithoutTerms."""
    if data_class.name not in TERMS:
        raise ClassWithoutTerms(data_class.name)
    _classes[data_class.name] = data_class
    for store in data_class.stores:
        if isinstance(store, RowStore):
            store.holds += [hold for model, hold in _holds if model is store.model]


def hold_back(model: type[models.Model], hold: Hold) -> None:
    """From AppConfig.ready, by an app above: old rows of `model` that must stay for now."""
    _holds.append((model, hold))
    for data_class in _classes.values():
        for store in data_class.stores:
            if isinstance(store, RowStore) and store.model is model:
                store.holds.append(hold)


def all_classes() -> list[DataClass]:
    """In the order in which they are purged."""
    return [_classes[name] for name in TERMS if name in _classes]


def class_named(name: str) -> DataClass:
    """Raises KeyError."""
    return _classes[name]
