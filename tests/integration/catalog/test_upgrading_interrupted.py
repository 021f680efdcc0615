"""An upgrade while others edit, n8n is in trouble or a worker is killed."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from controlplane.audit.models import Entry
from controlplane.catalog.models import Installation, Release, Snapshot
from controlplane.catalog.services import change_parameters, uninstall
from controlplane.catalog.upgrades import applying
from controlplane.catalog.upgrades.applying import run_upgrade
from controlplane.catalog.upgrades.asking import (
    EditedMeanwhile,
    restore,
    retry_upgrade,
)
from controlplane.workflow.canonical import workflow_hash
from tests.factories.events import ADA
from tests.factories.upgrades import (
    asked,
    edit,
    in_n8n,
    node,
    planned,
    scopes,
)
from tests.fakes.n8n import FakeN8n


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controlplane.instances.client.transport.TRIES", 1)
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


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


def test_values_changed_meanwhile_count(
    installation: Installation, later: Release, n8n: FakeN8n
) -> None:
    noted = asked(installation, later)
    change_parameters(installation_id=installation.pk, parameters={"max_quantity": 9}, by=ADA)

    run_upgrade(noted.pk)

    installation.refresh_from_db()
    assert installation.parameters == {"max_quantity": 9}


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


def test_removed_meanwhile_nothing_is_written(
    installation: Installation, later: Release, n8n: FakeN8n
) -> None:
    noted = asked(installation, later)
    uninstall(installation_id=installation.pk, by=ADA)

    assert run_upgrade(noted.pk).status == "stopped"
    assert not n8n.workflows
