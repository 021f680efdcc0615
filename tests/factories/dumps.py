"""A schema in the words of pg_dump, which is the judge of whether two are the same."""

import subprocess

from django.db import connections

from deploy.embedded.postgres import binary_folder
from tenants.grants import role_named


def dump(schema: str, *, role: str = "") -> str:
    """Tables, owners and rights of the schema, with `SCHEMA` and `ROLE` for its own names."""
    owner = connections["owner"].settings_dict
    done = subprocess.run(
        [str(binary_folder() / "pg_dump"), "--schema-only", "-n", schema, owner["NAME"]],
        env={
            "PGHOST": owner["HOST"],
            "PGPORT": str(owner["PORT"]),
            "PGUSER": owner["USER"],
            "PGPASSWORD": owner["PASSWORD"],
        },
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [
        line.replace(role or role_named(schema), "ROLE").replace(schema, "SCHEMA")
        for line in done.stdout.splitlines()
        # A password against hostile dumps, another each time.
        if not line.startswith(("\\restrict", "\\unrestrict"))
    ]
    return "\n".join(lines)
