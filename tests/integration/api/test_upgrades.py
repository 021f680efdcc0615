"""Planning, carrying out and taking back an upgrade by the API."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from controlplane.catalog.models import Installation, Upgrade
from controlplane.catalog.upgrades.applying import run_upgrade
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.installations import make_release
from tests.factories.rollouts import edit_at, flow_of, install_at
from tests.factories.upgrades import make_later_release
from tests.fakes.n8n import FakeN8n

SCOPES = ["installations:read", "installations:write"]


@pytest.fixture
def installation(north: Tenant, n8n: FakeN8n, tmp_path: Path) -> Installation:
    installation = install_at(north, make_release(tmp_path), n8n)
    make_later_release(tmp_path)
    return installation


@pytest.fixture
def key(north: Tenant, machine: Callable[..., Client]) -> Client:
    return machine(north, SCOPES)


def at(installation: Installation, rest: str) -> str:
    return f"/api/v1/installations/{installation.pk}/{rest}"


def post(key: Client, path: str, body: Any = None) -> Any:
    return key.post(path, body or {}, content_type="application/json")


def test_the_plan_says_what_both_sides_changed_and_what_is_to_be_decided(
    installation: Installation, key: Client, n8n: FakeN8n
) -> None:
    edit_at(n8n, installation, notify="warehouse")

    plan = key.get(at(installation, "upgrade")).json()

    assert (plan["from_version"], plan["to_version"]) == ("1.0.0", "2.0.0")
    assert any("By verdict" in change for change in plan["release_changes"])
    assert any("notify" in change for change in plan["own_changes"])
    assert not plan["is_clean"]
    (asked,) = plan["questions"]
    assert (asked["mine"], asked["theirs"], asked["choice"]) == (
        "“warehouse”",
        "“sales”",
        None,
    )


def test_it_is_upgraded_as_it_was_seen_and_decided_and_comes_back(
    installation: Installation, key: Client, n8n: FakeN8n, north: Tenant
) -> None:
    edit_at(n8n, installation, notify="warehouse")
    plan = key.get(at(installation, "upgrade")).json()
    body = {"seen": plan["seen"], "choices": {plan["questions"][0]["key"]: "ours"}}

    noted = post(key, at(installation, "upgrades"), body)

    assert noted.status_code == 202
    with inside(north):
        run_upgrade(noted.json()["id"])
    done = key.get(at(installation, f"upgrades/{noted.json()['id']}")).json()
    assert done["status"] == "done"
    assert len(key.get(at(installation, "upgrades")).json()["results"]) == 1
    (kept,) = key.get(at(installation, "versions")).json()["results"]
    assert kept["id"] == done["snapshot_id"]
    assert "workflow" not in kept

    back = post(key, at(installation, f"versions/{kept['id']}/restore"))
    assert back.status_code == 202
    with inside(north):
        run_upgrade(back.json()["id"])
        assert Installation.objects.get().release_version == "1.0.0"
    assert len(flow_of(n8n, installation)["nodes"]) == 3


def test_open_questions_and_edits_meanwhile_are_refused(
    installation: Installation, key: Client, n8n: FakeN8n, north: Tenant
) -> None:
    seen = key.get(at(installation, "upgrade")).json()["seen"]
    edit_at(n8n, installation, notify="warehouse")

    meanwhile = post(key, at(installation, "upgrades"), {"seen": seen})
    undecided = post(key, at(installation, "upgrades"))

    assert (meanwhile.status_code, meanwhile.json()["code"]) == (409, "workflow_edited_meanwhile")
    assert (undecided.status_code, undecided.json()["code"]) == (409, "upgrade_conflicts")
    assert len(undecided.json()["errors"]) == 1
    with inside(north):
        assert not Upgrade.objects.exists()


def test_what_failed_is_tried_again(
    installation: Installation, key: Client, n8n: FakeN8n, north: Tenant
) -> None:
    noted = post(key, at(installation, "upgrades"), {"take": "theirs"}).json()
    n8n.refuse("PUT", "/workflows/", status=400)
    with inside(north):
        assert run_upgrade(noted["id"]).status == "failed"

    again = post(key, at(installation, f"upgrades/{noted['id']}/retry"))

    assert again.status_code == 202
    with inside(north):
        assert run_upgrade(noted["id"]).status == "done"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"version": "9.9.9"}, 404, "release_unknown"),
        ({"version": "1.0.0"}, 409, "upgrade_not_possible"),
        ({"take": "mine"}, 422, "input_invalid"),
    ],
)
def test_what_cannot_be_is_told(
    installation: Installation, key: Client, body: dict[str, str], status: int, code: str
) -> None:
    answer = post(key, at(installation, "upgrades"), body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_key_that_may_only_read_writes_nothing(
    installation: Installation, north: Tenant, machine: Callable[..., Client]
) -> None:
    reader = machine(north, ["installations:read"])
    assert reader.get(at(installation, "upgrades")).status_code == 200
    assert post(reader, at(installation, "upgrades")).status_code == 403
