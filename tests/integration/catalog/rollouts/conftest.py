"""Two tenants with a first release, a second one, and n8n's troubles without their waiting."""

from pathlib import Path

import pytest

from controlplane.catalog.models import Installation, Release
from tenants.models import Tenant
from tests.factories.installations import make_release
from tests.factories.rollouts import install_at
from tests.factories.upgrades import make_later_release
from tests.fakes.n8n import FakeN8n

Fleet = dict[str, Installation]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controlplane.instances.client.transport.TRIES", 1)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


@pytest.fixture
def fleet(north: Tenant, south: Tenant, n8n: FakeN8n, tmp_path: Path) -> Fleet:
    release = make_release(tmp_path)
    return {each.slug: install_at(each, release, n8n) for each in (north, south)}


@pytest.fixture
def later(fleet: Fleet, tmp_path: Path) -> Release:
    return make_later_release(tmp_path)
