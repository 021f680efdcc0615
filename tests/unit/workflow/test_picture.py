"""The picture: what is on it, who can read it, and what can never get into it."""

import re
import xml.etree.ElementTree as ET
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.workflow.picture.drawing import MOST_NODES, draw
from controlplane.workflow.picture.markup import wrapped
from controlplane.workflow.reading import read_one
from tests.factories.workflows import FILES, Editor, connect, cut, find, named, wired

Json = dict[str, Any]
SVG = "{http://www.w3.org/2000/svg}"
HARMLESS = {"svg", "title", "desc", "defs", "pattern", "g", "rect", "circle", "path", "text"}
HOSTILE = "</text><script>alert(1)</script>\" onload='x' \x00\x1b\u202e&lt;{{7*7}}"


def parsed(svg: str) -> ET.Element:
    root = ET.fromstring(svg)
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in HARMLESS
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert name not in ("style", "href", "src")
            assert "url(" not in value or re.fullmatch(r"url\(#grid-[0-9a-f]{12}\)", value)
    return root


def texts(svg: str) -> list[str]:
    return ["".join(element.itertext()) for element in parsed(svg).iter(f"{SVG}text")]


def marked(svg: str, state: str) -> list[str]:
    """Titles of the nodes of a state."""
    return [
        str(group.findtext(f"{SVG}title")).split(" (")[0]
        for group in parsed(svg).iter(f"{SVG}g")
        if state in group.get("class", "").split() and group.find(f"{SVG}title") is not None
    ]


def edges_marked(svg: str, state: str) -> int:
    return len([1 for path in parsed(svg).iter(f"{SVG}path")
                if {"edge", state} <= set(path.get("class", "").split())])  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name + path.stem)
def test_every_workflow_is_drawn_with_its_names(path: Any) -> None:
    workflow = wired(path)
    svg = draw(workflow)

    shown = "".join(texts(svg)).replace(" ", "")
    for node in workflow["nodes"]:
        if not node["type"].endswith("stickyNote"):
            assert node["name"][:10].replace(" ", "") in shown


def test_outputs_parts_notes_and_what_is_off_are_drawn() -> None:
    svg = draw(named("support-agent"))

    assert {"true", "false", "Refund", "Delivery", "else", "Model", "Memory", "Tool"} <= set(
        texts(svg)
    )
    assert "Answer support" in texts(svg)
    assert marked(svg, "off") == ["Ask a person"]
    assert len(re.findall(r'class="edge part"', svg)) == 5


def test_people_who_do_not_see_it_are_told() -> None:
    root = parsed(draw(named("support-agent")))

    ids = root.get("aria-labelledby", "").split()
    told = {element.get("id"): element.text for element in root if element.get("id") in ids}
    assert root.get("role") == "img"
    assert told[ids[0]] == "Answer support questions"
    assert str(told[ids[1]]).startswith("A workflow of 14 steps. It starts with Chat message.")
    assert "Sure enough? leads to Reply, What kind?." in str(told[ids[1]])


def test_hostile_names_stay_text() -> None:
    workflow = named("support-agent")
    for node in workflow["nodes"]:
        node["name"] = f"{HOSTILE}{node['id']}"
        node["type"] = f"{HOSTILE}.{HOSTILE}" if node["id"] == "b4" else node["type"]
    workflow["connections"] = {}
    find(workflow, f"{HOSTILE}a0")["parameters"].update(content=f"# {HOSTILE}", color=HOSTILE)
    find(workflow, f"{HOSTILE}a9")["parameters"]["rules"]["values"][0]["outputKey"] = HOSTILE
    workflow["name"] = HOSTILE

    svg = draw(workflow, since=named("support-agent"))

    assert "<script" not in svg
    assert "\u202e" not in svg
    assert any("</text>" in text for text in texts(svg))


def test_a_file_of_its_own_brings_its_colours() -> None:
    svg = draw(named("support-agent"), standalone=True)

    assert "prefers-color-scheme:dark" in svg
    assert "<style" not in draw(named("support-agent"))


def test_what_changed_is_marked() -> None:
    before = named("support-agent")
    after = deepcopy(before)
    find(after, "Memory")["parameters"]["contextWindowLength"] = 20
    after["nodes"].remove(find(after, "Tidy"))
    cut(after, "Tidy")
    after["nodes"].append({**find(before, "Reply"), "id": "new", "name": "New"})
    connect(after, "Reply", "New")

    svg = draw(after, since=before)

    assert marked(svg, "changed") == ["Memory"]
    assert marked(svg, "added") == ["New"]
    assert marked(svg, "removed") == ["Tidy"]
    assert edges_marked(svg, "added") == 1
    assert edges_marked(svg, "removed") == 1
    assert edges_marked(draw(before, since=before), "added") == 0


def many(count: int) -> Json:
    nodes = [
        {"id": str(n), "name": f"Node {n}", "type": "n8n-nodes-base.set", "parameters": {},
         "position": [n % 80 * 200, n // 80 * 200]} for n in range(count)
    ]  # fmt: skip
    joined = {f"Node {n}": {"main": [[{"node": f"Node {(n + 1) % count}"}]]} for n in range(count)}
    return read_one({"name": "Many", "nodes": nodes, "connections": joined}).workflow


def test_a_huge_workflow_has_a_picture_of_bounded_size() -> None:
    svg = draw(many(5_000))

    assert len(svg) < 1_500_000
    assert f"… and {5_000 - MOST_NODES} more nodes" in texts(svg)


def test_a_note_of_five_megabytes_and_a_node_a_mile_away_are_bounded() -> None:
    workflow = named("support-agent")
    find(workflow, "Note")["parameters"].update(content="word " * 1_000_000, width=1e12, height="x")
    find(workflow, "Reply")["position"] = [9e8, -9e8]

    svg = draw(workflow)

    assert len(svg) < 60_000
    _x, _y, width, height = map(float, parsed(svg).attrib["viewBox"].split())
    assert width < 10_000
    assert height < 4_000


def test_an_empty_workflow_has_a_picture() -> None:
    assert parsed(draw(read_one({"nodes": []}).workflow)) is not None


def test_long_words_break_behind_their_signs() -> None:
    assert wrapped("retrieve_data_from_memory", 21, 3) == ["retrieve_data_from_", "memory"]
    assert wrapped("one two three four", 9, 2) == ["one two", "three…"]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.sampled_from(FILES), st.integers(0, 2**32), st.integers(0, 8))
def test_any_two_versions_make_a_picture(path: Any, seed: int, times: int) -> None:
    before = wired(path)
    after = Editor(before, seed, mark="x").edit(times)

    assert parsed(draw(after, since=before)) is not None
    assert draw(after) == draw(deepcopy(after))
