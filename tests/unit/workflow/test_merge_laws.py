"""What holds for every merge, whatever the workflow and whatever both sides did to it."""

import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.workflow.canonical import canonical, workflow_hash
from controlplane.workflow.conflicts import Conflict
from controlplane.workflow.merging import Merged, merge
from controlplane.workflow.naming import dangling, referenced
from controlplane.workflow.placing import overlap
from controlplane.workflow.shapes import MAIN, STICKY, edges
from tests.factories.workflows import FILES, Editor, find, wired

Json = dict[str, Any]
WORKFLOWS = [wired(path) for path in FILES]
IDS = [[node["id"] for node in workflow["nodes"]] for workflow in WORKFLOWS]
SEEDS = st.integers(0, 2**32)
CASES = st.tuples(st.sampled_from(range(len(WORKFLOWS))), SEEDS, SEEDS, st.integers(1, 6))
OFTEN = settings(max_examples=80, deadline=None, derandomize=True)
Case = tuple[int, int, int, int]


def sides(case: Case) -> tuple[Json, Json, Json]:
    """Base, tenant's and release's; every second time both worked on the same three nodes."""
    number, mine, new, times = case
    base = WORKFLOWS[number]
    ids = [node["id"] for node in base["nodes"]]
    among = set(random.Random(mine).sample(ids, min(3, len(ids)))) if mine % 2 else None
    return (
        base,
        Editor(base, mine, mark="mine", among=among).edit(times),
        Editor(base, new, mark="new", among=among).edit(times),
    )


def whole(workflow: Json) -> Json:
    """What a merge is about, with notes and positions; ids and credentials are the tenant's."""
    nodes = [
        {key: value for key, value in node.items() if key not in ("credentials", "webhookId")}
        for node in workflow["nodes"]
    ]
    return {
        "nodes": {node["name"]: node for node in nodes},
        "connections": canonical(workflow)["connections"],
        "settings": workflow.get("settings") or {},
    }


@OFTEN
@given(CASES)
def test_what_nobody_else_touched_is_taken_as_it_is(case: Case) -> None:
    base, ours, theirs = sides(case)

    assert whole(merge(base=base, ours=base, theirs=theirs).workflow) == whole(theirs)
    assert whole(merge(base=base, ours=ours, theirs=base).workflow) == whole(ours)
    assert whole(merge(base=base, ours=ours, theirs=ours).workflow) == whole(ours)


@OFTEN
@given(CASES)
def test_merging_again_changes_nothing(case: Case) -> None:
    base, ours, theirs = sides(case)
    before = deepcopy((base, ours, theirs))
    merged = merge(base=base, ours=ours, theirs=theirs)

    again = merge(base=theirs, ours=merged.workflow, theirs=theirs)

    assert (base, ours, theirs) == before
    assert again.clean
    assert whole(again.workflow) == whole(merged.workflow)
    assert merge(base=base, ours=ours, theirs=theirs) == merged


@OFTEN
@given(CASES)
def test_the_result_is_sound(case: Case) -> None:
    base, ours, theirs = sides(case)
    merged = merge(base=base, ours=ours, theirs=theirs).workflow
    names = [node["name"] for node in merged["nodes"]]
    ids = [node["id"] for node in merged["nodes"]]

    assert len(set(names)) == len(names)
    assert len(set(ids)) == len(ids)
    assert dangling(merged) == []
    assert new_overlaps(merged, ours, theirs) == []
    kept = {node["id"]: node for node in ours["nodes"]}
    for node in merged["nodes"]:
        if node["id"] in kept:
            assert node.get("credentials") == kept[node["id"]].get("credentials")
            assert node.get("webhookId") == kept[node["id"]].get("webhookId")


@OFTEN
@given(CASES)
def test_expressions_name_nodes_that_are_there(case: Case) -> None:
    """Unless they named none before, or the node was taken away."""
    base, ours, theirs = sides(case)
    merged = merge(base=base, ours=ours, theirs=theirs).workflow

    names = {node["name"] for node in merged["nodes"]}
    known = {node["name"] for copy in (base, ours, theirs) for node in copy["nodes"]}
    gone = {name for copy in (base, ours, theirs) for name in _unresolved(copy, known)}
    gone |= {n["name"] for copy in (base, ours, theirs) for n in copy["nodes"]
             if n["id"] not in {m["id"] for m in merged["nodes"]}}  # fmt: skip
    assert said(merged, known) - names <= gone


@OFTEN
@given(CASES)
def test_what_one_side_names_anew_is_there_or_in_a_conflict(case: Case) -> None:
    number, mine, new, times = case
    base, some = WORKFLOWS[number], set(IDS[number][:4])
    ours = Editor(base, mine, mark="mine", among=some).edit(times, ["remove", "rename", "move"])
    theirs = Editor(base, new, mark="new", among=some).edit(times, ["mention", "rename", "add"])
    if mine % 2:
        ours, theirs = theirs, ours
    merged = merge(base=base, ours=ours, theirs=theirs)

    there = {node["id"] for node in merged.workflow["nodes"]}
    told = {conflict.key.split(":")[1] for conflict in merged.conflicts}
    before = {node["id"]: node for node in base["nodes"]}
    for side in (ours, theirs):
        known = {node["name"]: node["id"] for node in side["nodes"]}
        was = {before[key]["name"]: key for key in known.values() if key in before}
        for node in side["nodes"]:
            old = {"nodes": [before[node["id"]]]} if node["id"] in before else {"nodes": []}
            named = {known[name] for name in said({"nodes": [node]}, set(known))}
            anew = named - {was[name] for name in said(old, set(was))}
            assert {key for key in anew - {node["id"]} if key in before} <= there | told


@OFTEN
@given(CASES)
def test_no_edit_is_lost(case: Case) -> None:
    """Every edit of both sides is in the result, or in a conflict with both sides shown."""
    base, ours, theirs = sides(case)
    merged = merge(base=base, ours=ours, theirs=theirs)

    for side in (ours, theirs):
        assert list(lost_parameters(base, side, merged)) == []
        assert list(lost_nodes(base, side, merged)) == []
        assert list(lost_edges(base, side, merged)) == []


@OFTEN
@given(CASES)
def test_edits_of_different_parts_commute_without_conflict(case: Case) -> None:
    number, mine, new, times = case
    base = WORKFLOWS[number]
    ids = sorted(node["id"] for node in base["nodes"])
    calm = ["change", "set", "switch_off", "rename", "add", "setting"]
    one = Editor(base, mine, mark="mine", among=set(ids[::2])).edit(times, calm)
    two = Editor(base, new, mark="new", among=set(ids[1::2])).edit(times, calm)

    first = merge(base=base, ours=one, theirs=two)
    second = merge(base=base, ours=two, theirs=one)

    assert first.conflicts == second.conflicts == ()
    assert workflow_hash(first.workflow) == workflow_hash(second.workflow)


@OFTEN
@given(CASES)
def test_what_was_decided_is_applied_again(case: Case) -> None:
    base, ours, theirs = sides(case)
    merged = merge(base=base, ours=ours, theirs=theirs)
    for choice in ("ours", "theirs"):
        decided = [conflict.resolved(choice) for conflict in merged.conflicts]  # type: ignore[arg-type]

        again = merge(base=base, ours=ours, theirs=theirs, resolutions=decided)

        # Deciding for a node or its rules may bring out what was hidden behind it.
        more = [conflict.resolved(choice) for conflict in again.conflicts]  # type: ignore[arg-type]
        last = merge(base=base, ours=ours, theirs=theirs, resolutions=[*decided, *more])
        assert last.clean
        assert dangling(last.workflow) == []
        assert {c.choice for c in last.settled} <= {choice}


def new_overlaps(merged: Json, *sources: Json) -> list[tuple[str, str]]:
    """Pairs of nodes on top of one another that were not so in either source."""
    drawn = [{n["id"]: n["position"] for n in copy["nodes"]} for copy in sources]
    nodes = [n for n in merged["nodes"] if n["type"] != STICKY]
    return [
        (one["name"], other["name"])
        for index, one in enumerate(nodes)
        for other in nodes[index + 1 :]
        if overlap(one["position"], other["position"])
        and not any(
            one["id"] in at and other["id"] in at and overlap(at[one["id"]], at[other["id"]])
            for at in drawn
        )
    ]


def said(workflow: Json, names: set[str]) -> set[str]:
    """Those names that expressions say, by another reading than the one that is tried here."""
    texts = "\n".join(_texts([node["parameters"] for node in workflow["nodes"]]))
    return {name for name in names if any(form in texts for form in _forms(name))}


def _forms(name: str) -> Iterator[str]:
    for quote in "'\"`":
        inner = name.replace("\\", "\\\\").replace(quote, f"\\{quote}")
        for head in ("$(", "$node[", "$items("):
            yield f"{head}{quote}{inner}{quote}"
    yield f"$node.{name}."


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _unresolved(workflow: Json, names: set[str]) -> set[str]:
    return said(workflow, names) - {node["name"] for node in workflow["nodes"]}


def _flat(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Paths and values with names of nodes taken out, since renames may change them."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, (*path, key))
    elif isinstance(value, list) and value:
        for number, inner in enumerate(value):
            yield from _flat(inner, (*path, number))
    elif not referenced(value):
        yield path, repr(value)


def _told(conflicts: tuple[Conflict, ...], name: str) -> bool:
    return any(conflict.node == name for conflict in conflicts)


def lost_parameters(base: Json, side: Json, merged: Merged) -> Iterator[str]:
    """Edited values that are nowhere under their keys; items of lists may have moved."""
    before = {node["id"]: node for node in base["nodes"]}
    after = {node["id"]: node for node in merged.workflow["nodes"]}
    told = {conflict.key.split(":")[1] for conflict in merged.conflicts}
    for node in side["nodes"]:
        if node["id"] in told:
            continue
        was = dict(_flat(before.get(node["id"], {}).get("parameters", {})))
        now = dict(_flat(node["parameters"]))
        edits = {path: value for path, value in now.items() if was.get(path) != value}
        result = _by_keys(after.get(node["id"], {}).get("parameters", {}))
        for path, value in edits.items():
            if value not in (*result.get(_keys(path), ()), "{}", "[]"):
                yield f"{node['name']} {path} {value}"


def _keys(path: tuple[Any, ...]) -> tuple[str, ...]:
    return tuple(step for step in path if isinstance(step, str))


def _by_keys(value: Any) -> dict[tuple[str, ...], list[str]]:
    found: dict[tuple[str, ...], list[str]] = {}
    for path, inner in _flat(value):
        found.setdefault(_keys(path), []).append(inner)
    return found


def lost_nodes(base: Json, side: Json, merged: Merged) -> Iterator[str]:
    before = {node["id"] for node in base["nodes"]}
    after = {node["id"] for node in merged.workflow["nodes"]}
    now = {node["id"] for node in side["nodes"]}
    told = {conflict.key.split(":")[1] for conflict in merged.conflicts}
    yield from (now - before) - after
    yield from ((before - now) & after) - told


def lost_edges(base: Json, side: Json, merged: Merged) -> Iterator[Any]:
    before, now, after = (_edges_by_id(copy) for copy in (base, side, merged.workflow))
    told = {conflict.key.split(":")[1] for conflict in merged.conflicts}
    for edge in (now - before) - after:
        if not {edge[0], edge[3]} & told:
            yield edge
    there = {node["id"] for node in side["nodes"]}
    for edge in (before - now) & after:
        if not {edge[0], edge[3]} & told and {edge[0], edge[3]} <= there:
            yield edge


def _edges_by_id(workflow: Json) -> set[tuple[str, str, int, str]]:
    ids = {node["name"]: node["id"] for node in workflow["nodes"]}
    return {
        (ids[e.source], e.kind, e.output if e.kind == MAIN else 0, ids[e.target])
        for e in edges(workflow)
    }


@pytest.mark.parametrize("number", range(len(WORKFLOWS)))
def test_the_workflows_have_something_to_lose(number: int) -> None:
    assert list(edges(WORKFLOWS[number]))
    assert find(WORKFLOWS[number], WORKFLOWS[number]["nodes"][0]["name"])
