"""The real n8n of the tests, as it was started: nothing of Pergola's beside it."""

from dataclasses import dataclass

import pytest

from controlplane.instances.models import Instance
from tenants.models import Tenant
from tests.services import stack


@dataclass(frozen=True)
class RunningN8n:
    base_url: str
    owner_key: str
    owner_email: str
    owner_password: str


@pytest.fixture(scope="session")
def n8n() -> RunningN8n:
    from deploy.n8n_nodes import build

    stack.start(node_pack=build.pack())
    environment = stack.environment()
    return RunningN8n(
        base_url=environment["N8N_URL"],
        owner_key=environment["N8N_API_KEY"],
        owner_email=environment["N8N_OWNER_EMAIL"],
        owner_password=environment["N8N_OWNER_PASSWORD"],
    )


@pytest.fixture
def tenant(north: Tenant) -> Tenant:
    """Not entered: binding a tenant begins outside of it. No other instance is known."""
    Instance.objects.all().delete()  # the end-to-end tests' own; the rollback brings it back
    return north
