"""Merging by example: what a consultant sees after an upgrade."""

from copy import deepcopy
from typing import Any

import pytest

from controlplane.workflow.canonical import workflow_hash
from controlplane.workflow.conflicts import Resolution
from controlplane.workflow.merging import merge
from controlplane.workflow.naming import renamed
from controlplane.workflow.shapes import MISSING, edges
from tests.factories.workflows import add, connect, cut, find, named, targets, worker_names

Json = dict[str, Any]


@pytest.fixture
def base() -> Json:
    return named("support-agent")


def test_both_sides_edits_come_together(base: Json) -> None:
    ours, theirs = deepcopy(base), deepcopy(base)
    find(ours, "Chat Model")["parameters"]["options"]["temperature"] = 0.7
    find(theirs, "Chat Model")["parameters"]["options"]["maxTokens"] = 400
    find(theirs, "Chat Model")["credentials"] = {"openAiApi": {"id": "no", "name": "no"}}

    merged = merge(base=base, ours=ours, theirs=theirs)

    assert merged.clean
    node = find(merged.workflow, "Chat Model")
    assert node["parameters"]["options"] == {"temperature": 0.7, "maxTokens": 400}
    assert node["credentials"] == find(base, "Chat Model")["credentials"]


def test_the_same_parameter_is_a_conflict_with_both_sides(base: Json) -> None:
    ours, theirs = deepcopy(base), deepcopy(base)
    find(ours, "Memory")["parameters"]["contextWindowLength"] = 20
    find(theirs, "Memory")["parameters"]["contextWindowLength"] = 12

    merged = merge(base=base, ours=ours, theirs=theirs)

    [conflict] = merged.conflicts
    assert (conflict.node, conflict.path) == ("Memory", ("parameters", "contextWindowLength"))
    assert (conflict.base, conflict.ours, conflict.theirs) == (8, 20, 12)
    assert find(merged.workflow, "Memory")["parameters"] == {"contextWindowLength": 20}


@pytest.mark.parametrize(("choice", "value", "becomes"),
                         [("ours", None, 20), ("theirs", None, 12), ("value", 15, 15)])  # fmt: skip
def test_a_decision_is_applied(base: Json, choice: Any, value: Any, becomes: int) -> None:
    ours, theirs = deepcopy(base), deepcopy(base)
    find(ours, "Memory")["parameters"]["contextWindowLength"] = 20
    find(theirs, "Memory")["parameters"]["contextWindowLength"] = 12
    [conflict] = merge(base=base, ours=ours, theirs=theirs).conflicts

    decided = conflict.resolved(choice, value=value)
    merged = merge(base=base, ours=ours, theirs=theirs, resolutions=[decided])

    assert merged.clean
    assert [found.choice for found in merged.settled] == [choice]
    assert find(merged.workflow, "Memory")["parameters"] == {"contextWindowLength": becomes}


def test_a_standing_decision_holds_for_the_next_release(base: Json) -> None:
    ours, theirs = deepcopy(base), deepcopy(base)
    find(ours, "Memory")["parameters"]["contextWindowLength"] = 20
    find(theirs, "Memory")["parameters"]["contextWindowLength"] = 12
    [conflict] = merge(base=base, ours=ours, theirs=theirs).conflicts
    upgraded = merge(base=base, ours=ours, theirs=theirs, resolutions=[conflict.resolved("ours")])
    following = deepcopy(theirs)
    find(following, "Memory")["parameters"]["contextWindowLength"] = 30

    def next_one(decision: Resolution) -> Any:
        return merge(base=theirs, ours=upgraded.workflow, theirs=following, resolutions=[decision])

    standing = next_one(conflict.resolved("ours"))
    assert standing.clean
    assert find(standing.workflow, "Memory")["parameters"]["contextWindowLength"] == 20
    assert not next_one(conflict.resolved("ours", standing=False)).clean
    assert not next_one(conflict.resolved("value", value=15)).clean


def test_true_is_not_one(base: Json) -> None:
    find(base, "Memory")["parameters"]["contextWindowLength"] = 1
    ours, theirs = deepcopy(base), deepcopy(base)
    find(ours, "Memory")["parameters"]["contextWindowLength"] = True

    merged = merge(base=base, ours=ours, theirs=theirs)

    assert find(merged.workflow, "Memory")["parameters"]["contextWindowLength"] is True


def test_a_rename_by_the_release_reaches_the_tenants_expressions(base: Json) -> None:
    ours = deepcopy(base)
    mine = add(ours, "Mine", parameters={"a": "={{ $('Support Agent').first().json.output }}"})
    theirs = renamed(base, {"Support Agent": 'Agent\'s "new" name'})

    merged = merge(base=base, ours=ours, theirs=theirs)

    assert merged.clean
    name = 'Agent\'s "new" name'
    assert find(merged.workflow, "Mine")["parameters"]["a"] == (
        "={{ $('Agent\\'s \"new\" name').first().json.output }}"
    )
    assert "$('Agent\\'s" in find(merged.workflow, "Tidy")["parameters"]["jsCode"]
    assert (
        f'$items("{name.replace(chr(34), chr(92) + chr(34))}")'
        in (find(merged.workflow, "Tell finance")["parameters"]["text"])
    )
    assert [e.target for e in edges(merged.workflow) if e.kind.startswith("ai_")].count(name) == 4
    assert mine["parameters"]["a"].startswith("={{ $('Support")


def test_a_rename_by_the_tenant_reaches_what_the_release_brings(base: Json) -> None:
    ours, theirs = deepcopy(renamed(base, {"Reply": "Antwort"})), deepcopy(base)
    add(theirs, "New", parameters={"a": "={{ $node.Reply.json.x }}", "b": "=$items('Reply')"})
    connect(theirs, "Reply", "New")

    merged = merge(base=base, ours=ours, theirs=theirs)

    assert merged.clean
    assert find(merged.workflow, "New")["parameters"] == {
        "a": "={{ $node.Antwort.json.x }}", "b": "=$items('Antwort')",
    }  # fmt: skip
    assert (0, "New") in targets(merged.workflow, "Antwort")


def test_two_new_nodes_of_one_name_both_stay_and_are_told_apart(base: Json) -> None:
    ours, theirs = deepcopy(base), deepcopy(base)
    add(ours, "Check", id="m1", parameters={"by": "tenant"})
    add(theirs, "Check", id="r1", parameters={"by": "release"})
    add(theirs, "Uses", id="r2", parameters={"a": "={{ $('Check').item.json.by }}"})

    merged = merge(base=base, ours=ours, theirs=theirs)

    assert merged.clean
    assert find(merged.workflow, "Check")["parameters"] == {"by": "tenant"}
    assert find(merged.workflow, "Check1")["parameters"] == {"by": "release"}
    assert find(merged.workflow, "Uses")["parameters"]["a"] == "={{ $('Check1').item.json.by }}"


def test_names_changed_on_both_sides_are_a_conflict(base: Json) -> None:
    ours, theirs = renamed(base, {"Reply": "Antwort"}), renamed(base, {"Reply": "Respond"})

    merged = merge(base=base, ours=ours, theirs=theirs)

    [conflict] = merged.conflicts
    assert (conflict.kind, conflict.ours, conflict.theirs) == ("name", "Antwort", "Respond")
    decided = merge(base=base, ours=ours, theirs=theirs, resolutions=[conflict.resolved("theirs")])
    assert "Respond" in worker_names(decided.workflow)
    assert workflow_hash(decided.workflow) == workflow_hash(theirs)


def test_a_node_that_the_release_dropped_and_the_tenant_edited_is_a_conflict(base: Json) -> None:
    ours, theirs = deepcopy(base), deepcopy(base)
    find(ours, "Tidy")["parameters"]["jsCode"] = "return []"
    theirs["nodes"].remove(find(theirs, "Tidy"))
    cut(theirs, "Tidy")
    connect(theirs, "Reply", "Ask a person")

    merged = merge(base=base, ours=ours, theirs=theirs)

    [conflict] = merged.conflicts
    assert (conflict.kind, conflict.node, conflict.theirs) == ("node", "Tidy", MISSING)
    assert (0, "Tidy") in targets(merged.workflow, "Reply")
    gone = merge(base=base, ours=ours, theirs=theirs, resolutions=[conflict.resolved("theirs")])
    assert "Tidy" not in worker_names(gone.workflow)
    assert targets(gone.workflow, "Reply") == [(0, "Ask a person")]


@pytest.mark.parametrize("how", ["a node that was added", "a node that was there"])
def test_a_node_that_one_side_dropped_and_the_other_names_anew_is_a_conflict(
    base: Json, how: str
) -> None:
    says = {"a": "={{ $('Tidy').item.json.a }}"}
    keeps, drops = deepcopy(base), deepcopy(base)
    if how == "a node that was added":
        add(keeps, "Mine", parameters=says)
    else:
        find(keeps, "Memory")["parameters"].update(says)
    drops["nodes"].remove(find(drops, "Tidy"))
    cut(drops, "Tidy")

    [conflict] = merge(base=base, ours=keeps, theirs=drops).conflicts
    assert (conflict.kind, conflict.node, conflict.theirs) == ("node", "Tidy", MISSING)
    [conflict] = merge(base=base, ours=drops, theirs=keeps).conflicts
    assert (conflict.kind, conflict.node, conflict.ours) == ("node", "Tidy", MISSING)


def test_who_named_it_before_is_the_dropping_sides_own_matter(base: Json) -> None:
    find(base, "Memory")["parameters"]["a"] = "={{ $('Tidy').item.json.a }}"
    ours, theirs = deepcopy(base), deepcopy(base)
    find(ours, "Memory")["parameters"]["b"] = 1
    theirs["nodes"].remove(find(theirs, "Tidy"))
    cut(theirs, "Tidy")

    assert merge(base=base, ours=ours, theirs=theirs).clean


def test_another_kind_of_node_under_an_edit_is_one_decision(base: Json) -> None:
    ours, theirs = deepcopy(base), deepcopy(base)
    find(ours, "Tell finance")["parameters"]["text"] = "=Please pay"
    find(theirs, "Tell finance").update(
        type="n8n-nodes-base.microsoftTeams", typeVersion=2, parameters={"message": "Refund"}
    )

    merged = merge(base=base, ours=ours, theirs=theirs)

    [conflict] = merged.conflicts
    assert conflict.path == ()
    assert conflict.theirs["type"] == "n8n-nodes-base.microsoftTeams"
    node = find(merged.workflow, "Tell finance")
    assert (node["type"], node["parameters"]["text"]) == ("n8n-nodes-base.slack", "=Please pay")
    new = merge(base=base, ours=ours, theirs=theirs, resolutions=[conflict.resolved("theirs")])
    assert find(new.workflow, "Tell finance")["parameters"] == {"message": "Refund"}


def test_items_of_lists_are_told_apart_by_their_id(base: Json) -> None:
    ours, theirs = deepcopy(base), deepcopy(base)

    def fields(workflow: Json) -> list[Json]:
        found: list[Json] = find(workflow, "Reply")["parameters"]["assignments"]["assignments"]
        return found

    fields(ours).append({"id": "mine", "name": "mine", "value": 1})
    fields(ours)[0]["value"] = "Hello"
    fields(theirs).insert(0, {"id": "new", "name": "new", "value": 2})
    fields(theirs).pop(2)

    merged = merge(base=base, ours=ours, theirs=theirs)

    assert merged.clean
    assert [(f["id"], f["value"]) for f in fields(merged.workflow)] == [
        ("new", 2), ("s-1", "Hello"), ("mine", 1),
    ]  # fmt: skip


def test_new_nodes_give_way_to_the_tenants(base: Json) -> None:
    ours, theirs = deepcopy(base), deepcopy(base)
    add(ours, "Mine", position=[1100, 0])
    add(theirs, "New", position=[1110, 20])

    merged = merge(base=base, ours=ours, theirs=theirs).workflow

    assert find(merged, "Mine")["position"] == [1100, 0]
    assert find(merged, "New")["position"] == [1110, 150]


def test_the_tenants_path_name_and_webhook_stay(base: Json) -> None:
    add(base, "In", type="n8n-nodes-base.webhook", webhookId="w", parameters={"path": "x"})
    ours, theirs = deepcopy(base), deepcopy(base)
    ours["name"] = "[north] Support"
    find(ours, "In").update(webhookId="north", parameters={"path": "north-x"})
    find(theirs, "In").update(webhookId="v2", parameters={"path": "x2", "httpMethod": "POST"})

    merged = merge(base=base, ours=ours, theirs=theirs)

    assert merged.clean
    node = find(merged.workflow, "In")
    assert node["webhookId"] == "north"
    assert node["parameters"] == {"path": "north-x", "httpMethod": "POST"}
    assert merged.workflow["name"] == "[north] Support"
    assert workflow_hash(merged.workflow) == workflow_hash(theirs)


def test_a_forms_path_in_its_options_is_no_conflict(base: Json) -> None:
    add(base, "In", type="n8n-nodes-base.formTrigger", parameters={"options": {"path": "x"}})
    ours, theirs = deepcopy(base), deepcopy(base)
    find(ours, "In")["parameters"]["options"]["path"] = "north-x"
    find(theirs, "In")["parameters"]["options"].update(path="x2", buttonLabel="Send")

    merged = merge(base=base, ours=ours, theirs=theirs)

    assert merged.clean
    options = find(merged.workflow, "In")["parameters"]["options"]
    assert options == {"path": "north-x", "buttonLabel": "Send"}
    assert workflow_hash(merged.workflow) == workflow_hash(theirs)


def test_settings_are_merged_and_conflict_by_key(base: Json) -> None:
    ours, theirs = deepcopy(base), deepcopy(base)
    ours["settings"].update(timezone="Europe/Berlin", executionTimeout=60)
    theirs["settings"].update(timezone="UTC", saveManualExecutions=False)

    merged = merge(base=base, ours=ours, theirs=theirs)

    [conflict] = merged.conflicts
    assert (conflict.kind, conflict.path) == ("setting", ("timezone",))
    assert merged.workflow["settings"]["executionTimeout"] == 60
    assert merged.workflow["settings"]["saveManualExecutions"] is False


def test_new_ids_for_the_same_nodes_are_seen_through(base: Json) -> None:
    """A release that was exported, cleaned and imported again has other ids."""
    ours, theirs = deepcopy(base), deepcopy(base)
    find(ours, "Memory")["parameters"]["contextWindowLength"] = 20
    for number, node in enumerate(theirs["nodes"]):
        node["id"] = f"fresh {number}"
    find(theirs, "Reply")["parameters"]["options"]["dotNotation"] = False

    merged = merge(base=base, ours=ours, theirs=theirs)

    assert merged.clean
    assert len(merged.workflow["nodes"]) == len(base["nodes"])
    assert {n["id"] for n in merged.workflow["nodes"]} == {n["id"] for n in base["nodes"]}
