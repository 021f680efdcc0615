"""One world for the whole package: made once, tried by every cell, rolled back at the end."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections as databases
from django.db import transaction

from tenants import lookup
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.world import connections, parts
from tests.fakes.n8n import running_fake_n8n
from tests.integration.isolation.callers import Callers
from tests.integration.isolation.cells import LEDGER
from tests.integration.isolation.world import World


@pytest.fixture(scope="package")
def database(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Open for the whole package; what its tests do is rolled back at the end."""
    with django_db_blocker.unblock():
        lookup.forget_tenants()
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
        lookup.forget_tenants()
        databases["default"].set_schema_to_public()


@pytest.fixture(scope="package")
def neighbours(database: None) -> tuple[Tenant, Tenant, Tenant]:
    """The tenant that is tried for, the foreign one, and the one that lends a sandbox."""
    north, south, yard = (lookup.tenant_by_slug(slug) for slug in ("north", "south", "yard"))
    return north, south, yard


@pytest.fixture(scope="package")
def callers(neighbours: tuple[Tenant, Tenant, Tenant]) -> Callers:
    return Callers(*neighbours)


@pytest.fixture(scope="package")
def world(callers: Callers) -> Iterator[World]:
    with running_fake_n8n() as n8n, connections.servers():
        with inside(callers.tenant):
            made = parts(n8n.url)
        yield World(callers.tenant, made, n8n)


@pytest.fixture(autouse=True)
def _scraped_by_token(settings: Any) -> None:
    """As where others than the machine itself can ask; without one the loopback may."""
    settings.METRICS_TOKEN = "of the scraper alone"


@pytest.fixture(autouse=True)
def undone(database: None, request: pytest.FixtureRequest) -> Iterator[None]:
    """What a cell did, or broke, does not meet the next."""
    if "world" in request.fixturenames:
        request.getfixturevalue("world").n8n.calls.clear()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    databases["default"].set_schema_to_public()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    found = LEDGER.summary()
    terminalreporter.write_line(f"isolation: {found['cells']} cells, {found['leaks']} leaks")
    LEDGER.write()
