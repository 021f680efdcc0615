"""Which migrations come down to statements that are the same in every schema; keeps them."""

from collections.abc import Callable
from typing import Any

from django.contrib.postgres.operations import CreateExtension, NotInTransactionMixin
from django.db import router
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.migrations import AddField, AlterField, Migration, RunPython
from django.db.migrations.operations import SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation
from django.utils import timezone

# Operations of other modules may do anything, also read.
KNOWN = (
    "django.db.migrations.operations.models",
    "django.db.migrations.operations.fields",
    "django.db.migrations.operations.special",
    "django.contrib.postgres.operations",
)
# Callable defaults that fill each tenant's rows with the same value. Others may be keys or tokens.
SAME_EVERYWHERE: set[Callable[..., Any]] = {
    bool, dict, float, int, list, set, str, tuple, timezone.now,
}  # fmt: skip


class RecordingEditor(DatabaseSchemaEditor):
    """Does what Django's schema editor does, and keeps each statement with its values put in."""

    def __init__(self, connection: Any, atomic: bool = True) -> None:
        super().__init__(connection, atomic=atomic)
        self.recorded: list[str] = []

    def execute(self, sql: Any, params: Any = ()) -> None:
        text = str(sql)
        if params is not None:
            text = self.connection.ops.compose_sql(text, params)
        self.recorded.append(text)
        super().execute(text, None)


def is_recordable(migration: Migration, alias: str) -> bool:
    """Whether what it sends in one schema is right in each other schema of the same state."""
    return migration.atomic and all(
        _is_recordable(operation, migration.app_label, alias) for operation in migration.operations
    )


def _is_recordable(operation: Operation, app_label: str, alias: str) -> bool:
    if isinstance(operation, SeparateDatabaseAndState):
        return all(
            _is_recordable(inner, app_label, alias) for inner in operation.database_operations
        )
    if isinstance(operation, RunPython):
        # Where the router keeps it out, it does nothing: the same everywhere.
        return not router.allow_migrate(alias, app_label, **operation.hints)
    if isinstance(operation, CreateExtension | NotInTransactionMixin):
        return False
    if isinstance(operation, AddField | AlterField):
        default = operation.field.default
        if operation.field.has_default() and callable(default) and default not in SAME_EVERYWHERE:
            return False
    return type(operation).__module__ in KNOWN
