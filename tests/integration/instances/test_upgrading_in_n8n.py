"""Clone, edit in n8n, upgrade, take it back: with the real n8n, as a tenant's own member."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from controlplane.catalog.deploy import deploy
from controlplane.catalog.models import Installation, Release, Snapshot, Template
from controlplane.catalog.services import install, uninstall
from controlplane.catalog.upgrades.applying import run_upgrade
from controlplane.catalog.upgrades.asking import restore, upgrade
from controlplane.catalog.upgrades.drift import drift_of, look
from controlplane.catalog.upgrades.planning import plan_upgrade
from controlplane.core.actor import system
from controlplane.instances import services as instances
from controlplane.instances.models import Instance, Workspace
from controlplane.instances.services import client_for
from controlplane.workflow.canonical import workflow_hash
from controlplane.workflow.reading import read_one
from tenants.context import inside, outside
from tenants.models import Tenant
from tests.integration.instances.conftest import RunningN8n

BY = system("test")
SET = {"assignments": {"assignments": [
    {"id": "r1", "name": "region", "value": "north", "type": "string"},
    {"id": "r2", "name": "limit", "value": "5", "type": "string"},
]}, "options": {}}  # fmt: skip


def node(node_id: str, name: str, kind: str, x: int, **parameters: Any) -> dict[str, Any]:
    versions = {"scheduleTrigger": 1.2, "set": 3.4, "noOp": 1}
    return {
        "id": node_id, "name": name, "type": f"n8n-nodes-base.{kind}", "position": [x, 0],
        "typeVersion": versions[kind], "parameters": parameters,
    }  # fmt: skip


def leads_to(name: str) -> dict[str, Any]:
    return {"main": [[{"node": name, "type": "main", "index": 0}]]}


def flow() -> dict[str, Any]:
    cron = {"rule": {"interval": [{"field": "cronExpression", "expression": "0 8 1 1 *"}]}}
    return {
        "name": "Yearly",
        "nodes": [
            node("11111111-0000-4000-8000-000000000001", "Each year", "scheduleTrigger", 0, **cron),
            node("11111111-0000-4000-8000-000000000002", "Terms", "set", 220, **deepcopy(SET)),
            node("11111111-0000-4000-8000-000000000003", "Done", "noOp", 440),
        ],
        "connections": {"Each year": leads_to("Terms"), "Terms": leads_to("Done")},
        "settings": {"executionOrder": "v1"},
    }


def later_flow() -> dict[str, Any]:
    found = flow()
    found["nodes"][1]["parameters"]["assignments"]["assignments"][0]["value"] = "west"
    told = {"assignments": {"assignments": [
        {"id": "t1", "name": "told", "value": "={{ $('Terms').item.json.limit }}", "type": "string"}
    ]}, "options": {}}  # fmt: skip
    found["nodes"].append(node("11111111-0000-4000-8000-000000000004", "Tell", "set", 660, **told))
    found["connections"]["Done"] = leads_to("Tell")
    return found


def release(template: Template, version: str, workflow: dict[str, Any]) -> Release:
    manifest = {"title": "Yearly", "version": version, "summary": "Yearly.", "n8n_minimum": "2.0.0"}
    sound = read_one(workflow).workflow
    return Release.objects.create(
        template=template, version=version, status="live", manifest=manifest, workflow=sound,
        workflow_hash=workflow_hash(sound),
    )  # fmt: skip


@pytest.fixture
def installation(n8n: RunningN8n, tenant: Tenant) -> Iterator[Installation]:
    instance = instances.register_instance(
        name="Shared",
        base_url=n8n.base_url,
        shape=Instance.Shape.SHARED,
        owner_key=n8n.owner_key,
        partner=tenant.lead_partner,
        by=BY,
    )
    instances.bind_tenant(tenant=tenant, instance=instance, by=BY)
    template = Template.objects.create(slug="do-yearly", title="Yearly", summary="Yearly.")
    first = release(template, "1.0.0", flow())
    release(template, "2.0.0", later_flow())
    try:
        with inside(tenant):
            made = install(release_id=first.pk, parameters={}, by=BY)
            yield deploy(made.pk)
            uninstall(installation_id=made.pk, by=BY)
    finally:
        instances.unbind_tenant(tenant=tenant, instance=instance, by=BY)


def edit(installation: Installation) -> str:
    """A node renamed, a value changed, a node added between; the hash of what came of it."""
    with client_for(Workspace.current()) as n8n:
        found = deepcopy(n8n.get_workflow(installation.workflow_id).raw)
        terms = next(each for each in found["nodes"] if each["name"] == "Terms")
        terms["name"] = "Our terms"
        terms["parameters"]["assignments"]["assignments"][1]["value"] = "9"
        found["nodes"].append(node("22222222-0000-4000-8000-000000000001", "Ours", "noOp", 330))
        found["connections"] = {
            "Each year": leads_to("Our terms"),
            "Our terms": leads_to("Ours"),
            "Ours": leads_to("Done"),
        }
        saved = n8n.update_workflow(installation.workflow_id, found)
    return workflow_hash(read_one(saved.raw).workflow)


def in_n8n(installation: Installation) -> dict[str, Any]:
    with client_for(Workspace.current()) as n8n:
        return n8n.get_workflow(installation.workflow_id).raw


def test_edits_survive_an_upgrade_and_the_version_before_comes_back_identical(
    installation: Installation,
) -> None:
    assert (installation.status, installation.last_error) == ("active", "")
    untouched = drift_of(installation)
    assert untouched is not None
    assert (untouched.changes, untouched.is_edited) == ([], False)
    before = edit(installation)
    drift = drift_of(look(installation_id=installation.pk))
    assert drift is not None
    assert "“Terms” is called “Our terms” now." in drift.changes
    assert drift.is_published
    with outside():
        later = Release.objects.get(template__slug="do-yearly", version="2.0.0")
    plan = plan_upgrade(installation_id=installation.pk, release_id=later.pk)
    assert plan.merged.clean

    done = run_upgrade(
        upgrade(installation_id=installation.pk, release_id=later.pk, seen=plan.seen.mark, by=BY).pk
    )

    assert (done.status, done.error) == ("done", "")
    now = in_n8n(installation)
    nodes = {each["name"]: each for each in now["nodes"]}
    assert set(nodes) == {"Each year", "Our terms", "Ours", "Done", "Tell"}
    values = nodes["Our terms"]["parameters"]["assignments"]["assignments"]
    assert [each["value"] for each in values] == ["west", "9"]
    (told,) = nodes["Tell"]["parameters"]["assignments"]["assignments"]
    assert told["value"] == "={{ $('Our terms').item.json.limit }}"
    assert now["connections"]["Our terms"]["main"][0][0]["node"] == "Ours"
    assert now["active"]
    assert now["activeVersionId"] == now["versionId"]

    kept = Snapshot.objects.get()
    back = run_upgrade(restore(installation_id=installation.pk, snapshot_id=kept.pk, by=BY).pk)

    assert (back.status, back.error) == ("done", "")
    assert workflow_hash(read_one(in_n8n(installation)).workflow) == before
    assert in_n8n(installation)["active"]
    installation.refresh_from_db()
    assert installation.release_version == "1.0.0"

    with client_for(Workspace.current()) as n8n:
        n8n.delete_workflow(installation.workflow_id)
    again = run_upgrade(restore(installation_id=installation.pk, snapshot_id=kept.pk, by=BY).pk)

    assert (again.status, again.error) == ("done", "")
    installation.refresh_from_db()
    assert workflow_hash(read_one(in_n8n(installation)).workflow) == before
    assert in_n8n(installation)["active"]
