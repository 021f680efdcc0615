"""Workflow JSON as n8n exports it: what is a fault, and what the hash is taken over."""

import random
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from controlplane.catalog.workflow import faults, for_tenant
from controlplane.workflow.canonical import workflow_hash
from tests.factories.installations import workflow

Change = Callable[[dict[str, Any]], None]


def changed(change: Change) -> dict[str, Any]:
    copy = deepcopy(workflow())
    change(copy)
    return copy


def node(flow: dict[str, Any], name: str) -> dict[str, Any]:
    return next(found for found in flow["nodes"] if found["name"] == name)


MEANS_NOTHING: dict[str, Change] = {
    "other ids": lambda w: [n.update(id=f"x{n['id']}") for n in w["nodes"]],
    "other positions": lambda w: [n.update(position=[9, 9]) for n in w["nodes"]],
    "a credential": lambda w: node(w, "Review").update(credentials={"pergolaApi": {"id": "1"}}),
    "other webhook ids": lambda w: node(w, "Order created").update(webhookId="2222"),
    "another name": lambda w: w.update(name="[north] Review orders"),
    "no notes": lambda w: w.update(nodes=[n for n in w["nodes"] if n["name"] != "Note"]),
    "another note": lambda w: node(w, "Note")["parameters"].update(content="Other words"),
    "another order": lambda w: random.Random(1).shuffle(w["nodes"]),
    "n8n's own fields": lambda w: w.update(id="7", active=True, meta={"a": 1}, versionId="v"),
    "no settings left out": lambda w: w.update(tags=[{"name": "pergola:north"}]),
}
MEANS_SOMETHING: dict[str, Change] = {
    "a parameter": lambda w: node(w, "Review")["parameters"].update(operation="record_outcome"),
    "a node's version": lambda w: node(w, "Review").update(typeVersion=2),
    "a node's name": lambda w: node(w, "Review").update(name="Judge"),
    "a node that is off": lambda w: node(w, "Review").update(disabled=True),
    "a node less": lambda w: w["nodes"].pop(1),
    "a connection less": lambda w: w.update(connections={}),
    "a setting": lambda w: w["settings"].update(timezone="Europe/Berlin"),
}


@pytest.mark.parametrize("change", MEANS_NOTHING.values(), ids=MEANS_NOTHING)
def test_the_same_work_has_the_same_hash(change: Change) -> None:
    assert workflow_hash(changed(change)) == workflow_hash(workflow())


@pytest.mark.parametrize("change", MEANS_SOMETHING.values(), ids=MEANS_SOMETHING)
def test_other_work_has_another_hash(change: Change) -> None:
    assert workflow_hash(changed(change)) != workflow_hash(workflow())


def test_a_tenants_copy_has_the_hash_of_its_release() -> None:
    copy = for_tenant(
        workflow(), name="[north] Review", credential_id="c1", credential_name="Pergola north"
    )

    assert workflow_hash(copy) == workflow_hash(workflow())
    assert copy["name"] == "[north] Review"
    credential = {"pergolaApi": {"id": "c1", "name": "Pergola north"}}
    assert node(copy, "Review")["credentials"] == credential
    assert "credentials" not in node(copy, "Note")


def test_two_tenants_copies_have_webhooks_of_their_own() -> None:
    given = {"name": "n", "credential_id": "c", "credential_name": "c"}
    first, second = (for_tenant(workflow(), **given) for _copy in range(2))

    ids = {node(flow, "Order created")["webhookId"] for flow in (first, second, workflow())}
    assert len(ids) == 3


def test_a_good_workflow_has_no_faults() -> None:
    assert faults(workflow()) == []


FAULTS: dict[str, tuple[Change, str]] = {
    "a credential": (
        lambda w: node(w, "Review").update(credentials={"pergolaApi": {"id": "1"}}),
        "names a credential",
    ),
    "an unknown node": (
        lambda w: node(w, "Review").update(type="n8n-nodes-base.executeCommand"),
        "unknown type 'n8n-nodes-base.executeCommand'",
    ),
    "a connection to nowhere": (
        lambda w: w["connections"]["Order created"]["main"][0].append({"node": "Gone"}),
        "'Gone', which is no node",
    ),
    "a connection from nowhere": (
        lambda w: w["connections"].update(Gone={"main": [[{"node": "Review"}]]}),
        "'Gone', which is no node",
    ),
    "pinned data": (lambda w: w.update(pinData={"Review": [{"json": {}}]}), "'pinData'"),
    "static data": (lambda w: w.update(staticData={"a": 1}), "'staticData'"),
    "no note": (lambda w: w["nodes"].pop(), "no sticky note"),
    "one name twice": (
        lambda w: node(w, "Note").update(name="Review"),
        "two nodes are called 'Review'",
    ),
    "no nodes": (lambda w: w.pop("nodes"), "is no workflow"),
    "nodes that are none": (lambda w: w.update(nodes={}), "is no workflow"),
    "no connections": (lambda w: w.pop("connections"), "is no workflow"),
}


@pytest.mark.parametrize(("change", "told"), FAULTS.values(), ids=FAULTS)
def test_faults_are_named(change: Change, told: str) -> None:
    found = faults(changed(change))

    assert any(told in fault for fault in found), found
