"""One tenant to the newest migrations and rights, and everything that says so beside it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections, transaction
from psycopg import sql

from controlplane.core.models import new_id
from tenants import grants
from tenants.fingerprint import DIGEST, current_fingerprint, has_todays_rights
from tenants.fleet.recipe import Piece, Recipe, relations_of, write_recipe
from tenants.models import FleetRun, Tenant

ALIAS = "owner"
# One statement, since it is said a thousand times.
NOTE = """
WITH noted AS (
    UPDATE public.tenants_tenant
    SET schema_fingerprint = %(fingerprint)s, release = %(release)s WHERE id = %(tenant)s
)
INSERT INTO public.tenants_fleetresult
    (id, created_at, updated_at, run_id, tenant_id, seconds, error)
VALUES (%(result)s, now(), now(), %(run)s, %(tenant)s, %(seconds)s, '')
"""


class BeingProvisioned(Exception):
    """Somebody makes the tenant's tables at this moment."""


class StepFailed(Exception):
    """`migration` could not be applied; the cause says why."""

    def __init__(self, migration: str) -> None:
        super().__init__(migration)
        self.migration = migration


class Migrator:
    """What all workers of a run share: the recipes, by the state of a schema."""

    def __init__(self, run: FleetRun, *, lock_timeout: float, all_rights: bool = False) -> None:
        self.run = run
        self.lock_timeout = f"{int(lock_timeout * 1000)}ms"
        self._all_rights = all_rights
        self._recipes: dict[str, Recipe] = {}
        self._locks: dict[str, Lock] = {}
        self._guard = Lock()

    def migrate(self, tenant: Tenant) -> None:
        """In this thread's owner connection. Safe to repeat after any failure.

        Raises BeingProvisioned, StepFailed, DatabaseError, and what a data migration raises.
        """
        connection: Any = connections[ALIAS]
        if connection.connection is None:
            _set_lock_timeout(connection, self.lock_timeout)
        connection.set_tenant(tenant)
        try:
            with _held(connection, tenant):
                # Not the row's fingerprint, which may be older than what was done by hand.
                state = state_of(connection, tenant.schema_name)
                recipe, is_first, release = self._recipe(state, connection)
                try:
                    self._follow(recipe, tenant, connection, learn=is_first)
                finally:
                    release()
        finally:
            connection.set_schema_to_public()

    def _recipe(self, state: str, connection: Any) -> tuple[Recipe, bool, Any]:
        """The recipe, whether it is still to be recorded, and what to call when it was followed.

        One worker at a time takes a recipe that is not recorded; the others wait for it.
        """
        with self._guard:
            lock = self._locks.setdefault(state, Lock())
        lock.acquire()
        try:
            recipe = self._recipes.get(state)
            if recipe is None:
                recipe = self._recipes[state] = write_recipe(connection)
        except BaseException:
            lock.release()
            raise
        if recipe.is_learned:
            lock.release()
            return recipe, False, lambda: None
        return recipe, True, lock.release

    def _follow(self, recipe: Recipe, tenant: Tenant, connection: Any, *, learn: bool) -> None:
        began = time.perf_counter()
        before = relations_of(connection, tenant.schema_name) if learn else set()
        sent: dict[str, tuple[str, ...]] = {}
        made: list[tuple[str, str]] = recipe.relations
        all_rights = self._needs_all_rights(recipe, tenant)
        for piece in recipe.pieces():
            if not piece.is_last:
                # Interrupted from here on, nobody knows what it has and whose rights are missing.
                tenant.schema_fingerprint = ""
                Tenant.objects.using(ALIAS).filter(pk=tenant.pk).update(schema_fingerprint="")
            with transaction.atomic(ALIAS) if piece.is_atomic else self._patiently(connection):
                self._take_steps(piece, connection, sent)
                _record(connection, tenant, [row for step in piece.steps for row in step.rows])
                if piece.is_last:
                    _record(connection, tenant, recipe.completed)
                    if learn:
                        made = sorted(relations_of(connection, tenant.schema_name) - before)
                    self._give_rights(tenant, made, everything=all_rights)
                    self._note(tenant, time.perf_counter() - began)
        if learn:
            recipe.learn(sent, made)

    @contextmanager
    def _patiently(self, connection: Any) -> Iterator[None]:
        """What is made CONCURRENTLY keeps nobody waiting, and given up it leaves a ruin behind."""
        _set_lock_timeout(connection, "0")
        try:
            yield
        finally:
            _set_lock_timeout(connection, self.lock_timeout)

    def _take_steps(self, piece: Piece, connection: Any, sent: dict[str, tuple[str, ...]]) -> None:
        for number, step in enumerate(piece.steps):
            try:
                if number:
                    _settle_constraints(connection)
                sent[str(step)] = step.run(connection)
            # Also SystemExit, by which a data migration may give up.
            except BaseException as error:
                raise StepFailed(str(step)) from error

    def _needs_all_rights(self, recipe: Recipe, tenant: Tenant) -> bool:
        """Else those to what was just made are enough. A data migration may have made anything."""
        runs_django = not all(step.is_recordable for step in recipe.steps)
        return self._all_rights or runs_django or not has_todays_rights(tenant.schema_fingerprint)

    def _give_rights(
        self, tenant: Tenant, made: list[tuple[str, str]], *, everything: bool
    ) -> None:
        if everything:
            grants.grant_tenant(tenant)
            return
        grants.grant_relations(
            tenant.schema_name,
            tables=[name for name, kind in made if kind != "S"],
            sequences=[name for name, kind in made if kind == "S"],
        )

    def _note(self, tenant: Tenant, seconds: float) -> None:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(
                NOTE,
                {
                    "tenant": tenant.pk,
                    "fingerprint": current_fingerprint(),
                    "release": settings.RELEASE,
                    "result": new_id(),
                    "run": self.run.pk,
                    "seconds": seconds,
                },
            )


@contextmanager
def _held(connection: Any, tenant: Tenant) -> Iterator[None]:
    """The lock under which the tenant is provisioned. Raises BeingProvisioned."""
    key = ["tenants.provision", str(tenant.pk)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s), hashtext(%s))", key)
        if not cursor.fetchone()[0]:
            raise BeingProvisioned(f"{tenant.slug} is just being provisioned")
    try:
        yield
    finally:
        # Lost with the connection, it is given back already.
        with suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtext(%s), hashtext(%s))", key)


def state_of(connection: Any, schema: str) -> str:
    with connection.cursor() as cursor:
        # Named with its schema: where a tenant has none yet, the shared one would answer.
        cursor.execute(sql.SQL(DIGEST).format(sql.Identifier(schema, "django_migrations")))
        return str(cursor.fetchone()[0])


def _record(connection: Any, tenant: Tenant, rows: list[tuple[str, str]]) -> None:
    if not rows:
        return
    apps, names = zip(*rows, strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "INSERT INTO {} (app, name, applied) SELECT app, name, now()"
                " FROM unnest(%s::text[], %s::text[]) AS new (app, name)"
            ).format(sql.Identifier(tenant.schema_name, "django_migrations")),
            [list(apps), list(names)],
        )


def _set_lock_timeout(connection: Any, timeout: str) -> None:
    """For the session: the crew's connections do nothing else."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [timeout])


def _settle_constraints(connection: Any) -> None:
    """Between two migrations: rows with checks still to come would keep the table from ALTER."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
