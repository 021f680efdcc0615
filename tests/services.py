"""A pytest plugin: real PostgreSQL and Redis of the tests' own, before Django reads its settings.

Loaded by `-p tests.services`, since pytest-django imports the settings before any conftest. The
database is named after the code that makes it, so it is built once and again after each change.
With `-n` each of pytest-xdist's workers has services of its own.
"""

import gc
import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from xdist.scheduler import LoadScopeScheduling

from deploy.embedded.progress import Silent
from deploy.embedded.stack import Stack
from deploy.offline import NOWHERE

# Whoever runs this may have switched it off. Each process, and there are dozens, would then compile
# all of the product and of the tests anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

ROOT = Path(__file__).parents[1]
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
# PERGOLA_TEST_VAR=test-two lets a second run have services of its own at the same time.
_NAME = os.environ.get("PERGOLA_TEST_VAR", "test")
VAR = ROOT / "var" / (f"{_NAME}-{WORKER}" if WORKER else _NAME)
# Folders that stay with one worker, so that one n8n is started.
TOGETHER = ("tests/e2e/", "tests/integration/instances/")
PREFIX = "pergola_test_"
# The end-to-end tests commit; what they leave must surprise no other test.
E2E_PREFIX = "pergola_e2e_"


def _fingerprint() -> str:
    """Of everything that makes schemas and what provisioning puts into them."""
    digest = hashlib.sha256()
    for folder in ("controlplane", "tenants"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if {"migrations", "provisioning"} & set(path.parts) or path.stem in {
                "settings", "grants", "router", "base", "default_policy", "starter",
            }:  # fmt: skip
                digest.update(path.read_bytes())
    digest.update((ROOT / "controlplane" / "support" / "starter.csv").read_bytes())
    for path in sorted((ROOT / "workflow-templates").rglob("*")):
        digest.update(path.read_bytes() if path.is_file() else b"")
    return digest.hexdigest()[:10]


def make_database(owner_url: str, prefix: str = PREFIX) -> str:
    """The name of the tests' database, made now where it is not there; older ones go."""
    name = f"{prefix}{_fingerprint()}"
    with psycopg.connect(owner_url, autocommit=True) as owner:
        there = {row[0] for row in owner.execute("SELECT datname FROM pg_database").fetchall()}
        for old in {other for other in there if other.startswith(prefix)} - {name}:
            owner.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(old)))
        if name not in there:
            owner.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            # As the embedded cluster does for its own: nobody connects but who is named.
            for statement in (
                "REVOKE ALL ON DATABASE {} FROM PUBLIC",
                "GRANT CONNECT ON DATABASE {} TO pergola_app",
            ):
                owner.execute(sql.SQL(statement).format(sql.Identifier(name)))
    return name


stack = Stack(
    ROOT,
    var=VAR,
    n8n_host=ROOT / "var" / "n8n-host",
    durable=False,
    reporter=Silent(),
    environ={},
)


def _start() -> None:
    # Else whitenoise warns at the first request, and here a warning is an error.
    (ROOT / "var" / "static").mkdir(parents=True, exist_ok=True)
    stack.start(n8n=False)
    environment = stack.environment()
    name = make_database(environment["DATABASE_OWNER_URL"])
    for key in ("DATABASE_URL", "DATABASE_OWNER_URL"):
        environment[key] = environment[key].rsplit("/", 1)[0] + f"/{name}"
    os.environ.update(
        environment,
        DATABASE_POOL="false",
        LOG_LEVEL="ERROR",
        # Races here send more at once than a server's threads would carry out.
        WEB_THREADS="64",
        EMAIL_URL=f"filemail:///{VAR / 'mail'}",
        FILES_ROOT=str(VAR / "files"),
    )


_only_hands_out = not WORKER and any(word.startswith("-n") for word in sys.argv)
if _only_hands_out:
    os.environ.update(NOWHERE)
elif not {"--help", "-h", "--version"} & set(sys.argv):
    _start()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _ByFile(config, log)


class _ByFile(LoadScopeScheduling):
    """In the order of collection, which has the longest piece first: see tests/conftest.py."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", 1)[0]
        return "n8n" if path.startswith(TOGETHER) else path


# What is loaded until the tests begin stays; nobody looks through it for garbage, then or later.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 20, 50)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    # The isolation proof runs many small sessions, and stops the services after the last.
    if not _only_hands_out and "PERGOLA_TEST_KEEP" not in os.environ:
        stack.stop(everything=True)
