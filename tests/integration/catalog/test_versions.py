"""Earlier versions, what was deleted in n8n, and looking there now and then."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from controlplane.audit.models import Entry
from controlplane.catalog.deploy import deploy
from controlplane.catalog.models import Installation, Release, Snapshot, Upgrade
from controlplane.catalog.services import change_parameters, retry
from controlplane.catalog.upgrades.applying import run_upgrade
from controlplane.catalog.upgrades.asking import (
    restore,
)
from controlplane.catalog.upgrades.drift import drift_of, end_lost_upgrades, look, tend
from controlplane.catalog.upgrades.planning import (
    newest_release,
)
from controlplane.catalog.upgrades.sides import WorkflowArchived, WorkflowGone
from controlplane.catalog.writing import write_parameters
from controlplane.instances.client.errors import InstanceError
from controlplane.workflow.canonical import workflow_hash
from tenants.context import inside, outside
from tenants.models import Tenant
from tenants.retention.classes import all_classes
from tests.factories.events import ADA, make_workspace
from tests.factories.installations import make_installation, make_release, workflow
from tests.factories.upgrades import (
    asked,
    edit,
    in_n8n,
    make_later_release,
    node,
    planned,
)
from tests.fakes.n8n import FakeN8n


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controlplane.instances.client.transport.TRIES", 1)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


WRITTEN = "/workflows/wf[0-9]+$"


def test_restored_it_is_what_it_was_and_what_was_there_is_kept(
    installation: Installation, later: Release, n8n: FakeN8n
) -> None:
    edit(n8n, rename="Judge", limit=5)
    in_n8n(n8n)["pinData"] = {"Judge": [{"json": {"order": 1}}]}
    before = workflow_hash(in_n8n(n8n))
    run_upgrade(asked(installation, later).pk)
    kept = Snapshot.objects.get()
    assert "pinData" not in kept.workflow
    edit(n8n, limit=6)
    edited = workflow_hash(in_n8n(n8n))

    done = run_upgrade(restore(installation_id=installation.pk, snapshot_id=kept.pk, by=ADA).pk)

    assert (done.status, workflow_hash(in_n8n(n8n))) == ("done", before)
    assert in_n8n(n8n)["pinData"] == {"Judge": [{"json": {"order": 1}}]}
    installation.refresh_from_db()
    assert (installation.release_version, installation.parameters) == (
        "1.0.0", {"max_quantity": 7},
    )  # fmt: skip
    assert done.before is not None
    assert (done.before.why, done.before.workflow_hash) == ("restore", edited)
    assert Entry.objects.filter(action="installation.version_restored").count() == 1
    assert newest_release(installation) == later


def test_deleted_in_n8n_it_is_told_and_a_version_brings_it_back(
    installation: Installation, later: Release, n8n: FakeN8n
) -> None:
    edit(n8n, limit=5)
    look(installation_id=installation.pk)
    before = workflow_hash(in_n8n(n8n))
    noted = asked(installation, later)
    n8n.workflows.clear()

    stopped = run_upgrade(noted.pk)

    assert stopped.status == "stopped"
    assert "was deleted in n8n" in stopped.error
    installation.refresh_from_db()
    assert (installation.status, installation.workflow_id) == ("failed", "")
    assert "Restore one of its earlier versions" in installation.last_error
    kept = Snapshot.objects.get()
    assert kept.why == "gone"

    done = run_upgrade(restore(installation_id=installation.pk, snapshot_id=kept.pk, by=ADA).pk)
    assert (done.status, done.error) == ("done", "")
    assert workflow_hash(in_n8n(n8n)) == before
    assert in_n8n(n8n)["active"]
    installation.refresh_from_db()
    assert (installation.status, installation.workflow_id) == ("active", in_n8n(n8n)["id"])
    assert run_upgrade(asked(installation, later).pk).status == "done"


def test_deleted_in_n8n_it_can_be_made_anew_too(installation: Installation, n8n: FakeN8n) -> None:
    n8n.workflows.clear()
    with pytest.raises(WorkflowGone):
        look(installation_id=installation.pk)

    retry(installation_id=installation.pk, by=ADA)

    assert deploy(installation.pk).status == "active"
    assert in_n8n(n8n)["active"]


def test_archived_in_n8n_it_waits(installation: Installation, later: Release, n8n: FakeN8n) -> None:
    noted = asked(installation, later)
    in_n8n(n8n)["isArchived"] = True

    assert run_upgrade(noted.pk).status == "stopped"
    with pytest.raises(WorkflowArchived):
        planned(installation, later)


def test_what_the_tenant_changed_is_looked_at_now_and_then(
    installation: Installation, n8n: FakeN8n, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(
        "controlplane.catalog.upgrades.drift.enqueue_on_commit",
        lambda name, **arguments: sent.append((name, arguments)),
    )
    drift = drift_of(installation)
    assert drift is not None
    assert (drift.changes, drift.is_edited) == ([], False)
    tend()
    assert sent == []
    Installation.objects.update(seen_at=None)
    tend()
    assert sent == [("catalog.look", {"installation_id": str(installation.pk)})]

    edit(n8n, rename="Judge")
    found = look(installation_id=installation.pk)

    drift = drift_of(found)
    assert drift is not None
    assert drift.changes == ["“Review” is called “Judge” now."]
    n8n.refuse("GET", WRITTEN, status=500)
    with pytest.raises(InstanceError):
        look(installation_id=installation.pk)


def test_another_tenant_has_nothing_of_it(
    installation: Installation, later: Release, south: Tenant
) -> None:
    noted = asked(installation, later)
    with inside(south):
        assert not Upgrade.objects.exists()
        with pytest.raises(Exception, match="no upgrade"):
            run_upgrade(noted.pk)


def test_the_newest_way_back_is_kept_when_old_ones_go(
    installation: Installation, later: Release, n8n: FakeN8n
) -> None:
    run_upgrade(asked(installation, later).pk)
    first = Snapshot.objects.get()
    run_upgrade(restore(installation_id=installation.pk, snapshot_id=first.pk, by=ADA).pk)
    long_ago = timezone.now() - timedelta(days=4000)
    Snapshot.objects.filter(pk=first.pk).update(taken_at=long_ago - timedelta(days=1))
    Snapshot.objects.exclude(pk=first.pk).update(taken_at=long_ago)
    Upgrade.objects.update(created_at=long_ago)
    (found,) = [each for each in all_classes() if each.name == "workflows"]

    for store in found.stores:
        store.remove_batch(timezone.now() - timedelta(days=365))

    assert [each.why for each in Snapshot.objects.all()] == ["restore"]
    assert not Upgrade.objects.exists()


def test_a_write_of_values_keeps_a_version_too(
    north: Tenant, tenant: Tenant, n8n: FakeN8n, tmp_path: Path
) -> None:
    flow = workflow()
    flow["nodes"][1]["parameters"]["limit"] = 5
    uses = [{"node": "Review", "path": ["parameters", "limit"]}]
    limit = {"name": "limit", "type": "number", "label": "Limit", "default": "5", "uses": uses}
    with outside():
        release = make_release(tmp_path, flow=flow, parameters=[limit])
    make_workspace(n8n.url)
    installation = deploy(make_installation(release, limit="7").pk)
    change_parameters(installation_id=installation.pk, parameters={"limit": "9"}, by=ADA)
    write_parameters(installation.pk)
    kept = Snapshot.objects.get()
    assert (kept.why, kept.parameters_written) == ("parameters", {"limit": "7"})
    later = make_later_release(tmp_path, flow=flow, parameters=[limit], version="2.0.0")

    run_upgrade(asked(installation, later).pk)

    assert node(n8n, "b")["parameters"]["limit"] == 9
    assert planned_back(installation, kept, n8n) == 7


def planned_back(installation: Installation, kept: Snapshot, n8n: FakeN8n) -> Any:
    run_upgrade(restore(installation_id=installation.pk, snapshot_id=kept.pk, by=ADA).pk)
    return node(n8n, "b")["parameters"]["limit"]


def test_what_a_worker_left_lying_is_picked_up_and_given_up_in_the_end(
    installation: Installation, later: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(
        "controlplane.catalog.upgrades.drift.enqueue_on_commit",
        lambda name, **arguments: sent.append(name),
    )
    noted = asked(installation, later)
    tend()
    assert sent == []
    Upgrade.objects.update(updated_at=timezone.now() - timedelta(hours=1), status="running")
    tend()
    assert sent == ["catalog.upgrade"]
    Upgrade.objects.update(attempts=5)
    tend()

    noted.refresh_from_db()
    assert (sent, noted.status) == (["catalog.upgrade"], "failed")
    assert "several times" in noted.error


def test_after_a_backup_was_restored_nothing_is_under_way(
    north: Tenant, installation: Installation, later: Release
) -> None:
    noted = asked(installation, later)

    end_lost_upgrades(north, ADA)

    noted.refresh_from_db()
    assert noted.status == "stopped"
    assert Entry.objects.filter(action="installation.upgrade_stopped").count() == 1
