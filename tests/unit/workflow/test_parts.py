"""Parts of a text: found where they stand alone, and exchanged all at once."""

import pytest

from controlplane.workflow.importer.importing import import_export
from controlplane.workflow.importer.result import with_values
from controlplane.workflow.parts import exchanged, stands

APART = [
    ("https://a.example/x", "https://a.example", True),
    ("at https://a.example.", "https://a.example", True),
    ("https://a.example.org/x", "https://a.example", False),
    ("https://a.example:8080/x", "https://a.example", False),
    ("https://a.example-shop.org", "https://a.example", False),
    ("https://a.example@evil.org", "https://a.example", False),
    ("fetch('\\nhttps://a.example')", "https://a.example", True),
    ("https://a.example/b/c", "https://a.example/b/", True),
    ("to ann@a.example, please", "ann@a.example", True),
    ("to joann@a.example", "ann@a.example", False),
    ("to ann@a.example.org", "ann@a.example", False),
    ("anything", "thing", True),
    ("anything", "", False),
]


@pytest.mark.parametrize(("text", "part", "there"), APART)
def test_a_part_stands_alone(text: str, part: str, there: bool) -> None:
    assert stands(text, part) is there
    assert (exchanged(text, [(part, "new")]) != text) is there


def test_parts_change_places() -> None:
    one, two = "https://a.example", "https://b.example"

    assert exchanged(f"{one}, {two}/", [(one, two), (two, one)]) == f"{two}, {one}/"
    assert exchanged(one, []) == one


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("See https://a.example.", {"https://a.example"}),
        ("https://a.example,https://b.example or", {"https://a.example", "https://b.example"}),
        ("=https://api.{{ $json.region }}.a.example/x", set()),
        ("=https://a.example{{ $json.path }}", {"https://a.example"}),
        ("**https://a.example**", {"https://a.example"}),
    ],
)
def test_the_servers_in_a_text(text: str, servers: set[str]) -> None:
    node = {"name": "It", "type": "n8n-nodes-base.set", "parameters": {"a": text}}
    [found] = import_export({"nodes": [node], "connections": {}})

    assert {proposal.value for proposal in found.proposals} == servers
    chosen = {p.name: (p, "$json.x") for p in found.proposals}
    [node] = with_values(found.workflow, chosen)["nodes"]
    assert not [server for server in servers if server in node["parameters"]["a"]]
