"""Questions that are asked on every request: their SQL is put together once.

Django takes longer to write such a statement than PostgreSQL takes to answer it.
"""

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet

_Row = TypeVar("_Row", bound=Model)


class Question(Generic[_Row]):
    """`write` makes the queryset of one value for each name, at first of `stand_ins`.

    A stand-in is of the value's type, and nothing else in the statement equals it.
    """

    def __init__(self, write: Callable[..., QuerySet[_Row]], **stand_ins: Hashable) -> None:
        self._write, self._stand_ins = write, stand_ins

    def ask(self, **values: Any) -> list[_Row]:
        """The rows, with the queryset's annotations."""
        model, statement, parameters = self._written
        said = {self._stand_ins[name]: value for name, value in values.items()}
        return list(model._default_manager.raw(statement, [said.get(p, p) for p in parameters]))

    @cached_property
    def _written(self) -> tuple[type[_Row], str, tuple[Any, ...]]:
        asked = self._write(**self._stand_ins)
        return asked.model, *asked.query.sql_with_params()
