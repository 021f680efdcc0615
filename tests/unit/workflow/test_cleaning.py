"""What belongs to the exporter's n8n, wherever it stands, and what is a node's own."""

import json
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from bench.importer import _differences, _left
from controlplane.workflow import reading
from controlplane.workflow.canonical import workflow_hash
from controlplane.workflow.importer.importing import import_export
from tests.factories.imports import imported, told, with_node
from tests.factories.workflows import find

Json = dict[str, Any]
INNER = {
    "name": "Inner", "id": "wf1234567890", "meta": {"instanceId": "instance7"}, "settings": {},
    "nodes": [
        {"id": "1", "name": "Ask", "type": "n8n-nodes-base.openAi", "position": [0, 0],
         "typeVersion": 1, "webhookId": "hook7", "parameters": {"to": "jane.doe@acme.io"},
         "credentials": {"openAiApi": {"id": "cred1234567", "name": "OpenAI of Jane"}}},
        {"id": "2", "name": "Deeper", "type": "n8n-nodes-base.executeWorkflow",
         "parameters": {"workflowId": "other1234567"}},
    ],
    "connections": {},
}  # fmt: skip
GONE = ("wf1234567890", "instance7", "hook7", "cred1234567", "of Jane", "jane.doe", "other1234567")


def called(workflow: Any, name: str = "executeWorkflow") -> Json:
    kind = "@n8n/n8n-nodes-langchain" if name == "toolWorkflow" else "n8n-nodes-base"
    parameters = {"source": "parameter", "workflowJson": workflow}
    node = {"id": "9", "name": "Call", "type": f"{kind}.{name}", "typeVersion": 1,
            "position": [0, 0], "parameters": parameters}  # fmt: skip
    return {"name": "W", "nodes": [node], "connections": {}, "settings": {}}


TWICE = json.dumps(called(json.dumps(INNER)))
EMBEDDED = {
    "as text": json.dumps(INNER, indent=2),
    "as an object": INNER,
    "as an expression": "=" + json.dumps(INNER),
    "in another one": TWICE,
}


@pytest.mark.parametrize("inner", EMBEDDED.values(), ids=EMBEDDED)
@pytest.mark.parametrize("name", ["executeWorkflow", "toolWorkflow"])
def test_a_workflow_in_a_parameter_is_cleaned_too(inner: Any, name: str) -> None:
    source = called(inner, name)
    assert all(gone in json.dumps(source) for gone in GONE)

    found = imported(json.dumps(source))

    assert not [gone for gone in GONE if gone in json.dumps(found.workflow)]
    assert [(need.type, need.nodes) for need in found.connections] == [("openAiApi", ("Call",))]
    assert any("names another workflow" in message for message in told(found))
    assert _left(source, found) == 0
    assert _differences(source, found) == []


def test_a_clean_workflow_in_a_parameter_stays_as_it_is_written() -> None:
    text = '{"nodes":   [], "connections": {}}'

    assert find(imported(called(text)).workflow, "Call")["parameters"]["workflowJson"] == text


@pytest.mark.parametrize("text", ["={{ $json.flow }}", '={"nodes": [', '{"nodes": ' + "[" * 9000])
def test_a_workflow_that_cannot_be_read_is_told(text: str) -> None:
    assert any("cannot be read" in message for message in told(imported(called(text))))


def test_a_workflow_in_a_parameter_is_not_longer_when_it_is_clean() -> None:
    """Indented it was a hundred times as long: the lists are ninety levels deep."""
    deep: Any = [1] * 50_000
    for _level in range(90):
        deep = [deep]
    text = json.dumps({**INNER, "description": deep})

    found = imported(called(text))

    clean = find(found.workflow, "Call")["parameters"]["workflowJson"]
    assert "credentials" not in clean
    assert len(clean) < len(text)


def two_of(inner: str) -> Json:
    workflow = called(inner)
    [node] = workflow["nodes"]
    return {**workflow, "nodes": [node, {**node, "id": "8", "name": "Call too"}]}


def test_workflows_in_parameters_have_one_measure_together(monkeypatch: Any) -> None:
    inner = json.dumps({**INNER, "description": [1] * 100})
    monkeypatch.setattr(reading, "MOST_VALUES", 200)

    assert imported(json.dumps(called(inner)))
    with pytest.raises(reading.WorkflowTooLarge, match="after 200 other values"):
        imported(json.dumps(two_of(inner)))
    with pytest.raises(reading.WorkflowTooLarge, match="after 200 other values"):
        import_export([called(inner), called(inner)])


def test_workflows_that_grow_when_they_are_cleaned_are_refused(monkeypatch: Any) -> None:
    """`1e15` is four characters, and eighteen when it is written again."""
    inner = json.dumps({**INNER, "description": ["big"] * 50}).replace('"big"', "1e15")
    source = json.dumps(two_of(inner))
    monkeypatch.setattr(reading, "MOST_BYTES", len(source))

    assert imported(json.dumps(called(inner)))
    with pytest.raises(reading.WorkflowTooLarge, match="when they are cleaned"):
        imported(source)


def test_the_bench_sees_what_is_left_in_a_parameter() -> None:
    source = called(json.dumps(INNER))
    found = imported(source)

    assert _left(source, replace(found, workflow=source)) > 0


def test_a_webhooks_path_of_an_id_is_called_after_its_node() -> None:
    path = "0f6c1a52-1c0e-4d53-9d43-3a7d6a0f5a11"

    found = with_node("n8n-nodes-base.webhook", "New order!", path=path)

    assert find(found.workflow, "New order!")["parameters"]["path"] == "new-order"


LOCATOR = {"__rl": True, "mode": "list", "value": "AcPE4PXeFOiOW48H", "cachedResultName": "Mine"}
OF_THAT_N8N: dict[str, tuple[str, Json, str]] = {
    "a workflow, of a node that was scrambled": (
        "n8n-nodes-base.noOp", {"workflowId": LOCATOR}, "names another workflow",
    ),
    "a workflow in a filter": (
        "n8n-nodes-base.n8n", {"filters": {"workflowId": LOCATOR}}, "names another workflow",
    ),
    "a workflow by its id": (
        "acme.tool", {"workflowId": "AcPE4PXeFOiOW48H"}, "names another workflow",
    ),
    "a data table": ("n8n-nodes-base.dataTable", {"dataTableId": LOCATOR}, "names a data table"),
    "a data table of a tool": (
        "n8n-nodes-base.dataTableTool", {"dataTableId": LOCATOR}, "names a data table",
    ),
    "a data table to evaluate": (
        "n8n-nodes-base.evaluationTrigger", {"dataTableId": LOCATOR}, "names a data table",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "given", "note"), OF_THAT_N8N.values(), ids=OF_THAT_N8N)
def test_what_names_something_of_that_n8n_is_gone_and_told(
    kind: str, given: Json, note: str
) -> None:
    found = with_node(kind, **deepcopy(given))

    assert "AcPE4" not in json.dumps(found.workflow)
    assert "Mine" not in json.dumps(found.workflow)
    assert any(note in message for message in told(found))
    assert find(found.restored(), "It")["parameters"] == given


def test_a_data_table_by_its_name_stays() -> None:
    by_name = {"__rl": True, "mode": "name", "value": "Orders"}

    found = with_node("n8n-nodes-base.dataTable", dataTableId=by_name)

    assert find(found.workflow, "It")["parameters"] == {"dataTableId": by_name}


@pytest.mark.parametrize("value", [17, "Xy12AbCd34", {"__rl": True, "value": "Xy12AbCd34"}])
def test_the_workflow_for_errors_is_gone_however_it_is_written(value: Any) -> None:
    found = imported({"nodes": [], "connections": {}, "settings": {"errorWorkflow": value}})

    assert found.workflow["settings"] == {}
    assert any("names another workflow" in message for message in told(found))


def test_what_nobody_knows_at_the_top_is_gone() -> None:
    more = {"sourceWorkflowId": "Xy12AbCd34", "workflowPublishHistory": [{"userId": "7"}]}
    source = {"name": "W", "nodes": [], "connections": {}, "settings": {}, **more}

    found = imported(source)

    assert set(found.workflow) == {"name", "nodes", "connections", "settings"}
    assert found.restored() == source


def test_what_is_a_nodes_own_stays() -> None:
    given = {"instanceId": "acme-whatsapp", "webhookId": "wh_1"}

    found = with_node("n8n-nodes-evolution-api.evolutionApi", **given)

    assert find(found.workflow, "It")["parameters"] == given
    assert [p.default for p in found.proposals] == ["acme-whatsapp"]


FORM = {"path": "0f6c1a52-1c0e-4d53-9d43-3a7d6a0f5a11", "buttonLabel": "Send"}


def test_a_forms_path_in_its_options_is_called_after_its_node() -> None:
    found = with_node("n8n-nodes-base.formTrigger", "Ask us", options=FORM)

    options = find(found.workflow, "Ask us")["parameters"]["options"]
    assert options == {"path": "ask-us", "buttonLabel": "Send"}
    other = with_node("n8n-nodes-base.formTrigger", "Ask us", options={**FORM, "path": "north"})
    assert workflow_hash(other.workflow) == workflow_hash(found.workflow)
