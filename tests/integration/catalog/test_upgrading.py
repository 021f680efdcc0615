"""A new release and the tenant's own edits, both, in n8n."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from controlplane.audit.models import Entry
from controlplane.catalog.models import Installation, Release, Snapshot, Upgrade
from controlplane.catalog.parameters import ParametersInvalid
from controlplane.catalog.upgrades.applying import run_upgrade
from controlplane.catalog.upgrades.asking import (
    ConflictsOpen,
    UpgradeUnderWay,
    restore,
)
from controlplane.catalog.upgrades.drift import drift_of
from controlplane.catalog.upgrades.planning import (
    UpgradeNotPossible,
    newest_release,
)
from controlplane.workflow.canonical import workflow_hash
from tenants.context import outside
from tests.factories.events import ADA
from tests.factories.installations import workflow
from tests.factories.upgrades import (
    NEW_PARAMETER,
    asked,
    edit,
    in_n8n,
    make_later_release,
    node,
    planned,
    scopes,
)
from tests.fakes.n8n import FakeN8n


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controlplane.instances.client.transport.TRIES", 1)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


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


def test_by_command(
    installation: Installation, later: Release, n8n: FakeN8n, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(n8n, notify="me")
    command = ("upgrade_installation", "north", "review-orders")
    with outside():
        call_command(*command, plan=True)
        told = capsys.readouterr().out
        assert "“By verdict” was added." in told
        assert "To be decided:\n  “Review”: notify" in told
        with pytest.raises(CommandError, match="Decide first"):
            call_command(*command)
        with pytest.raises(CommandError, match=r"no release 7\.0\.0"):
            call_command(*command, to="7.0.0")
        call_command(*command, take="theirs")
        assert "1.0.0 → 2.0.0: done, 1 conflicts decided" in capsys.readouterr().out
        with pytest.raises(CommandError, match="is the newest"):
            call_command(*command)
    assert node(n8n, "b")["parameters"]["notify"] == "sales"
