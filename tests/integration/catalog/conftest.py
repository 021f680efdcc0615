"""An installation of a first release, and a second release."""

from pathlib import Path

import pytest

from controlplane.catalog.models import Installation, Release
from tenants.models import Tenant
from tests.factories.events import make_workspace
from tests.factories.upgrades import make_active, make_later_release
from tests.fakes.n8n import FakeN8n


@pytest.fixture
def installation(north: Tenant, tenant: Tenant, n8n: FakeN8n, tmp_path: Path) -> Installation:
    make_workspace(n8n.url)
    return make_active(tmp_path, max_quantity=7)


@pytest.fixture
def later(installation: Installation, tmp_path: Path) -> Release:
    return make_later_release(tmp_path)
