"""A fleet with one template, and a rollout that is driven by hand as workers would."""

from copy import deepcopy
from typing import Any

from django.utils import timezone

from controlplane.catalog.deploy import deploy
from controlplane.catalog.models import Installation, Release, Rollout
from controlplane.catalog.rollouts import asking, driving
from controlplane.catalog.rollouts.driving import Left
from controlplane.workflow.canonical import workflow_hash
from controlplane.workflow.reading import read_one
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.events import ADA, make_workspace
from tests.factories.installations import make_installation
from tests.fakes.n8n import FakeN8n


def install_at(tenant: Tenant, release: Release, n8n: FakeN8n) -> Installation:
    with inside(tenant):
        make_workspace(n8n.url, prefix=tenant.slug)
        installation = deploy(make_installation(release).pk)
        installation.refresh_from_db()
    return installation


def begun(release: Release, **settings: Any) -> Rollout:
    """Watched for no time at all, and without pace, unless said otherwise."""
    quick = {"watch_minutes": 0, "least_runs": 0, "per_minute": 60_000, "tries_cases": False}
    return asking.begin(release_id=release.pk, by=ADA, **{**quick, **settings})


def drive(rollout: Rollout, *, steps: int = 20) -> Rollout:
    """As far as it goes without time passing."""
    for _ in range(steps):
        before = (rollout.status, rollout.ring, len(rollout.steps))
        rollout = driving.advance(rollout.pk)
        left = driving.run_lane(rollout.pk, 0, seconds=5)
        rollout.refresh_from_db()
        if left == Left.NOTHING and (rollout.status, rollout.ring, len(rollout.steps)) == before:
            break
    return rollout


def states(rollout: Rollout) -> dict[str, str]:
    """Status by the tenant's slug."""
    return dict(rollout.places.values_list("tenant__slug", "status"))


def flow_of(n8n: FakeN8n, installation: Installation) -> dict[str, Any]:
    return n8n.workflows[installation.workflow_id]


def hash_in(n8n: FakeN8n, installation: Installation) -> str:
    return workflow_hash(read_one(flow_of(n8n, installation)).workflow)


def edit_at(n8n: FakeN8n, installation: Installation, **changes: Any) -> None:
    """As a person in the editor: parameters of Review."""
    found = flow_of(n8n, installation)
    flow = {key: deepcopy(found[key]) for key in ("nodes", "connections", "settings", "name")}
    next(node for node in flow["nodes"] if node["id"] == "b")["parameters"] |= changes
    n8n.saved(found, flow)


def ran(n8n: FakeN8n, installation: Installation, *statuses: str) -> None:
    """Executions of its workflow that began, and ended, now."""
    for status in statuses:
        name = str(1000 + len(n8n.executions))
        n8n.executions[name], n8n.runs_of[name] = status, installation.workflow_id
        n8n.started[name] = n8n.stopped[name] = timezone.now().isoformat()
