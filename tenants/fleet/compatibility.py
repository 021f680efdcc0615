"""Whether the release before can go on beside a migration: it must, while the fleet is half-way.

Old code names no column that it does not know, and every column that it does. So columns may come
where the database fills them, and what old code knows must stay for one release after the code has
ceased to use it (docs/upgrading.md, "Taking something away").
"""

import re
from collections.abc import Iterator

from django.db import migrations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import SeparateDatabaseAndState
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Field, ManyToManyField

REMOVING = re.compile(
    r"\b(DROP\s+(TABLE|COLUMN)|RENAME|SET\s+NOT\s+NULL|TRUNCATE)\b", re.IGNORECASE
)
Found = tuple[str, str]
"""`app.migration: operation`, and what is wrong with it."""


def breaking_changes(packages: tuple[str, ...] = ("controlplane.", "tenants.")) -> dict[str, str]:
    """Of all migrations in these packages: what breaks the release before, and why.

    Operations are named as `orders.0003_gifts: AddField order.note`.
    """
    loader = MigrationLoader(None)
    found: dict[str, str] = {}
    state = ProjectState(real_apps=loader.unmigrated_apps)
    done: set[tuple[str, str]] = set()
    for leaf in loader.graph.leaf_nodes():
        for key in loader.graph.forwards_plan(leaf):
            if key in done:
                continue
            done.add(key)
            migration = loader.graph.nodes[key]
            before, state = state, migration.mutate_state(state)
            if type(migration).__module__.startswith(packages):
                found.update(breaking_in(migration, before))
    return found


def breaking_in(migration: migrations.Migration, before: ProjectState) -> Iterator[Found]:
    """Of one migration; `before` is the state that the release before knows."""
    if not any(app == migration.app_label for app, _name in migration.dependencies):
        return  # the first of its app: nothing older knows its tables
    state = before.clone()
    for operation in migration.operations:
        for inner in _in_the_database(operation):
            if reason := _breaks(inner, migration.app_label, before, state):
                yield f"{migration}: {_name(inner)}", reason
        operation.state_forwards(migration.app_label, state)


def _in_the_database(operation: Operation) -> list[Operation]:
    if isinstance(operation, SeparateDatabaseAndState):
        return list(operation.database_operations)
    return [operation]


def _breaks(operation: Operation, app: str, before: ProjectState, state: ProjectState) -> str:
    """Why, or nothing. A table of the same migration is unknown to old code."""
    if isinstance(operation, migrations.RunSQL):
        return "raw SQL that takes away or renames" if REMOVING.search(str(operation.sql)) else ""
    table = str(getattr(operation, "model_name", "") or getattr(operation, "name", ""))
    known = before.models.get((app, str(getattr(operation, "old_name", table)).lower()))
    if isinstance(operation, migrations.RenameModel | migrations.DeleteModel):
        return "old code still uses the table" if known else ""
    if known is None and (app, table.lower()) not in before.models:
        return ""
    if isinstance(operation, migrations.AddField):
        return _breaks_insert(operation.field)
    if isinstance(operation, migrations.AlterField):
        old = state.models[app, table.lower()].fields.get(operation.name)
        if old is not None and old.null and not operation.field.null:
            return "old code still writes NULL there"
    if isinstance(operation, migrations.RemoveField | migrations.RenameField):
        return "old code still reads and writes the column"
    if isinstance(operation, migrations.AlterModelTable):
        return "old code still uses the table"
    return ""


def _breaks_insert(field: Field) -> str:
    if field.null or field.has_db_default() or isinstance(field, ManyToManyField):
        return ""
    return "old code leaves the column out: give it null=True or db_default"


def _name(operation: Operation) -> str:
    model = getattr(operation, "model_name", "")
    name = getattr(operation, "name", "") or getattr(operation, "old_name", "")
    return f"{type(operation).__name__} {'.'.join(filter(None, (model, name)))}".strip()
