"""How schemas of one state come to the newest: by Django in the first, by its statements in others.

The first schema is migrated by Django itself, so what it reads from the catalogue on the way (names
of constraints, sequences) is what stands there; the statements that it sends are recorded and are
right in every other schema with the same migrations.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations import Migration
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import ProjectState

from tenants.fleet.recording import RecordingEditor, is_recordable
from tenants.router import through_owner


@dataclass
class Step:
    """One migration: statements once it was recorded, until then Django and the state before it."""

    migration: Migration
    state: ProjectState | None
    is_recordable: bool
    statements: tuple[str, ...] | None = None

    def run(self, connection: BaseDatabaseWrapper) -> tuple[str, ...]:
        """In the schema that is entered. Returns what was sent."""
        if self.statements is not None:
            with connection.cursor() as cursor:
                for statement in self.statements:
                    cursor.execute(statement)
            return self.statements
        assert self.state is not None
        with (
            through_owner(),
            RecordingEditor(connection, atomic=self.migration.atomic) as editor,
        ):
            self.migration.apply(self.state.clone(), editor)
        return tuple(editor.recorded)

    @property
    def rows(self) -> list[tuple[str, str]]:
        """(app, name) of what counts as applied afterwards."""
        own = (self.migration.app_label, self.migration.name)
        return [*self.migration.replaces, own] if self.migration.replaces else [own]

    def __str__(self) -> str:
        return str(self.migration)


@dataclass(frozen=True)
class Piece:
    """Steps of one transaction, or one step that must stand in none."""

    steps: list[Step]
    is_atomic: bool
    is_last: bool = False


@dataclass
class Recipe:
    steps: list[Step]
    # Squashed migrations whose parts are all there now.
    completed: list[tuple[str, str]] = field(default_factory=list)
    # What the steps make, known after the first schema: (name, kind as in pg_class).
    relations: list[tuple[str, str]] = field(default_factory=list)
    is_learned: bool = False

    def pieces(self) -> Iterator[Piece]:
        """One, unless a migration is not atomic. The last is a transaction, if an empty one."""
        parts = [
            Piece(list(steps), is_atomic)
            for is_atomic, steps in groupby(self.steps, lambda step: step.migration.atomic)
        ]
        *before, last = parts if parts and parts[-1].is_atomic else [*parts, Piece([], True)]
        for piece in before:
            # What is not atomic is recorded as done at once: it cannot be taken back.
            yield from (
                [piece] if piece.is_atomic else [Piece([step], False) for step in piece.steps]
            )
        yield Piece(last.steps, True, is_last=True)

    def learn(self, sent: dict[str, tuple[str, ...]], relations: list[tuple[str, str]]) -> None:
        """After the first schema: from now on the recordable steps are what was sent there."""
        for step in self.steps:
            if step.is_recordable:
                step.statements, step.state = sent[str(step)], None
        self.relations, self.is_learned = relations, True


def write_recipe(connection: BaseDatabaseWrapper) -> Recipe:
    """For the schema that is entered; changes nothing. Raises InconsistentMigrationHistory."""
    executor = MigrationExecutor(connection)
    loader = executor.loader
    loader.check_consistent_history(connection)
    applied = set(loader.applied_migrations)
    nodes = [key for key in applied if key in loader.graph.nodes]
    state = loader.project_state(nodes) if nodes else ProjectState()
    plan = executor.migration_plan(loader.graph.leaf_nodes())
    steps = []
    if plan:
        _ = state.apps  # rendered here, so that each clone only renders what changed
    for migration, _backwards in plan:
        recordable = is_recordable(migration, connection.alias)
        if not recordable:
            _render_whole(state)
        steps.append(Step(migration, state, recordable))
        state = migration.mutate_state(state)
    done = applied.union(*(step.rows for step in steps))
    completed = [
        key
        for key, migration in loader.replacements.items()
        if key not in done and done.issuperset(map(tuple, migration.replaces))
    ]
    return Recipe(steps, completed)


def _render_whole(state: ProjectState) -> None:
    """Django would do it in front of each RunPython, and so once in each tenant."""
    if state.is_delayed:
        state.clear_delayed_apps_cache()
        _ = state.apps
        state.is_delayed = False


def relations_of(connection: Any, schema: str) -> set[tuple[str, str]]:
    """Tables and sequences. Reads the whole catalogue, so only for the first of a recipe."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, relkind FROM pg_class"
            " WHERE relnamespace = %s::regnamespace AND relkind = ANY ('{r,p,v,m,f,S}')",
            [_quoted(schema)],
        )
        return {(name, str(kind)) for name, kind in cursor.fetchall()}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
