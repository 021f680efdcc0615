"""From a trigger to n8n's own Webhook by an upgrade: the step keeps its place, edits stay."""

from pathlib import Path
from typing import Any

import pytest

from controlplane.catalog.models import Installation, Release
from controlplane.catalog.upgrades.applying import run_upgrade
from controlplane.catalog.upgrades.drift import drift_of
from tests.factories.installations import workflow
from tests.factories.upgrades import asked, edit, in_n8n, make_later_release, node, planned
from tests.fakes.n8n import FakeN8n


def entered_by_webhook() -> dict[str, Any]:
    """As the templates of workflow-templates/ begin: the trigger's node fetches from now on."""
    flow = workflow()
    first = next(each for each in flow["nodes"] if each["id"] == "a")
    first.update(
        type="n8n-nodes-pergola.pergola", parameters={"resource": "event", "operation": "fetch"}
    )
    del first["webhookId"]
    flow["nodes"] += [
        {"id": "h", "name": "Order Webhook", "type": "n8n-nodes-base.webhook", "typeVersion": 2.1,
         "position": [-200, 0], "webhookId": "22222222",
         "parameters": {"httpMethod": "POST", "path": "review-orders"}},
        {"id": "e", "name": "Order Events", "type": "n8n-nodes-pergola.pergolaTrigger",
         "typeVersion": 1, "position": [-200, 200], "webhookId": "33333333",
         "parameters": {"events": ["order.created"], "options": {
             "webhookPath": "={{ $('Order Webhook').params.path }}"}}},
    ]  # fmt: skip
    flow["connections"]["Order Webhook"] = {
        "main": [[{"node": first["name"], "type": "main", "index": 0}]]
    }
    return flow


@pytest.fixture
def webhook_release(installation: Installation, tmp_path: Path) -> Release:
    return make_later_release(tmp_path, flow=entered_by_webhook())


def test_what_hangs_behind_the_first_step_stays_there(
    installation: Installation, webhook_release: Release, n8n: FakeN8n
) -> None:
    edit(n8n, rename="Judge", limit=5)
    before = in_n8n(n8n)["connections"]["Order created"]

    plan = planned(installation, webhook_release)
    done = run_upgrade(asked(installation, webhook_release, seen=plan.seen.mark).pk)

    assert (done.status, done.error, plan.questions()) == ("done", "", [])
    after = in_n8n(n8n)["connections"]
    assert after["Order created"] == before
    assert after["Order Webhook"]["main"][0][0]["node"] == "Order created"
    assert node(n8n, "a")["parameters"]["operation"] == "fetch"
    assert node(n8n, "b")["name"] == "Judge"


def test_the_webhook_has_an_address_of_its_own_that_nobody_seems_to_have_changed(
    installation: Installation, webhook_release: Release, n8n: FakeN8n
) -> None:
    plan = planned(installation, webhook_release)
    run_upgrade(asked(installation, webhook_release, seen=plan.seen.mark).pk)

    path = node(n8n, "h")["parameters"]["path"]
    assert path.startswith("pergola-")
    installation.refresh_from_db()
    drift = drift_of(installation)
    assert drift is not None
    assert (drift.changes, drift.is_edited) == ([], False)
