"""The PostgreSQL backend: entering a tenant sets search_path and role in one statement.

Wall one is django-tenants' search_path, wall two the role: each tenant schema has a NOLOGIN role
of its own, so a schema-qualified query for another tenant fails in PostgreSQL itself. This stops
wrong-schema bugs; an injected RESET ROLE it does not stop.
"""

from typing import Any

import django.db.utils
from django_tenants.postgresql_backend import base as django_tenants_base
from django_tenants.utils import get_public_schema_name

from tenants.database.pool import SET_BOTH, note_schema, reset_connection


class DatabaseWrapper(django_tenants_base.DatabaseWrapper):
    """Remembers what the session was last told and tells it again whenever that may be lost.

    A rollback, a rollback to a savepoint and a reconnect revert session settings: the parent
    clears `search_path_set_schemas` at each of them, and the next cursor sets both again.
    """

    _setting_search_path: bool

    @property
    def _is_outside(self) -> bool:
        return bool(self.schema_name == get_public_schema_name())

    def _close(self) -> None:
        # Here and not by the pool's own `reset`, which a thread of the pool's would do while it
        # competes with the requests: a quarter of the requests a second.
        if self.connection is not None and self.pool:
            reset_connection(self.connection)
        super()._close()

    def _wanted_role(self) -> str:
        if self._is_outside or not self.settings_dict.get("TENANT_ROLES", True):
            return "none"
        return f"{self.settings_dict['NAME']}_{self.schema_name}"

    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:
        # The parent also clears the content type cache, since with its defaults tenants may have
        # content types of their own. Ours are shared: one cache serves all.
        self.tenant = tenant
        self.schema_name = tenant.schema_name
        self.include_public_schema = include_public
        self.set_settings_schema(self.schema_name)
        self.search_path_set_schemas = None

    def _handle_search_path(self, cursor: Any = None) -> None:
        if self._setting_search_path or self.search_path_set_schemas:
            return
        paths = self._get_cursor_search_paths()
        if self.connection.__dict__.pop("is_outside", False) and self._is_outside:
            # The pool has just said so to the session: it need not be said again.
            self.search_path_set_schemas = paths
            return
        self._setting_search_path = True
        own_cursor = self.connection.cursor() if cursor is None else cursor
        try:
            path = ", ".join('"{}"'.format(p.replace('"', '""')) for p in paths)
            own_cursor.execute(SET_BOTH, [path, self._wanted_role()])
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
