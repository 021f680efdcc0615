"""What an import takes out, proposes, asks for, and says that it cannot take along."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.importer import _differences, _left, damaged
from controlplane.workflow.canonical import workflow_hash
from controlplane.workflow.importer.importing import import_export
from controlplane.workflow.importer.personal import Persons
from controlplane.workflow.importer.result import Imported, with_values
from controlplane.workflow.reading import WorkflowUnreadable
from controlplane.workflow.shapes import is_sticky
from tests.factories.imports import imported, told, with_node
from tests.factories.workflows import FILES, FOLDER, find

Json = dict[str, Any]


@pytest.fixture(scope="module")
def agent() -> Imported:
    return imported((FOLDER / "support-agent.json").read_bytes())


def test_what_belongs_to_the_exporters_n8n_is_gone(agent: Imported) -> None:
    text = json.dumps(agent.workflow)

    assert set(agent.workflow) == {"name", "nodes", "connections", "settings", "tags"}
    assert agent.workflow["tags"] == ["support"]
    assert agent.workflow["settings"] == {"executionOrder": "v1"}
    for gone in ("Xy12AbCd34EfGh56", "OpenAI of Jane", "8c8c5237", "pQ9zsupport01", "webhookId"):
        assert gone not in text
    assert "Where is my order?" not in text
    assert "Xy12AbCd34EfGh56" not in repr(agent)


def test_connections_are_listed_with_the_nodes_that_need_them(agent: Imported) -> None:
    needs = {need.label: need.nodes for need in agent.connections}

    assert needs["OpenAI API"] == ("Chat Model", "Embeddings")
    assert needs["HTTP Header Auth"] == ("Order lookup",)
    assert {need.type for need in agent.connections} == {
        "openAiApi", "httpHeaderAuth", "qdrantApi", "slackApi", "smtp",
    }  # fmt: skip


def test_packages_are_listed() -> None:
    found = with_node("n8n-nodes-acme.acme")

    assert [(need.name, need.built_in) for need in found.packages] == [("n8n-nodes-acme", False)]


def test_parameters_are_proposed_with_type_label_and_default(agent: Imported) -> None:
    by_label = {proposal.label: proposal for proposal in agent.proposals}

    address = by_label["Order lookup: address"]
    assert (address.type, address.format) == ("text", "url")
    assert address.default == "https://shop.acme-tools.example/api/orders"
    threshold = by_label["Sure enough?: confidence compared with"]
    assert (threshold.type, threshold.default) == ("number", 0.75)
    assert by_label["Tell finance: channel"].default == "C04ACME1234"
    assert by_label["Handbook: collection"].format == "id"
    mails = {p.default for p in agent.proposals if p.format == "email"}
    assert mails == {"help@acme-tools.example", "warehouse@acme-tools.example"}
    names = [proposal.name for proposal in agent.proposals]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name.islower() and len(name) <= 40 for name in names)


PROPOSED: dict[str, tuple[str, Json, str, Any]] = {
    "a schedule": (
        "n8n-nodes-base.scheduleTrigger", {"rule": {"interval": [{"field": "hours"}]}},
        "schedule", {"interval": [{"field": "hours"}]},
    ),
    "an old schedule": (
        "n8n-nodes-base.cron", {"triggerTimes": {"item": [{"hour": 8}]}},
        "schedule", {"item": [{"hour": 8}]},
    ),
    "an old threshold": (
        "n8n-nodes-base.if", {"conditions": {"number": [{"value1": "=x", "value2": 500}]}},
        "number", 500,
    ),
    "a sheet": (
        "n8n-nodes-base.googleSheets",
        {"documentId": {"__rl": True, "mode": "list", "value": "1AbC", "cachedResultName": "x"}},
        "text", "1AbC",
    ),
    "the server in an expression": (
        "n8n-nodes-base.httpRequest", {"url": "=https://api.acme.io/v1/{{ $json.id }}"},
        "text", "https://api.acme.io",
    ),
    "the server in code": (
        "n8n-nodes-base.code", {"jsCode": "return fetch('https://api.acme.io/v1')"},
        "text", "https://api.acme.io",
    ),
    "a time to wait": ("n8n-nodes-base.wait", {"amount": 3, "unit": "days"}, "number", 3),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "given", "type_", "default"), PROPOSED.values(), ids=PROPOSED)
def test_is_proposed(kind: str, given: Json, type_: str, default: Any) -> None:
    [proposal] = with_node(kind, **given).proposals

    assert (proposal.type, proposal.default) == (type_, default)


def test_expressions_and_zero_are_not_proposed() -> None:
    conditions = {"conditions": [{"leftValue": "=x", "rightValue": 0},
                                 {"leftValue": "=x", "rightValue": "={{ $json.a }}"}]}  # fmt: skip
    assert with_node("n8n-nodes-base.if", conditions=conditions).proposals == ()


def test_a_proposal_becomes_an_expression() -> None:
    found = with_node("n8n-nodes-base.httpRequest", url="=https://api.acme.io/{{ $json.id }}",
                      channelId="C1")  # fmt: skip
    chosen = {p.name: (p, f"$('Start').item.json.{p.format}") for p in found.proposals}

    parameters = find(with_values(found.workflow, chosen), "It")["parameters"]

    assert parameters["url"] == "={{ $('Start').item.json.url }}/{{ $json.id }}"
    assert parameters["channelId"] == "={{ $('Start').item.json.id }}"


def test_a_persons_address_has_a_stand_in_and_no_default() -> None:
    found = with_node(to="jane.doe@acme.io", cc="JANE.DOE@acme.io, max@acme.io", x="a@example.com")

    parameters = find(found.workflow, "It")["parameters"]
    assert parameters["to"] == "person1@example.com"
    assert parameters["cc"] == "person1@example.com, person2@example.com"
    assert parameters["x"] == "a@example.com"
    assert [p.default for p in found.proposals] == [None, None, "a@example.com"]


def test_an_address_with_a_secret_in_it_has_no_default() -> None:
    [proposal] = with_node(url="https://hooks.slack.com/services/T0/B0/abcdefghijklm").proposals

    assert proposal.default is None
    assert "REMOVED" in proposal.value


HOME = "/ho" + "me/"
CLEANED = {
    f"{HOME}jane/in.csv": f"{HOME}someone/in.csv",
    f"file://{HOME}jane/in.csv": f"file://{HOME}someone/in.csv",
    "C:\\Us" + "ers\\Jane Doe\\in.csv": "C:\\Us" + "ers\\someone\\in.csv",
    f"{HOME}node/.n8n": f"{HOME}node/.n8n",
    f"https://acme.io{HOME}page": f"https://acme.io{HOME}page",
    "Bearer abcdef0123456789xyz": "Bearer REMOVED-SECRET",
    "Bearer {{ $json.token }}": "Bearer {{ $json.token }}",
    "sk-" + "a1" * 16: "REMOVED-SECRET",
    "ghp_" + "a1" * 18: "REMOVED-SECRET",
    "https://a.io/?api_key=abc123def456&q=1": "https://a.io/?api_key=REMOVED-SECRET&q=1",
    "https://a.io/?api_key=YOUR_API_KEY1": "https://a.io/?api_key=YOUR_API_KEY1",
    "https://jane:pa55word@a.io/x": "https://REMOVED-SECRET@a.io/x",
    "https://hooks.slack.com/services/T0/B0/abcdef": (
        "https://hooks.slack.com/services/REMOVED-SECRET"
    ),
    "npm i @n8n/thing@1.0.0": "npm i @n8n/thing@1.0.0",
}


@pytest.mark.parametrize(("before", "after"), CLEANED.items())
def test_text_is_cleaned(before: str, after: str) -> None:
    assert Persons().cleaned(before)[0] == after
    assert Persons().cleaned(after)[0] == after


def test_a_header_of_letters_alone_is_a_secret() -> None:
    header = {"parameters": [{"name": "X-API-Key", "value": "ABCDEFGHIJKLMNOPQR"}]}
    found = with_node("n8n-nodes-base.httpRequest", headerParameters=header)

    assert "ABCDEFGH" not in json.dumps(found.workflow)


def test_a_secret_in_clear_is_taken_out_and_told() -> None:
    headers = {"parameters": [{"name": "X-Api-Key", "value": "a1b2c3d4e5"},
                              {"name": "Accept", "value": "text/html5"}]}  # fmt: skip
    found = with_node("n8n-nodes-base.httpRequest", headerParameters=headers)

    parameters = find(found.workflow, "It")["parameters"]["headerParameters"]["parameters"]
    assert [p["value"] for p in parameters] == ["REMOVED-SECRET", "text/html5"]
    assert any("held a secret in clear" in message for message in told(found))
    assert "a1b2c3d4e5" not in repr(found)


def test_what_will_not_work_elsewhere_is_told() -> None:
    assert any("runs commands" in m for m in told(with_node("n8n-nodes-base.executeCommand")))
    other = with_node("n8n-nodes-base.executeWorkflow", workflowId="x1y2")
    assert any("calls another workflow" in m for m in told(other))
    assert "x1y2" not in json.dumps(other.workflow)
    assert any("reads $env.URL" in m for m in told(with_node(url="={{ $env.URL }}")))
    assert any("names no package" in m for m in told(with_node("noOp")))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_real_files_come_back_but_for_ids(path: Any) -> None:
    content = path.read_bytes()
    found = imported(content)

    assert _left(json.loads(content), found) == 0
    assert _differences(json.loads(content), found) == []
    assert all(is_sticky(n) or n["parameters"] is not None for n in found.workflow["nodes"])


def test_what_was_put_right_comes_back_as_it_was() -> None:
    kind = "n8n-nodes-base.noOp"
    source = {
        "name": "W", "settings": {},
        "nodes": [
            {"id": "1", "name": "A", "type": kind, "position": {"x": 1, "y": 2}, "parameters": []},
            {"id": "2", "name": "A", "type": kind, "typeVersion": "1.1", "parameters": {}},
            {"id": "3", "name": "A1", "type": kind, "typeVersion": [1, 2], "position": ["0", "4"],
             "parameters": {}},
            {"id": "4", "name": 7, "type": kind, "position": [None, None], "typeVersion": None},
            {"id": "5", "type": kind, "position": [], "parameters": {}},
        ],
        "connections": {
            "A": {"main": [[{"node": "2", "type": "main", "index": 0}]]},
            "2": {"main": [[{"node": "A1", "type": "main", "index": 0}]]},
        },
    }  # fmt: skip

    found = imported(source)

    assert found.restored() == source
    assert _differences(source, found) == []


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(FILES), st.integers(0, 2**32))
def test_damaged_files_are_imported_or_refused(path: Any, seed: int) -> None:
    source = damaged(path.read_bytes(), random.Random(seed))
    try:
        found = import_export(source)
    except WorkflowUnreadable:
        return
    for one in found:
        assert len(workflow_hash(one.workflow)) == 64
        assert one.restored()["nodes"]
        again = imported(one.workflow)
        assert (again.workflow, again.removals) == (one.workflow, ())
