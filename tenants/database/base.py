"""The PostgreSQL backend: entering a tenant sets search_path and role in one statement.

Wall one is django-tenants' search_path, wall two the role: each tenant schema has a NOLOGIN role
of its own, so a schema-qualified query for another tenant fails in PostgreSQL itself. This stops
wrong-schema bugs; an injected RESET ROLE it does not stop.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import django.db.utils
from django_tenants.postgresql_backend import base as django_tenants_base
from django_tenants.utils import get_public_schema_name
from psycopg import sql

from tenants.database.pool import (
    SET_BOTH,
    lend_the_last_first,
    note_schema,
    reset_connection,
)


@lru_cache(maxsize=10_000)
def _setting(paths: tuple[str, ...], role: str) -> str:
    """The statement that enters: put together once, which takes as long as to carry it out."""
    path = ", ".join('"{}"'.format(p.replace('"', '""')) for p in paths)
    return sql.SQL(SET_BOTH).format(sql.Literal(path), sql.Literal(role)).as_string()


class DatabaseWrapper(django_tenants_base.DatabaseWrapper):
    """Remembers what the session was last told and tells it again whenever that may be lost.

    A rollback, a rollback to a savepoint and a reconnect revert session settings: the parent
    clears `search_path_set_schemas` at each of them, and the next cursor sets both again.
    """

    _setting_search_path: bool
    # Which schema and role the session was made ready for, by a message that asked something else.
    _ready_for: tuple[list[str], str] | None = None

    @property
    def pool(self) -> Any:
        pool = super().pool
        if pool is not None:
            lend_the_last_first(pool)
        return pool

    @property
    def _is_outside(self) -> bool:
        return bool(self.schema_name == get_public_schema_name())

    def _close(self) -> None:
        # Here and not by the pool's own `reset`, which a thread of the pool's would do while it
        # competes with the requests: a quarter of the requests a second.
        if self.connection is not None and self.pool:
            reset_connection(self.connection)
        self._ready_for = None
        super()._close()

    def _wanted_role(self) -> str:
        return "none" if self._is_outside else self._role_of(self.schema_name)

    def _role_of(self, schema: str) -> str:
        if not self.settings_dict.get("TENANT_ROLES", True):
            return "none"
        return f"{self.settings_dict['NAME']}_{schema}"

    def _entering(self, schema: str) -> tuple[list[str], str]:
        """Search path and role, as they will be wanted inside."""
        before: str = self.schema_name
        self.schema_name: str = schema
        try:
            return self._get_cursor_search_paths(), self._role_of(schema)
        finally:
            self.schema_name = before

    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:
        # The parent also clears the content type cache, since with its defaults tenants may have
        # content types of their own. Ours are shared: one cache serves all.
        self.tenant = tenant
        self.schema_name = tenant.schema_name
        self.include_public_schema = include_public
        self.set_settings_schema(self.schema_name)
        self.search_path_set_schemas = None

    def ask_before_entering(self, question: str, values: Sequence[Any], tenant: Any) -> Any:
        """The question's first row, asked outside of any tenant, in one message with entering one.

        The tenant is not entered by it: what is asked next is asked wherever the code is by then,
        and is told so first, unless that is inside this very tenant.
        """
        paths, role = self._entering(tenant.schema_name)
        enter = _setting(tuple(paths), role).replace("%", "%%")
        with self.cursor() as cursor:
            # Whatever comes of it, nobody knows where the session stands until it is said again.
            self.search_path_set_schemas = None
            cursor.execute(f"{question};{enter}", values)
            row = cursor.fetchone()
        self._ready_for = paths, role
        note_schema(self.connection, tenant.schema_name)
        return row

    def rollback(self) -> None:
        self._ready_for = None
        super().rollback()

    def savepoint_rollback(self, sid: str) -> None:
        self._ready_for = None
        super().savepoint_rollback(sid)

    def _handle_search_path(self, cursor: Any = None) -> None:
        if self._setting_search_path or self.search_path_set_schemas:
            return
        paths = self._get_cursor_search_paths()
        if self.connection.__dict__.pop("is_outside", False) and self._is_outside:
            # The pool has just said so to the session: it need not be said again.
            self.search_path_set_schemas = paths
            return
        ready, self._ready_for = self._ready_for, None
        if ready == (paths, self._wanted_role()):
            self.search_path_set_schemas = paths
            return
        self._setting_search_path = True
        own_cursor = self.connection.cursor() if cursor is None else cursor
        try:
            own_cursor.execute(_setting(tuple(paths), self._wanted_role()))
            note_schema(self.connection, self.schema_name)
        except django.db.utils.InternalError:
            # The transaction is already broken: whatever comes next is a rollback or fails too.
            self.search_path_set_schemas = None
        else:
            self.search_path_set_schemas = paths
        finally:
            self._setting_search_path = False
            if cursor is None:
                own_cursor.close()
