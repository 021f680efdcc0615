"""Another installation: a database, logins and keys of its own in the same cluster."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from cryptography.fernet import Fernet
from psycopg import sql

from controlplane.audit import signing

ROOT = Path(__file__).parents[2]
DATABASE, OWNER, APP = "elsewhere", "elsewhere_owner", "elsewhere_app"
PASSWORD = "elsewhere"


@dataclass(frozen=True)
class Elsewhere:
    environment: dict[str, str]
    files: Path

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Python in that installation: `run("manage.py", "migrate_fleet")`."""
        return subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def manage(self, *arguments: str) -> str:
        done = self.run("manage.py", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.environment["DATABASE_OWNER_URL"], autocommit=True)


@contextmanager
def another_installation(folder: Path) -> Iterator[Elsewhere]:
    """Empty: nothing is migrated yet. Its Redis database is another one too."""
    ours = os.environ["DATABASE_OWNER_URL"]
    place = urlsplit(ours).hostname, urlsplit(ours).port
    urls = {
        name: f"postgres://{login}:{PASSWORD}@{place[0]}:{place[1]}/{DATABASE}"
        for name, login in (("DATABASE_URL", APP), ("DATABASE_OWNER_URL", OWNER))
    }
    kept = {
        key: os.environ[key] for key in ("PATH", "HOME", "PERGOLA_ENV_FILE") if key in os.environ
    }
    environment = kept | urls | {
        "SECRET_KEY": "elsewhere", "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        "REDIS_URL": os.environ["REDIS_URL"].rsplit("/", 1)[0] + "/9",
        "FILES_ROOT": str(folder / "files"), "DATABASE_POOL": "false", "LOG_LEVEL": "ERROR",
        "PUBLIC_URL": "https://elsewhere.example",
        # As an operator does who brings tenants from here: docs/audit.md.
        "AUDIT_FORMER_PUBLIC_KEYS": signing.public_key(),
    }  # fmt: skip
    with psycopg.connect(ours, autocommit=True) as owner:
        _drop(owner)
        for login, rights in ((OWNER, "CREATEROLE"), (APP, "")):
            owner.execute(
                sql.SQL(f"CREATE ROLE {{}} LOGIN {rights} PASSWORD {{}}").format(
                    sql.Identifier(login), sql.Literal(PASSWORD)
                )
            )
            owner.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(login)))
        owner.execute(f"CREATE DATABASE {DATABASE} OWNER {OWNER}")
        try:
            yield Elsewhere(environment, folder / "files")
        finally:
            _drop(owner)


def _drop(owner: psycopg.Connection) -> None:
    owner.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    roles = owner.execute(
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'elsewhere\\_%%' ORDER BY rolname = %s",
        [OWNER],
    ).fetchall()
    if (OWNER,) in roles:
        # It made the tenants' roles, and only it may take them away.
        owner.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(OWNER)))
        for (role,) in roles:
            if role not in (OWNER, APP):
                owner.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
        owner.execute("RESET ROLE")
        for role in (APP, OWNER):
            owner.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))
