"""workflow-templates/: each folder is whole, says what it needs, and asks for no more."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from controlplane.catalog.loader import read_folder
from controlplane.catalog.workflow import ERROR_TRIGGER, KNOWN, OURS, entries_of
from controlplane.events.types import EVENT_TYPES
from controlplane.nodes.registry import all_operations, get_operation
from controlplane.workflow.shapes import STICKY

FOLDERS = sorted(p.parent for p in settings.BASE_DIR.glob("workflow-templates/*/template.yaml"))
each = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
WIDE = 96
SECRETIVE = ("password", "secret", "token", "apikey", "api_key", "bearer ", "pgl_")


def nodes(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "workflow.json").read_text())["nodes"]


def ours(folder: Path) -> list[dict[str, Any]]:
    return [node for node in nodes(folder) if node["type"] == f"{OURS}pergola"]


def test_there_is_one_and_nothing_else_lies_about() -> None:
    assert FOLDERS
    assert set(FOLDERS) == {p for p in (settings.BASE_DIR / "workflow-templates").iterdir()}


@each
def test_its_readme_shows_the_workflow(folder: Path) -> None:
    assert "](workflow.svg)" in (folder / "README.md").read_text()
    assert (folder / "workflow.svg").read_text().startswith("<svg")


@each
def test_it_is_valid(folder: Path) -> None:
    assert read_folder(folder).slug == folder.name


@each
def test_it_holds_no_credential_and_no_secret(folder: Path) -> None:
    text = (folder / "workflow.json").read_text().lower()

    assert "credentials" not in text
    for word in SECRETIVE:
        assert word not in text


@each
def test_its_nodes_are_known_and_call_operations_that_exist(folder: Path) -> None:
    assert {node["type"] for node in nodes(folder)} <= KNOWN
    for node in ours(folder):
        parameters = node["parameters"]
        assert operation_of(node) is not None, node["name"]
        known = set(operation_of(node).input_model.model_fields)
        given = set(parameters) - {"resource", "operation", "options", "additionalFields"}
        assert {name for name in given if name not in known} == set(), node["name"]


def operation_of(node: dict[str, Any]) -> Any:
    """n8n's names for resource and operation; defaults are left out of an export."""
    parameters = node["parameters"]
    first = all_operations()[0]
    resource = parameters.get("resource", first.resource)
    name = parameters.get("operation", "")
    return get_operation(resource, name) or next(
        (
            operation
            for operation in all_operations()
            if operation.resource == resource and name in {"", _camel(operation.name)}
        ),
        None,
    )


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


@each
def test_it_asks_for_the_scopes_that_its_nodes_need_and_no_others(folder: Path) -> None:
    asked = set(read_folder(folder).manifest.scopes)
    needed = {operation_of(node).scope for node in ours(folder)}
    needed |= {"events:subscribe"} if triggers(folder) else set()
    # A node that waits looks at the approval when it goes on.
    if any(operation_of(node).waits for node in ours(folder)):
        needed.add("approvals:read")

    assert asked == needed


def triggers(folder: Path) -> list[dict[str, Any]]:
    return [n for n in nodes(folder) if n["type"] == f"{OURS}pergolaTrigger"]


@each
def test_it_listens_to_the_events_that_it_says(folder: Path) -> None:
    events = read_folder(folder).manifest.events
    if not events:
        assert any(node["type"] == ERROR_TRIGGER for node in nodes(folder))
        return

    (trigger,) = triggers(folder)
    assert set(events) <= set(EVENT_TYPES)
    listened = next(v for v in trigger["parameters"].values() if isinstance(v, list))
    assert listened == events


@each
def test_many_events_a_second_start_it_by_n8ns_own_webhook(folder: Path) -> None:
    for trigger in triggers(folder):
        (entry,) = entries_of(json.loads((folder / "workflow.json").read_text()))
        path = trigger["parameters"]["options"]["webhookPath"]
        assert path == f"={{{{ $('{entry}').params.path }}}}"


@each
def test_each_node_lies_on_one_note_and_on_no_other_node(folder: Path) -> None:
    notes = [node for node in nodes(folder) if node["type"] == STICKY]
    others = [node for node in nodes(folder) if node["type"] != STICKY]

    for node in others:
        (x, y) = node["position"]
        under = [
            note["name"]
            for note in notes
            if 0 <= x - note["position"][0] <= note["parameters"]["width"] - WIDE
            # Its name stands below it.
            and 0 <= y - note["position"][1] <= note["parameters"]["height"] - WIDE * 1.5
        ]
        assert len(under) == 1, node["name"]
        near = [
            other["name"]
            for other in others
            if other is not node
            and abs(other["position"][0] - x) < WIDE * 2
            and abs(other["position"][1] - y) < WIDE * 1.5
        ]
        assert near == [], node["name"]


@each
def test_a_reader_is_told_what_it_does(folder: Path) -> None:
    notes = [node for node in nodes(folder) if node["type"] == STICKY]

    assert len(notes) >= 2
    assert all(len(note["parameters"]["content"]) > 20 for note in notes)
    assert all(note["name"] == note["name"].strip() for note in nodes(folder))
