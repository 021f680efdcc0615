"""A new release and the tenant's own edits, both, in n8n; interrupted anywhere, and taken back."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from controlplane.audit.models import Entry
from controlplane.catalog.deploy import deploy
from controlplane.catalog.models import Installation, Release, Snapshot, Upgrade
from controlplane.catalog.parameters import ParametersInvalid
from controlplane.catalog.services import change_parameters, retry, uninstall
from controlplane.catalog.upgrades import applying
from controlplane.catalog.upgrades.applying import run_upgrade
from controlplane.catalog.upgrades.asking import (
    ConflictsOpen,
    EditedMeanwhile,
    UpgradeUnderWay,
    restore,
    retry_upgrade,
    upgrade,
)
from controlplane.catalog.upgrades.drift import drift_of, look, tend
from controlplane.catalog.upgrades.planning import (
    Plan,
    UpgradeNotPossible,
    newest_release,
    plan_upgrade,
)
from controlplane.catalog.upgrades.sides import WorkflowArchived, WorkflowGone
from controlplane.catalog.writing import write_parameters
from controlplane.instances.client.errors import InstanceError
from controlplane.workflow.canonical import workflow_hash
from tenants.context import inside, outside
from tenants.models import ApiKey, Tenant
from tenants.retention.classes import all_classes
from tests.factories.events import ADA, make_workspace
from tests.factories.installations import make_installation, make_release, workflow
from tests.factories.upgrades import NEW_PARAMETER, edit, make_active, make_later_release
from tests.fakes.n8n import FakeN8n


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controlplane.instances.client.transport.TRIES", 1)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


@pytest.fixture
def installation(north: Tenant, tenant: Tenant, n8n: FakeN8n, tmp_path: Path) -> Installation:
    make_workspace(n8n.url)
    return make_active(tmp_path, max_quantity=7)


@pytest.fixture
def later(installation: Installation, tmp_path: Path) -> Release:
    return make_later_release(tmp_path)


def planned(installation: Installation, release: Release, **how: Any) -> Plan:
    return plan_upgrade(installation_id=installation.pk, release_id=release.pk, **how)


def asked(installation: Installation, release: Release, **how: Any) -> Upgrade:
    return upgrade(installation_id=installation.pk, release_id=release.pk, by=ADA, **how)


def in_n8n(n8n: FakeN8n) -> dict[str, Any]:
    (found,) = n8n.workflows.values()
    return found


def node(n8n: FakeN8n, node_id: str) -> dict[str, Any]:
    return next(each for each in in_n8n(n8n)["nodes"] if each["id"] == node_id)


def scopes() -> list[str]:
    with outside():
        (key,) = ApiKey.objects.filter(revoked_at=None)
    return list(key.scopes)


def test_a_plan_tells_both_sides_and_writes_nothing(
    installation: Installation, later: Release, n8n: FakeN8n
) -> None:
    edit(n8n, rename="Judge", limit=5)
    calls = len(n8n.calls)

    plan = planned(installation, later)

    assert "“By verdict” was added." in plan.release_changes()
    assert "“Review” is called “Judge” now." in plan.own_changes()
    assert plan.merged.clean
    assert [call.method for call in n8n.calls[calls:]] == ["GET"]
    assert not Upgrade.objects.exists()
    assert newest_release(installation) == later


def test_edits_and_release_both_survive(
    installation: Installation, later: Release, n8n: FakeN8n
) -> None:
    edit(n8n, rename="Judge", limit=5)
    before = workflow_hash(in_n8n(n8n))

    done = run_upgrade(asked(installation, later, seen=planned(installation, later).seen.mark).pk)

    assert (done.status, done.error) == ("done", "")
    found = node(n8n, "b")
    assert (found["name"], found["parameters"]["limit"], found["parameters"]["notify"]) == (
        "Judge", 5, "sales",
    )  # fmt: skip
    assert in_n8n(n8n)["connections"]["Judge"]["main"][0][0]["node"] == "By verdict"
    assert in_n8n(n8n)["active"]
    installation.refresh_from_db()
    assert (installation.release_id, installation.release_version) == (later.pk, "2.0.0")
    assert installation.parameters == {"max_quantity": 7}
    assert Snapshot.objects.get().workflow_hash == before
    entry = Entry.objects.get(action="installation.upgraded")
    assert (entry.data["from"], entry.data["to"]) == ("1.0.0", "2.0.0")
    assert newest_release(installation) is None
    assert run_upgrade(done.pk).status == "done"
    drift = drift_of(installation)
    assert drift is not None
    assert drift.is_edited
    assert drift.is_published
    assert any("limit" in told for told in drift.changes)


def test_credentials_and_webhook_ids_stay_the_tenants(
    installation: Installation, later: Release, n8n: FakeN8n
) -> None:
    was = node(n8n, "a")["webhookId"]

    run_upgrade(asked(installation, later).pk)

    assert node(n8n, "a")["webhookId"] == was
    used = {n["credentials"]["pergolaApi"]["id"] for n in in_n8n(n8n)["nodes"] if
            "credentials" in n}  # fmt: skip
    assert used == {installation.credential_id}
    assert workflow_hash(in_n8n(n8n)) == later.workflow_hash


def test_the_key_may_afterwards_what_the_release_needs(
    installation: Installation, tmp_path: Path, n8n: FakeN8n
) -> None:
    later = make_later_release(tmp_path, scopes=["orders:review", "approvals:request"])

    run_upgrade(asked(installation, later).pk)

    assert scopes() == ["approvals:request", "orders:review"]
    back = restore(installation_id=installation.pk, snapshot_id=Snapshot.objects.get().pk, by=ADA)
    run_upgrade(back.pk)
    assert scopes() == ["events:subscribe", "orders:review"]


def test_a_conflict_is_asked_about_and_the_answer_remembered(
    installation: Installation, later: Release, n8n: FakeN8n, tmp_path: Path
) -> None:
    edit(n8n, notify="me")
    (question,) = planned(installation, later).questions()
    assert (question.mine, question.theirs, question.choice) == ("“me”", "“sales”", None)

    with pytest.raises(ConflictsOpen, match="you made it “me”") as refused:
        asked(installation, later)
    assert [error.field for error in refused.value.errors] == [question.key]
    assert not Upgrade.objects.exists()

    run_upgrade(asked(installation, later, choices={question.key: "ours"}).pk)
    assert node(n8n, "b")["parameters"]["notify"] == "me"

    flow = workflow()
    flow["nodes"][1]["parameters"]["notify"] = "everybody"
    third = make_later_release(tmp_path, version="3.0.0", flow=flow)
    assert planned(installation, third).merged.clean
    run_upgrade(asked(installation, third).pk)
    assert node(n8n, "b")["parameters"]["notify"] == "me"


@pytest.mark.parametrize(("take", "stays"), [("ours", "me"), ("theirs", "sales")])
def test_one_side_can_be_taken_for_all(
    installation: Installation, later: Release, n8n: FakeN8n, take: Any, stays: str
) -> None:
    edit(n8n, notify="me")

    done = run_upgrade(asked(installation, later, take=take).pk)

    assert (done.status, node(n8n, "b")["parameters"]["notify"]) == ("done", stays)


def test_edited_between_looking_and_asking_nothing_is_written(
    installation: Installation, later: Release, n8n: FakeN8n
) -> None:
    seen = planned(installation, later).seen.mark
    edit(n8n, limit=5)

    with pytest.raises(EditedMeanwhile, match="Look at it again"):
        asked(installation, later, seen=seen)
    assert not n8n.called("PUT", "/workflows/")


def test_edited_before_the_worker_came_it_stops_and_can_be_looked_at_again(
    installation: Installation, later: Release, n8n: FakeN8n
) -> None:
    noted = asked(installation, later)
    edit(n8n, limit=5)

    stopped = run_upgrade(noted.pk)

    assert stopped.status == "stopped"
    assert "edited in n8n" in stopped.error
    assert not n8n.called("PUT", "/workflows/")
    assert run_upgrade(asked(installation, later).pk).status == "done"
    assert node(n8n, "b")["parameters"]["limit"] == 5


def test_saved_by_somebody_at_the_same_moment_it_says_so(
    installation: Installation, later: Release, n8n: FakeN8n
) -> None:
    noted = asked(installation, later)
    written = f"/workflows/{installation.workflow_id}$"
    real = applying._write

    def and_somebody_saves(*args: Any) -> Any:
        n8n.meanwhile("GET", written, lambda: edit(n8n, limit=99))
        return real(*args)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(applying, "_write", and_somebody_saves)
        failed = run_upgrade(noted.pk)

    assert failed.status == "failed"
    assert "is not what Pergola wrote" in failed.error
    retry_upgrade(installation_id=installation.pk, upgrade_id=failed.pk, by=ADA)
    assert run_upgrade(failed.pk).status == "stopped"
    assert run_upgrade(asked(installation, later).pk).status == "done"
    assert node(n8n, "b")["parameters"] == {
        "resource": "order", "operation": "review", "limit": 99, "notify": "sales",
    }  # fmt: skip


def test_a_value_that_the_release_asks_for_is_missing_and_nothing_is_written(
    installation: Installation, tmp_path: Path, n8n: FakeN8n
) -> None:
    later = make_later_release(tmp_path, parameters=[*make_later_parameters(), NEW_PARAMETER])
    assert planned(installation, later).merged.clean

    with pytest.raises(ParametersInvalid) as refused:
        asked(installation, later)
    assert [error.field for error in refused.value.errors] == ["team"]
    assert not Upgrade.objects.exists()

    run_upgrade(asked(installation, later, parameters={"team": "north"}).pk)
    installation.refresh_from_db()
    assert installation.parameters == {"max_quantity": 7, "team": "north"}


def make_later_parameters() -> list[dict[str, Any]]:
    from tests.factories.installations import MANIFEST

    return list(MANIFEST["parameters"])


def test_values_changed_meanwhile_count(
    installation: Installation, later: Release, n8n: FakeN8n
) -> None:
    noted = asked(installation, later)
    change_parameters(installation_id=installation.pk, parameters={"max_quantity": 9}, by=ADA)

    run_upgrade(noted.pk)

    installation.refresh_from_db()
    assert installation.parameters == {"max_quantity": 9}


def test_only_a_live_release_of_the_same_template_is_taken(
    installation: Installation, later: Release, tmp_path: Path
) -> None:
    with outside():
        Release.objects.filter(pk=later.pk).update(status="deprecated")
    with pytest.raises(UpgradeNotPossible, match="Only a live release"):
        asked(installation, later)
    with pytest.raises(UpgradeNotPossible, match="has this release already"):
        asked(installation, installation.release())
    Installation.objects.update(template_slug="another-one")
    with pytest.raises(UpgradeNotPossible, match="another template"):
        asked(installation, later)
    Installation.objects.update(status="failed")
    with pytest.raises(UpgradeNotPossible, match="only an active"):
        asked(installation, later)


def test_one_at_a_time(installation: Installation, later: Release) -> None:
    asked(installation, later)
    with pytest.raises(UpgradeUnderWay):
        asked(installation, later)


WRITTEN = "/workflows/wf[0-9]+$"
TROUBLES: list[tuple[str, Callable[[FakeN8n, str], None]]] = [
    ("401", lambda n8n, method: n8n.refuse(method, WRITTEN, status=401)),
    ("409", lambda n8n, method: n8n.refuse(method, WRITTEN, status=409)),
    ("429", lambda n8n, method: [n8n.refuse(method, WRITTEN, status=429) for _ in range(4)]),  # type: ignore[dict-item, list-item]
    ("500", lambda n8n, method: n8n.refuse(method, WRITTEN, status=500)),
    ("not JSON", lambda n8n, method: n8n.answer_html(method, WRITTEN)),
    ("no answer", lambda n8n, method: [n8n.hang(method, WRITTEN, seconds=0.3) for _ in range(4)]),  # type: ignore[dict-item, list-item]
]


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("name", [name for name, _trouble in TROUBLES])
def test_an_n8n_in_trouble_is_told_and_trying_again_helps(
    installation: Installation,
    later: Release,
    n8n: FakeN8n,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    name: str,
) -> None:
    edit(n8n, limit=5)
    noted = asked(installation, later)
    if name == "no answer":
        from controlplane.instances import client

        short = httpx.Timeout(0.1)
        monkeypatch.setattr(client.N8nClient.__init__, "__kwdefaults__", {
            **(client.N8nClient.__init__.__kwdefaults__ or {}), "timeout": short,
        })  # fmt: skip
    dict(TROUBLES)[name](n8n, method)

    failed = run_upgrade(noted.pk)

    assert failed.status == "failed"
    assert "n8n at" in failed.error
    installation.refresh_from_db()
    assert (installation.release_version, installation.status) == ("1.0.0", "active")
    assert scopes() == ["events:subscribe", "orders:review"]
    n8n.troubles.clear()
    retry_upgrade(installation_id=installation.pk, upgrade_id=failed.pk, by=ADA)
    assert run_upgrade(failed.pk).status == "done"
    assert node(n8n, "b")["parameters"]["limit"] == 5


class Died(BaseException):
    """A worker that was killed: nothing of ours catches it."""


DEATHS = {
    "before anything": ("planned", True),
    "before the snapshot": ("_keep", True),
    "after the snapshot": ("_keep", False),
    "before the write": ("_write", True),
    "after the write": ("_write", False),
    "before the row": ("_finish", True),
}


@pytest.mark.parametrize("point", DEATHS)
def test_killed_anywhere_a_rerun_ends_well(
    installation: Installation,
    later: Release,
    n8n: FakeN8n,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
) -> None:
    edit(n8n, rename="Judge", limit=5)
    before = workflow_hash(in_n8n(n8n))
    noted = asked(installation, later)
    name, is_before = DEATHS[point]
    real = getattr(applying, name)

    def die(*args: Any, **kwargs: Any) -> Any:
        if not is_before:
            real(*args, **kwargs)
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(applying, name, die)
        with pytest.raises(Died):
            run_upgrade(noted.pk)
    noted.refresh_from_db()
    assert noted.status == "running"

    done = run_upgrade(noted.pk)

    assert (done.status, done.error) == ("done", "")
    assert [each.workflow_hash for each in Snapshot.objects.all()] == [before]
    assert done.before is not None
    assert (node(n8n, "b")["name"], node(n8n, "b")["parameters"]["notify"]) == ("Judge", "sales")
    assert Entry.objects.filter(action="installation.upgraded").count() == 1
    assert len([n for n in in_n8n(n8n)["nodes"] if n["name"].startswith("By verdict")]) == 1


@pytest.mark.parametrize("point", [p for p in DEATHS if p != "before anything"])
def test_a_restoration_that_was_killed_ends_well(
    installation: Installation,
    later: Release,
    n8n: FakeN8n,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
) -> None:
    edit(n8n, limit=5)
    before = workflow_hash(in_n8n(n8n))
    run_upgrade(asked(installation, later).pk)
    noted = restore(installation_id=installation.pk, snapshot_id=Snapshot.objects.get().pk, by=ADA)
    name, is_before = DEATHS[point]
    real = getattr(applying, name)

    def die(*args: Any, **kwargs: Any) -> Any:
        if not is_before:
            real(*args, **kwargs)
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(applying, name, die)
        with pytest.raises(Died):
            run_upgrade(noted.pk)

    assert run_upgrade(noted.pk).status == "done"

    assert workflow_hash(in_n8n(n8n)) == before
    assert Snapshot.objects.count() == 2
    installation.refresh_from_db()
    assert installation.release_version == "1.0.0"


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


def test_switched_off_by_the_tenant_it_stays_off(
    installation: Installation, later: Release, n8n: FakeN8n
) -> None:
    in_n8n(n8n)["active"] = False

    assert run_upgrade(asked(installation, later).pk).status == "done"

    assert not in_n8n(n8n)["active"]


def test_written_and_not_published_it_is_published(
    installation: Installation, later: Release, n8n: FakeN8n
) -> None:
    noted = asked(installation, later)
    real = n8n.saved

    def unpublished(found: Any, body: Any) -> None:
        real(found, body)
        found["activeVersionId"] = "v1"

    n8n.saved = unpublished  # type: ignore[method-assign]

    assert run_upgrade(noted.pk).status == "done"
    assert in_n8n(n8n)["activeVersionId"] == in_n8n(n8n)["versionId"]


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


def test_removed_meanwhile_nothing_is_written(
    installation: Installation, later: Release, n8n: FakeN8n
) -> None:
    noted = asked(installation, later)
    uninstall(installation_id=installation.pk, by=ADA)

    assert run_upgrade(noted.pk).status == "stopped"
    assert not n8n.workflows


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


def test_by_command(
    installation: Installation, later: Release, n8n: FakeN8n, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(n8n, notify="me")
    given = {"tenant": "north", "template": "review-orders"}
    with outside():
        call_command("upgrade_installation", plan=True, **given)
        told = capsys.readouterr().out
        assert "“By verdict” was added." in told
        assert "To be decided:\n  “Review”: notify" in told
        with pytest.raises(CommandError, match="Decide first"):
            call_command("upgrade_installation", **given)
        with pytest.raises(CommandError, match=r"no release 7\.0\.0"):
            call_command("upgrade_installation", to="7.0.0", **given)
        call_command("upgrade_installation", take="theirs", **given)
        assert "1.0.0 → 2.0.0: done, 1 conflicts decided" in capsys.readouterr().out
        with pytest.raises(CommandError, match="is the newest"):
            call_command("upgrade_installation", **given)
    assert node(n8n, "b")["parameters"]["notify"] == "sales"


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
