"""Search_path, role, pool and rights: what keeps two tenants apart in the database."""

from tests.mutation.mutant import Mutant

WALLS_TEST = "tests/integration/tenants/test_two_walls.py"
POOL_TEST = "tests/integration/tenants/test_walls_in_the_pool.py"
BACKEND = "tenants/database/base.py"
SET_BOTH = "own_cursor.execute(_setting(tuple(paths), self._wanted_role()))"
LEAVE = "connection.pgconn.exec_(LEAVE)"

WALLS = [
    Mutant(
        "role-not-set",
        "the role of the tenant",
        BACKEND,
        "return f\"{self.settings_dict['NAME']}_{schema}\"",
        'return "none"',
        (WALLS_TEST,),
    ),
    Mutant(
        "role-not-reset",
        "the way back to no role",
        BACKEND,
        SET_BOTH,
        "role = self._wanted_role()\n"
        "            both = _setting(tuple(paths), role)\n"
        "            own_cursor.execute(both if role != 'none' else both.partition(', set_')[0])",
        (WALLS_TEST,),
        "entering_and_leaving",
    ),
    Mutant(
        "search-path-not-set",
        "the search_path",
        BACKEND,
        SET_BOTH,
        "own_cursor.execute(\"SELECT set_config('role', %s, false)\", [self._wanted_role()])",
        (WALLS_TEST,),
        "entering_and_leaving",
    ),
    Mutant(
        "entering-not-noticed",
        "the mark that a session has to be told of another tenant",
        BACKEND,
        "self.set_settings_schema(self.schema_name)\n        self.search_path_set_schemas = None",
        "self.set_settings_schema(self.schema_name)",
        (WALLS_TEST,),
        "entering_and_leaving",
    ),
    Mutant(
        "ready-for-any",
        "the comparison of the tenant that a session was made ready for with the one entered",
        BACKEND,
        "if ready == (paths, self._wanted_role()):",
        "if ready:",
        (POOL_TEST,),
        "enters_another or never or does_not_enter",
    ),
    Mutant(
        "outside-not-left",
        "the way back in after a question about shared rows",
        "tenants/context.py",
        "        _connection().set_tenant(before)",
        "        pass",
        (WALLS_TEST,),
        "entering_and_leaving or comes_back_in",
    ),
    Mutant(
        "pool-keeps-role",
        "the way back to no role when a connection goes back to the pool",
        "tenants/database/pool.py",
        LEAVE,
        "connection.pgconn.exec_(b\"SELECT set_config('search_path', 'public', false)\")",
        ("database",),
        "pool",
    ),
    Mutant(
        "pool-keeps-search-path",
        "the way back to the shared schema when a connection goes back to the pool",
        "tenants/database/pool.py",
        LEAVE,
        "connection.pgconn.exec_(b\"SELECT set_config('role', 'none', false)\")",
        ("database",),
        "pool",
    ),
    Mutant(
        "pool-not-told",
        "the reset before the pool gets a connection back",
        "tenants/database/base.py",
        "            reset_connection(self.connection)\n",
        "            pass\n",
        ("database",),
        "pool",
    ),
    Mutant(
        "append-only-writable",
        "the REVOKE that makes tables append-only",
        "tenants/grants.py",
        '"REVOKE UPDATE, DELETE ON {schema}.{table} FROM {role}"',
        '"REVOKE TRUNCATE ON {schema}.{table} FROM {role}"',
        ("database",),
        "owns_nothing",
        in_database=True,
    ),
    Mutant(
        "shared-columns-all",
        "grants of shared tables column by column",
        "tenants/grants.py",
        'f"GRANT {privilege} ({{columns}}) ON public.{{table}} TO {{every}}"',
        'f"GRANT {privilege}, UPDATE ON public.{{table}} TO {{every}}"',
        ("database",),
        "shared_tables",
        in_database=True,
    ),
    Mutant(
        "login-inherits-tenants",
        "the login's membership without inheritance",
        "tenants/grants.py",
        '"GRANT {role} TO {app} WITH INHERIT FALSE, SET TRUE"',
        '"GRANT {role} TO {app} WITH INHERIT TRUE, SET TRUE"',
        ("database",),
        "None",
        in_database=True,
    ),
    Mutant(
        "outbox-in-anothers-name",
        "the row policy of the shared outbox",
        "tenants/grants.py",
        "own = \"current_user = current_database() || '_' || {column}\"",
        'own = "true OR {column} IS NULL"',
        ("database",),
        "own_name",
        in_database=True,
    ),
    Mutant(
        "outbox-by-search-path",
        "the role, and not the search_path, as the name in the outbox's policy",
        "tenants/grants.py",
        "own = \"current_user = current_database() || '_' || {column}\"",
        'own = "{column} = current_schema()"',
        (WALLS_TEST,),
        "search_path_gives_no_other_name",
        in_database=True,
    ),
]
