"""Secrets of libraries: tokens of `crypto.encrypt` somewhere in a JSON column of their tables."""

from dataclasses import dataclass
from typing import Any

from django.db import connection, models, router, transaction
from django.db.models.functions import Cast

from controlplane.core.crypto import FORMAT, decrypt, encrypt, is_sealed, version_of


@dataclass(frozen=True)
class TokenTable:
    model: type[models.Model]
    column: str

    @property
    def is_here(self) -> bool:
        """Whether it stands in the schema that is entered."""
        return bool(router.allow_migrate_model(connection.alias, self.model))

    def texts(self) -> list[str]:
        """What is encrypted, in clear. Raises Undecryptable."""
        return [decrypt(token) for row in self._rows() for token in _tokens(self._value(row))]

    def old_rows(self, newest: int) -> int:
        """How many have a token that another data key than that version made."""
        return sum(self._is_old(row, newest) for row in self._rows())

    def reseal(self, newest: int) -> int:
        """Row by row, each its own transaction: a person has one or two."""
        done = 0
        for found in self._rows():
            with transaction.atomic():
                row = self._rows().select_for_update().filter(pk=found.pk).first()
                if row is None or not self._is_old(row, newest):
                    continue
                setattr(row, self.column, _resealed(self._value(row)))
                row.save(update_fields=[self.column])
                done += 1
        return done

    def _rows(self) -> models.QuerySet[Any]:
        as_text = Cast(self.column, models.TextField())
        rows = self.model._default_manager.annotate(as_text=as_text)
        return rows.filter(as_text__contains=f'"{FORMAT}.')

    def _value(self, row: models.Model) -> Any:
        return getattr(row, self.column)

    def _is_old(self, row: models.Model, newest: int) -> bool:
        return any(version_of(token) != newest for token in _tokens(self._value(row)))


_tables: list[TokenTable] = []


def register_tokens(model: type[models.Model], column: str) -> None:
    """From AppConfig.ready: no field of ours holds these secrets, so none would be found."""
    _tables.append(TokenTable(model, column))


def token_tables() -> list[TokenTable]:
    """Of the entered schema."""
    return [table for table in _tables if table.is_here]


def _tokens(value: Any) -> list[str]:
    """Every token in a JSON value."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [token for each in inner for token in _tokens(each)]
    return [value] if isinstance(value, str) and is_sealed(value) else []


def _resealed(value: Any) -> Any:
    """The same JSON value, each token in it made anew by the newest key."""
    if isinstance(value, dict):
        return {name: _resealed(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_resealed(each) for each in value]
    return encrypt(decrypt(value)) if isinstance(value, str) and is_sealed(value) else value
