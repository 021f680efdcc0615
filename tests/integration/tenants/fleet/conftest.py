"""A database of its own, since migrations commit: a copy of the tests' one, with its tenants."""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module, invalidate_caches
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from tenants import fingerprint, lookup
from tenants.models import FleetRun, Tenant

NAME = "pergola_fleet"
# What tests begin with, kept aside: to copy it is quicker than to make it.
READY = f"{NAME}_ready"


@pytest.fixture(scope="session")
def ready(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The tests' database with the rights that one of our name needs."""
    with django_db_blocker.unblock():
        make_database(connections["owner"].settings_dict["NAME"])
        with connected():
            call_command("migrate_fleet", grants=True, stdout=StringIO())
        keep_as(READY)
        yield READY
        drop_database(READY)


@pytest.fixture
def database(ready: str, django_db_blocker: Any) -> Iterator[None]:
    """Ours alone; what a test migrates, no other one sees."""
    with django_db_blocker.unblock():
        make_database(ready)
        with connected():
            yield
        drop_database()


@pytest.fixture
def north(database: None) -> Tenant:
    return Tenant.objects.using("owner").get(slug="north")


@pytest.fixture
def south(database: None) -> Tenant:
    return Tenant.objects.using("owner").get(slug="south")


@contextmanager
def connected() -> Iterator[None]:
    """This process looks into ours; afterwards into the tests' again."""
    before = connections["owner"].settings_dict["NAME"]
    _connect(NAME)
    try:
        yield
    finally:
        _connect(before)


def _connect(name: str) -> None:
    connections.close_all()
    for alias in connections:
        connections[alias].settings_dict["NAME"] = name
    lookup.forget_tenants()


def make_database(template: str | None = None) -> None:
    drop_database()
    connections.close_all()
    with psycopg.connect(owner_url(), autocommit=True) as owner:
        owner.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(NAME), sql.Identifier(template or "template1")
            )
        )
        owner.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO pergola_app").format(sql.Identifier(NAME))
        )


def keep_as(name: str) -> None:
    """Ours, under another name, to make others of; nobody connects to it."""
    drop_database(name)
    with psycopg.connect(owner_url(), autocommit=True) as owner:
        kept = sql.Identifier(name)
        owner.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(NAME), kept))
        owner.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(kept))


def drop_database(name: str = NAME) -> None:
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with psycopg.connect(owner_url(), autocommit=True) as owner:
        for _try in range(40):
            try:
                owner.execute(drop)
            except psycopg.errors.InsufficientPrivilege:
                time.sleep(0.25)  # autovacuum is in it, which nobody but a superuser may end
            else:
                return
    pytest.fail(f"{name} is in use by PostgreSQL itself and cannot be dropped")


def owner_url(name: str = "postgres") -> str:
    values = connections["owner"].settings_dict
    return (
        f"postgresql://{values['USER']}:{values['PASSWORD']}@{values['HOST']}:{values['PORT']}"
        f"/{name}"
    )


def query(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []


def last_run() -> FleetRun:
    run = FleetRun.objects.using("owner").first()
    assert run is not None
    return run


Later = Callable[..., None]


@pytest.fixture
def later(settings: Any, tmp_path: Path) -> Iterator[Later]:
    """A migration of the next release: `later("orders", "0003_note", operations="[…]")`."""
    made: list[str] = []
    sys.path.insert(0, str(tmp_path))

    def add(app: str, name: str, *, operations: str, before: str = "", atomic: bool = True) -> None:
        module = f"later_{app}_{tmp_path.name.replace('-', '_')}"
        folder = tmp_path / module
        if not folder.exists():
            own = Path(import_module(f"controlplane.{app}.migrations").__file__ or "").parent
            shutil.copytree(own, folder, ignore=shutil.ignore_patterns("__pycache__"))
        last = sorted(path.stem for path in folder.glob("0*.py"))[-1]
        (folder / f"{name}.py").write_text(
            "from django.db import migrations, models\n"
            f"{before}\n"
            "class Migration(migrations.Migration):\n"
            f"    atomic = {atomic}\n"
            f"    dependencies = [('{app}', '{last}')]\n"
            f"    operations = {operations}\n"
        )
        settings.MIGRATION_MODULES = {**settings.MIGRATION_MODULES, app: module}
        made.append(module)
        forget_migrations(module)

    yield add
    sys.path.remove(str(tmp_path))
    forget_migrations(*made)


def forget_migrations(*modules: str) -> None:
    """What this process knows of the code's migrations is asked anew."""
    invalidate_caches()
    for name in [name for name in sys.modules if name.partition(".")[0] in modules]:
        del sys.modules[name]
    fingerprint.known_migrations.cache_clear()
    fingerprint.current_fingerprint.cache_clear()
