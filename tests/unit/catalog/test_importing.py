"""The whole way of a foreign workflow: a manifest, parameters, a clone with other values."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.importer import product_faults
from controlplane.catalog.importing import offered
from controlplane.workflow.importer.importing import import_export
from controlplane.workflow.importer.result import Imported
from tests.factories.workflows import FILES, named


def imported(source: Any) -> Imported:
    [found] = import_export(source)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_file_becomes_a_draft_and_a_clone(path: Path) -> None:
    assert product_faults(imported(path.read_bytes())) == []


def test_a_trigger_called_after_its_hour_is_proposed() -> None:
    names = [spec.name for spec in offered(imported(named("code-1337")).workflow)]

    assert "value_8_00am_morning_scheduled_trigg" in names


def test_an_address_to_compare_with_is_proposed_once() -> None:
    rule = {"leftValue": "={{ $json.from }}", "rightValue": "shop@example.com"}
    node = {"name": "It", "type": "n8n-nodes-base.if", "parameters": {"conditions": [rule]}}
    found = imported({"nodes": [node], "connections": {}})

    assert len(offered(found.workflow)) == 1
    assert product_faults(found) == []


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=12))
def test_any_names_of_nodes_make_names_of_parameters(names: list[str]) -> None:
    workflow = {
        "nodes": [
            {"name": name, "type": "n8n-nodes-base.slack", "parameters": {"channelId": f"C{n}"}}
            for n, name in enumerate(names)
        ],
        "connections": {},
    }

    assert product_faults(imported(workflow)) == []
