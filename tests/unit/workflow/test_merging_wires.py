"""Merging connections by example: where both sides re-wired, and what follows a node or a rule."""

from copy import deepcopy
from typing import Any

import pytest

from controlplane.workflow.merging import merge
from controlplane.workflow.shapes import edges
from tests.factories.workflows import add, connect, cut, find, named, targets

Json = dict[str, Any]


@pytest.fixture
def base() -> Json:
    return named("support-agent")


def rule(key: str) -> Json:
    return {"conditions": {"conditions": [{"id": key, "leftValue": "", "rightValue": key}]}}


def rules(workflow: Json) -> list[Json]:
    values: list[Json] = find(workflow, "What kind?")["parameters"]["rules"]["values"]
    return values


def test_a_node_kept_against_the_release_is_not_passed_by(base: Json) -> None:
    """Else what comes after it would run twice."""
    ours, theirs = deepcopy(base), deepcopy(base)
    find(ours, "Sure enough?")["parameters"]["options"]["looseTypeValidation"] = True
    theirs["nodes"].remove(find(theirs, "Sure enough?"))
    cut(theirs, "Sure enough?")
    connect(theirs, "Support Agent", "Reply")

    merged = merge(base=base, ours=ours, theirs=theirs)

    assert targets(merged.workflow, "Support Agent") == [(0, "Sure enough?")]
    assert targets(merged.workflow, "Sure enough?") == [(0, "Reply"), (1, "What kind?")]


def test_both_put_a_node_into_the_same_line(base: Json) -> None:
    ours, theirs = deepcopy(base), deepcopy(base)
    for side, name in ((ours, "Mine"), (theirs, "New")):
        add(side, name)
        side["connections"]["Reply"]["main"] = [[]]
        connect(side, "Reply", name)
        connect(side, name, "Tidy")

    merged = merge(base=base, ours=ours, theirs=theirs)

    [conflict] = merged.conflicts
    assert conflict.kind == "connection"
    assert [t["node"] for t in conflict.ours] == ["Mine"]
    assert [t["node"] for t in conflict.theirs] == ["New"]
    assert targets(merged.workflow, "Reply") == [(0, "Mine")]
    both = conflict.resolved("value", value=[*conflict.ours, *conflict.theirs])
    merged = merge(base=base, ours=ours, theirs=theirs, resolutions=[both])
    assert merged.clean
    assert targets(merged.workflow, "Reply") == [(0, "Mine"), (0, "New")]


def test_outputs_of_a_switch_follow_their_rules(base: Json) -> None:
    """The release puts a rule before the others, the tenant one behind: both keep their edges."""
    ours, theirs = deepcopy(base), deepcopy(base)
    add(ours, "Mine")
    rules(ours).append(rule("mine"))
    ours["connections"]["What kind?"]["main"].insert(2, [])
    connect(ours, "What kind?", "Mine", 2)
    add(theirs, "New")
    rules(theirs).insert(0, rule("new"))
    theirs["connections"]["What kind?"]["main"].insert(0, [])
    connect(theirs, "What kind?", "New", 0)

    merged = merge(base=base, ours=ours, theirs=theirs)

    assert merged.clean
    keys = [r["conditions"]["conditions"][0]["id"] for r in rules(merged.workflow)]
    assert keys == ["new", "r-1", "r-2", "mine"]
    assert targets(merged.workflow, "What kind?") == [
        (0, "New"), (1, "Tell finance"), (2, "Tell the warehouse"), (3, "Mine"),
        (4, "Ask a person"),
    ]  # fmt: skip


def test_an_edge_from_a_rule_that_is_gone_is_told(base: Json) -> None:
    ours, theirs = deepcopy(base), deepcopy(base)
    connect(ours, "What kind?", "Tidy", 1)
    rules(theirs).pop(1)
    theirs["connections"]["What kind?"]["main"].pop(1)

    merged = merge(base=base, ours=ours, theirs=theirs)

    [conflict] = merged.conflicts
    assert (conflict.kind, conflict.node) == ("connection", "What kind?")
    assert targets(merged.workflow, "What kind?") == [(0, "Tell finance"), (1, "Ask a person")]


def test_an_agent_has_one_model(base: Json) -> None:
    ours, theirs = deepcopy(base), deepcopy(base)
    for side, name in ((ours, "Mine"), (theirs, "New")):
        add(side, name, type="@n8n/n8n-nodes-langchain.lmChatOllama")
        cut(side, "Chat Model")
        connect(side, name, "Support Agent", kind="ai_languageModel")

    merged = merge(base=base, ours=ours, theirs=theirs)

    [conflict] = merged.conflicts
    assert (conflict.kind, conflict.node) == ("connection", "Support Agent")
    assert [target["node"] for target in conflict.theirs] == ["New"]


def test_tools_of_both_sides_are_added(base: Json) -> None:
    ours, theirs = deepcopy(base), deepcopy(base)
    for side, name in ((ours, "Mine"), (theirs, "New")):
        add(side, name, type="n8n-nodes-base.httpRequestTool")
        connect(side, name, "Support Agent", kind="ai_tool")

    merged = merge(base=base, ours=ours, theirs=theirs)

    assert merged.clean
    tools = [e.source for e in edges(merged.workflow) if e.kind == "ai_tool"]
    assert sorted(tools) == ["Handbook", "Mine", "New", "Order lookup"]
