"""Values that stand in a workflow: put in, exchanged, and left alone where somebody edited."""

from copy import deepcopy
from typing import Any

from controlplane.catalog.manifest import Manifest, ParameterSpec, Use
from controlplane.catalog.places import differs, exchanged, with_values

WORKFLOW: dict[str, Any] = {
    "name": "Tell",
    "nodes": [
        {"id": "s", "name": "Each morning", "type": "n8n-nodes-base.scheduleTrigger",
         "position": [0, 0], "parameters": {"rule": {"interval": [{"triggerAtHour": 8}]}}},
        {"id": "g", "name": "Get", "type": "n8n-nodes-base.httpRequest", "position": [1, 0],
         "parameters": {"url": "https://shop.example/orders", "limit": 5,
                        "code": "fetch('https://api.example/v1')"}},
    ],
    "connections": {}, "settings": {"timezone": "Europe/Berlin"},
}  # fmt: skip
MANIFEST = Manifest.model_validate({
    "title": "Tell", "version": "1.0.0", "summary": "Tells.", "n8n_minimum": "1.0.0",
    "parameters": [
        {"name": "url", "type": "text", "label": "U",
         "uses": [{"node": "Get", "path": ["parameters", "url"]}]},
        {"name": "limit", "type": "number", "label": "L",
         "uses": [{"node": "Get", "path": ["parameters", "limit"]}]},
        {"name": "server", "type": "text", "label": "S",
         "uses": [{"node": "Get", "path": ["parameters", "code"],
                   "part": "https://api.example"}]},
        {"name": "at", "type": "schedule", "label": "A",
         "uses": [{"node": "Each morning", "path": ["parameters", "rule"]}]},
        {"name": "zone", "type": "text", "label": "Z",
         "uses": [{"node": "", "path": ["settings", "timezone"]}]},
        {"name": "plain", "type": "text", "label": "P", "required": False},
    ],
})  # fmt: skip
VALUES = {
    "url": "https://north.example", "limit": "7", "server": "https://api.north", "at": "0 6 * * *",
    "zone": "Europe/Oslo", "plain": "x",
}  # fmt: skip


def get(flow: dict[str, Any]) -> dict[str, Any]:
    return flow["nodes"][1]["parameters"]


def test_a_clone_has_the_tenants_values_and_the_release_stays() -> None:
    before = deepcopy(WORKFLOW)

    clone = with_values(WORKFLOW, MANIFEST, VALUES)

    assert get(clone) == {
        "url": "https://north.example", "limit": 7, "code": "fetch('https://api.north/v1')",
    }  # fmt: skip
    rule = clone["nodes"][0]["parameters"]["rule"]
    assert rule == {"interval": [{"field": "cronExpression", "expression": "0 6 * * *"}]}
    assert clone["settings"]["timezone"] == "Europe/Oslo"
    assert before == WORKFLOW


def test_without_a_value_the_release_s_own_stands() -> None:
    assert with_values(WORKFLOW, MANIFEST, {}) == WORKFLOW


def test_new_values_are_exchanged_and_edits_stay() -> None:
    clone = with_values(WORKFLOW, MANIFEST, VALUES)
    clone["nodes"][1]["name"] = "Fetch the orders"
    get(clone)["url"] = "https://edited.example"
    get(clone)["extra"] = True

    after, left = exchanged(
        clone, WORKFLOW, MANIFEST, before=VALUES,
        after={**VALUES, "url": "https://new.example", "limit": "8", "server": "https://api.new"},
    )  # fmt: skip

    assert get(after) == {
        "url": "https://edited.example", "limit": 8, "code": "fetch('https://api.new/v1')",
        "extra": True,
    }  # fmt: skip
    assert [use.path for use in left] == [["parameters", "url"]]


ONE, TWO = "https://a.example", "https://a.example.org"
SENTENCE = f"see {ONE}/x and {TWO}/y, or {ONE}."


def two_in(text: str) -> tuple[dict[str, Any], Manifest]:
    workflow = deepcopy(WORKFLOW)
    get(workflow)["code"] = text
    uses = {"one": ONE, "two": TWO}
    return workflow, MANIFEST.model_copy(update={"parameters": [
        ParameterSpec(name=name, type="text", label=name, uses=[
            Use(node="Get", path=["parameters", "code"], part=part),
        ]) for name, part in uses.items()
    ]})  # fmt: skip


def test_a_server_is_no_part_of_one_that_begins_like_it() -> None:
    workflow, manifest = two_in(SENTENCE)

    clone = with_values(workflow, manifest, {"one": "https://shop.test"})
    assert get(clone)["code"] == f"see https://shop.test/x and {TWO}/y, or https://shop.test."
    clone = with_values(workflow, manifest, {"one": TWO, "two": ONE})
    assert get(clone)["code"] == f"see {TWO}/x and {ONE}/y, or {TWO}."


def test_two_parts_of_one_value_are_told_apart_again() -> None:
    workflow, manifest = two_in(SENTENCE)
    same = {"one": "https://shop.test", "two": "https://shop.test"}
    clone = with_values(workflow, manifest, same)

    after, left = exchanged(
        clone, workflow, manifest, before=same, after={**same, "two": "https://new.test"}
    )

    assert get(after)["code"] == (
        "see https://shop.test/x and https://new.test/y, or https://shop.test."
    )
    assert left == []
    assert exchanged(clone, workflow, manifest, before=same, after={}) == (workflow, [])


def test_parts_of_a_text_that_somebody_edited_are_exchanged_in_it() -> None:
    workflow, manifest = two_in(SENTENCE)
    before = {"one": "https://shop.test"}
    clone = with_values(workflow, manifest, before)
    get(clone)["code"] = get(clone)["code"].replace("see", "look at").replace(TWO, "it")

    after, left = exchanged(
        clone, workflow, manifest, before=before,
        after={"one": "https://new.test", "two": "https://other.test"},
    )  # fmt: skip

    assert get(after)["code"] == "look at https://new.test/x and it/y, or https://new.test."
    assert [use.part for use in left] == [TWO]


def test_what_was_deleted_is_left_alone() -> None:
    clone = with_values(WORKFLOW, MANIFEST, VALUES)
    del clone["nodes"][1]

    after, left = exchanged(
        clone, WORKFLOW, MANIFEST, before=VALUES, after={**VALUES, "limit": "8"}
    )

    assert after == clone
    assert len(left) == 1


def test_only_what_stands_in_the_workflow_touches_it() -> None:
    assert not differs(MANIFEST, VALUES, {**VALUES, "plain": "y"})
    assert differs(MANIFEST, VALUES, {**VALUES, "limit": "8"})
