"""Django's own backend; `search_path` stands in the connection's options and never changes."""

from typing import Any

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    # What the code below the doors asks a connection for.
    schema_name = "t_bench_0"
    tenant: Any = None

    def set_schema_to_public(self) -> None: ...

    def set_tenant(self, tenant: Any) -> None: ...
