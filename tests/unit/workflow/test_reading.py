"""Exports as they come, from n8n and from people: read, put right, or refused with a reason."""

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.workflow.canonical import workflow_hash
from controlplane.workflow.checking import MOST_NODES
from controlplane.workflow.reading import MOST_BYTES, Read, WorkflowUnreadable, read, read_one
from controlplane.workflow.shapes import edges
from tests.factories.workflows import FILES

Json = dict[str, Any]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def small(**more: Any) -> Json:
    return {
        "name": "Small",
        "nodes": [
            {"id": "1", "name": "In", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1,
             "position": [0, 0], "parameters": {}},
            {"id": "2", "name": "Out", "type": "n8n-nodes-base.noOp", "typeVersion": 1,
             "position": [200, 0], "parameters": {}},
        ],
        "connections": {"In": {"main": [[{"node": "Out", "type": "main", "index": 0}]]}},
        "settings": {},
        **more,
    }  # fmt: skip


def changed(number: int = 0, **fields: Any) -> Json:
    workflow = small()
    workflow["nodes"][number].update(fields)
    return workflow


def refusal(source: Any) -> WorkflowUnreadable:
    with pytest.raises(WorkflowUnreadable) as caught:
        read(source)
    assert caught.value.detail
    return caught.value


def field(source: Any) -> str:
    return refusal(source).errors[0].field


WRAPPED: dict[str, Any] = {
    "itself": small(),
    "a list": [small()],
    "n8n's gallery": {"workflow": {"id": 7, "name": "Outer", "workflow": small()}},
    "n8n's gallery, with the kinds of nodes": {
        "workflow": {"id": 7, "workflow": small(), "nodes": [{"id": 5, "icon": "fa:x"}]},
    },
    "n8n's API": {"data": [small()]},
    "an execution": {"id": 5, "data": {"resultData": {}}, "workflowData": small()},
    "an item": [{"json": small(), "pairedItem": {"item": 0}}],
    "a name and its workflow": {"workflow": "My flow", "data": small()},
    "an id and its workflow": {"workflow": {"id": 3}, "data": [small()]},
    "attributes": {"data": {"id": 1, "attributes": {"workflow": small()}}},
    "something else before": {"workflow": "{broken", "workflows": [1], "data": small()},
    "text inside": {"workflow": json.dumps(small())},
    "text": json.dumps(small()),
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(small()).encode(),
    "UTF-16": json.dumps(small()).encode("utf-16"),
}


@pytest.mark.parametrize("source", WRAPPED.values(), ids=WRAPPED)
def test_every_wrapping_is_read(source: Any) -> None:
    found = read_one(source)

    assert [node["name"] for node in found.workflow["nodes"]] == ["In", "Out"]
    assert workflow_hash(found.workflow) == workflow_hash(small())


def test_a_name_on_the_outside_is_taken() -> None:
    bare = {key: value for key, value in small().items() if key != "name"}

    assert read_one({"workflow": "My flow", "data": bare}).workflow["name"] == "My flow"
    assert read_one({"name": "Outer", "workflow": bare}).workflow["name"] == "Outer"
    assert read_one({"name": "Outer", "workflow": small()}).workflow["name"] == "Small"


def test_a_list_gives_every_workflow() -> None:
    assert [r.workflow["name"] for r in read([small(name="a"), small(name="b")])] == ["a", "b"]
    with pytest.raises(WorkflowUnreadable, match="2 workflows"):
        read_one([small(), small()])


def test_reading_copies() -> None:
    source = small()

    read_one(source).workflow["nodes"][0]["parameters"]["new"] = 1

    assert source == small()


NAMED: dict[str, tuple[Any, str]] = {
    "a node that is none": (small(nodes=[7]), "nodes.0"),
    "no type": (changed(1, type=None), "nodes.1.type"),
    "a type that is a list": (changed(1, type=["x"]), "nodes.1.type"),
    "a name that is an object": (changed(1, name={"a": 1}), "nodes.1.name"),
    "a name of JavaScript's": (changed(1, name="__proto__"), "nodes.1.name"),
    "a name without end": (changed(1, name="x" * 2000), "nodes.1.name"),
    "a position that is text": (changed(0, position="left"), "nodes.0.position"),
    "a position of one": (changed(0, position=[1]), "nodes.0.position"),
    "a version that is text": (changed(0, typeVersion="new"), "nodes.0.typeVersion"),
    "parameters that are text": (changed(0, parameters="x"), "nodes.0.parameters"),
    "credentials that are text": (changed(0, credentials="x"), "nodes.0.credentials"),
    "nodes that are no list": (small(nodes={"a": 1}), "nodes"),
    "nodes without end": (small(nodes=[{}] * (MOST_NODES + 1)), "nodes"),
    "settings that are text": (small(settings="x"), "settings"),
    "connections that are text": (small(connections="x"), "connections"),
    "outputs that are text": (small(connections={"In": {"main": "x"}}), "connections.In.main"),
    "an output that is text": (
        small(connections={"In": {"main": ["x"]}}), "connections.In.main.0",
    ),
    "a target that is text": (
        small(connections={"In": {"main": [["x"]]}}), "connections.In.main.0.0",
    ),
    "an input that is text": (
        small(connections={"In": {"main": [[{"node": "Out", "index": "x"}]]}}),
        "connections.In.main.0.0.index",
    ),
    "__proto__": (changed(0, parameters={"__proto__": {"admin": True}}),
                  "nodes.0.parameters.__proto__"),
    "constructor": (changed(0, parameters={"a": [{"constructor": 1}]}),
                    "nodes.0.parameters.a.0.constructor"),
    "in a list, with its number": ([small(), changed(1, type=7)], "1.nodes.1.type"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "where"), NAMED.values(), ids=NAMED)
def test_what_is_wrong_is_named_by_node_and_field(source: Any, where: str) -> None:
    assert field(source) == where


def deep(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


REFUSED: dict[str, tuple[Any, str]] = {
    "nothing": (b"", "not JSON: line 1"),
    "HTML": ("<html>", "not JSON"),
    "a trailing comma": ('{"nodes": [],}', "line 1, column 14"),
    "null": ("null", "no workflow"),
    "a number": (7, "no workflow"),
    "an empty list": ([], "no workflow"),
    "a list with something else": ([small(), {"a": 1}], "Entry 2"),
    "another JSON": ({"openapi": "3.1.0"}, "no workflow"),
    "broken JSON inside": ({"workflow": "{broken"}, "not JSON"),
    "a Python object": ({"nodes": {1, 2}}, "is a set"),
    "keys that are no text": ({"nodes": [], 7: 1}, "a key that is not text"),
    "too deep for us": (json.dumps(changed(0, parameters=json.loads(deep(200)))), "levels deep"),
    "too deep for Python": (deep(100_000), "levels deep"),
    "a number too long for Python": ('{"nodes": [' + "9" * 5000 + "]}", "a number that is none"),
    "a number too big for n8n": ('{"nodes": [], "a": 1e999}', "JavaScript"),
    "NaN": ('{"nodes": [], "a": NaN}', "a number that is none"),
    "too many bytes": (b" " * (MOST_BYTES + 1), "at most 16 MB"),
}


@pytest.mark.parametrize(("source", "told"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_workflow_is_refused_with_a_reason(source: Any, told: str) -> None:
    assert told in refusal(source).detail


MENDED: dict[str, tuple[Json, str, str]] = {
    "no name": (small(name=None), "", "name"),
    "a name that is a number": (changed(0, name=7), "7", "nodes.0.name"),
    "one name twice": (changed(1, name="In"), "In", "nodes.1.name"),
    "one id twice": (changed(1, id="1"), "Out", "nodes.1.id"),
    "a position of nothing": (changed(0, position=[None, None]), "In", "nodes.0.position"),
    "an empty position": (changed(0, position=[]), "In", "nodes.0.position"),
    "a position as an object": (
        changed(0, position={"x": 4, "y": 5}), "In", "nodes.0.position",
    ),
    "no position": (changed(0, position=None), "In", "nodes.0.position"),
    "parameters that PHP emptied": (changed(0, parameters=[]), "In", "nodes.0.parameters"),
    "a version as text": (changed(0, typeVersion="1.1"), "In", "nodes.0.typeVersion"),
    "a way to nowhere": (
        small(connections={"In": {"main": [[{"node": "Gone"}]]}}), "In", "connections.In.main.0.0",
    ),
    "a way from nowhere": (
        small(connections={"Gone": {"main": [[{"node": "In"}]]}}), "Gone", "connections.Gone",
    ),
    "a way by id": (
        small(connections={"1": {"main": [[{"node": "2"}]]}}), "In", "connections.1",
    ),
    "one list too few": (
        small(connections={"In": {"main": [{"node": "Out"}]}}), "In", "connections.In.main",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "node", "where"), MENDED.values(), ids=MENDED)
def test_what_n8n_would_put_right_is_put_right_and_said(
    source: Json, node: str, where: str
) -> None:
    found = read_one(source)

    assert (found.notes[0].node, found.notes[0].field) == (node, where)
    assert sound(found)
    assert read_one(found.workflow) == Read(found.workflow)


def named_nodes(*names: Any) -> list[Json]:
    return [
        {"id": str(n), "name": name, "type": "n8n-nodes-base.set", "parameters": {}}
        for n, name in enumerate(names)
    ]


def test_a_node_by_its_name_and_by_its_id_has_the_edges_of_both() -> None:
    def to(*targets: str) -> Json:
        return {"main": [[{"node": name, "type": "main", "index": 0} for name in targets]]}

    by_id = {"main": [*to("C", "D")["main"], *to("D")["main"]], "error": to("D")["main"]}
    by_name = to("B", "C")
    source = small(nodes=named_nodes("A", "B", "C", "D"), connections={"A": by_name, "0": by_id})

    found = read_one(source)

    assert [(e.kind, e.output, e.target) for e in edges(found.workflow)] == [
        ("main", 0, "B"), ("main", 0, "C"), ("main", 0, "D"), ("main", 1, "D"), ("error", 0, "D"),
    ]  # fmt: skip


def test_a_copy_does_not_take_the_name_that_another_node_has() -> None:
    source = small(
        nodes=named_nodes("A", "A", "A1", "B", None, "set"),
        connections={"A1": {"main": [[{"node": "B", "type": "main", "index": 0}]]}},
    )
    source["nodes"][3]["parameters"] = {"a": "={{ $('A1').item.json.a }}"}

    found = read_one(source).workflow

    assert [node["name"] for node in found["nodes"]] == ["A", "A2", "A1", "B", "set1", "set"]
    assert [(e.source, e.target) for e in edges(found)] == [("A1", "B")]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(["A", "A1", "A2", "A11", "set", "set1", 1, "1", None, ""])))
def test_who_is_first_keeps_its_name(names: list[Any]) -> None:
    found = read_one(small(nodes=named_nodes(*names), connections={})).workflow

    given_names = [str(name) for name in names if name not in (None, "")]
    kept = [node["name"] for node in found["nodes"]]
    assert len(set(kept)) == len(kept)
    assert set(given_names) <= set(kept)
    for name in set(given_names):
        assert kept.index(name) == [str(each) for each in names].index(name)


def test_ways_to_nowhere_are_kept_beside() -> None:
    source = small(connections={"In": {"main": [None, [{"node": "Gone"}, {"node": "Out"}]]}})

    found = read_one(source)

    assert [edge.target for edge in edges(found.workflow)] == ["Out"]
    assert [(edge.source, edge.output, edge.target) for edge in found.loose] == [("In", 1, "Gone")]


def test_characters_that_no_database_takes_are_replaced() -> None:
    found = read_one(json.dumps(changed(0, notes="a\0b\ud800")))

    assert found.workflow["nodes"][0]["notes"] == "a\ufffdb\ufffd"
    assert found.notes[0].field == "nodes.0.notes"
    assert read_one(json.dumps(small()).encode().replace(b"Small", b"Sm\xe4ll")).notes


def test_a_note_of_five_megabytes_and_a_circle_are_read() -> None:
    source = changed(0, parameters={"content": "x" * 5_000_000})
    source["connections"]["Out"] = {"main": [[{"node": "In", "type": "main", "index": 0}]]}

    assert len(list(edges(read_one(json.dumps(source)).workflow))) == 2


@settings(max_examples=300, deadline=None, derandomize=True)
@given(ANYTHING, st.booleans())
def test_nothing_but_a_refusal_comes_of_anything(value: Any, inside: bool) -> None:
    source = {"nodes": value} if inside else value
    try:
        found = read(source)
    except WorkflowUnreadable:
        return
    assert all(sound(one) for one in found)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.sampled_from(FILES), st.integers(0, 2**32), ANYTHING)
def test_real_files_with_something_else_somewhere(path: Any, seed: int, value: Any) -> None:
    source = json.loads(path.read_text(encoding="utf-8"))
    replace_somewhere(source, random.Random(seed), value)
    try:
        found = read(source)
    except WorkflowUnreadable:
        return
    assert all(sound(one) for one in found)
    assert all(len(workflow_hash(one.workflow)) == 64 for one in found)


def sound(found: Read) -> bool:
    nodes = found.workflow["nodes"]
    names = {node["name"] for node in nodes}
    return (
        len(names) == len({node["id"] for node in nodes}) == len(nodes)
        and all(isinstance(node["parameters"], dict) for node in nodes)
        and all(len(node["position"]) == 2 for node in nodes)
        and all({edge.source, edge.target} <= names for edge in edges(found.workflow))
    )


def replace_somewhere(value: Any, chance: random.Random, other: Any) -> None:
    for _depth in range(chance.randrange(1, 8)):
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        if not keys:
            return
        key = chance.choice(keys)
        if not isinstance(value[key], dict | list) or chance.random() < 0.3:
            value[key] = other
            return
        value = value[key]
