"""Renaming a node keeps whatever names it."""

import ast
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from controlplane.workflow.naming import referenced, rewritten

TOLD = {
    "={{ $('Old').item.json.a }}": "={{ $('New \"1\"').item.json.a }}",
    '={{ $("Old").all() }}': '={{ $("New \\"1\\"").all() }}',
    "={{ $(`Old`).all() }}": '={{ $(`New "1"`).all() }}',
    "={{ $( 'Old' ).all() }}": "={{ $( 'New \"1\"' ).all() }}",
    '={{ $node["Old"].json.a }}': '={{ $node["New \\"1\\""].json.a }}',
    "={{ $node['Old'].json.a }}": "={{ $node['New \"1\"'].json.a }}",
    "={{ $node.Old.json.a }}": '={{ $node["New \\"1\\""].json.a }}',
    '={{ $items("Old", 0, 1).length }}': '={{ $items("New \\"1\\"", 0, 1).length }}',
    "return _('Old').first()  # Python": "return _('New \"1\"').first()  # Python",
    "const a = $('Old'), b = $('Older');": "const a = $('New \"1\"'), b = $('Older');",
    "={{ $json.Old + x$('Old') }}": "={{ $json.Old + x$('Old') }}",
    "Old": "Old",
    "={{ $('Old": "={{ $('Old",
}


@pytest.mark.parametrize(("before", "after"), TOLD.items())
def test_every_way_to_name_a_node_is_kept(before: str, after: str) -> None:
    assert rewritten({"a": [before]}, {"Old": 'New "1"'}) == {"a": [after]}


def test_two_nodes_swap_their_names() -> None:
    assert rewritten("=$('A') + $node.B", {"A": "B", "B": "A"}) == "=$('B') + $node.A"


@given(st.text(min_size=1, max_size=12), st.sampled_from(["$('{}')", '$("{}")', "$(`{}`)"]))
def test_any_name_survives_being_written_and_read(name: str, form: str) -> None:
    text = rewritten(form.format("Old"), {"Old": name})

    assert referenced(text) == {name}
    assert rewritten(text, {name: "Old"}) == form.format("Old")


def test_the_package_knows_no_django_and_no_app() -> None:
    """It can be taken out and used alone, but for the root of the errors."""
    imported = set()
    for path in Path(settings.BASE_DIR / "controlplane" / "workflow").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")
            elif isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}

    ours = {name for name in imported if name.startswith(("controlplane", "tenants", "django"))}
    assert {n for n in ours if not n.startswith("controlplane.workflow")} == {
        "controlplane.core.errors"
    }
