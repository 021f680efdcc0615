"""Renaming a node keeps whatever names it."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from controlplane.workflow.naming import _GAP, referenced, rewritten

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
    "={{ $node?.Old.json.a }}": '={{ $node?.["New \\"1\\""].json.a }}',
    "={{ $node?.['Old'].json.a }}": "={{ $node?.['New \"1\"'].json.a }}",
    "={{ $node [ 'Old' ].json.a }}": "={{ $node [ 'New \"1\"' ].json.a }}",
    "={{ $ ('Old').all() }}": "={{ $ ('New \"1\"').all() }}",
    "={{ $(/*c*/'Old').all() }}": "={{ $(/*c*/'New \"1\"').all() }}",
    "={{ $(\n  // no\n'Old') }}": "={{ $(\n  // no\n'Old') }}",
    "={{ $(/* a * b */ /**/\n'Old') }}": "={{ $(/* a * b */ /**/\n'New \"1\"') }}",
    f"={{{{ $({'/* a */ ' * 12}'Old') }}}}": f"={{{{ $({'/* a */ ' * 12}'New \"1\"') }}}}",
    f"={{{{ $(/*{'my $a_b ' * 90}*/'Old') }}}}": f"={{{{ $(/*{'my $a_b ' * 90}*/'New \"1\"') }}}}",
    "={{ $items ( 'Old' ) }}": "={{ $items ( 'New \"1\"' ) }}",
    "={{ $items?.('Old') }}": "={{ $items?.('New \"1\"') }}",
    "={{ $('\\x4fld').all() }}": "={{ $('New \"1\"').all() }}",
    "={{ $('\\u004Fld').all() }}": "={{ $('New \"1\"').all() }}",
    "={{ $('\\u{4f}ld').all() }}": "={{ $('New \"1\"').all() }}",
    "={{ $node\n  .Old.json }}": '={{ $node\n  ["New \\"1\\""].json }}',
    "={{ $node.Older.json + $node.Oldé }}": "={{ $node.Older.json + $node.Oldé }}",
    "={{ $json.Old + x$('Old') }}": "={{ $json.Old + x$('Old') }}",
    "Old": "Old",
    "={{ $('Old": "={{ $('Old",
}


@pytest.mark.parametrize(("before", "after"), TOLD.items())
def test_every_way_to_name_a_node_is_kept(before: str, after: str) -> None:
    assert rewritten({"a": [before]}, {"Old": 'New "1"'}) == {"a": [after]}


FOREIGN = {
    "={{ $node.Übersicht.json }}": ("Übersicht", "={{ $node.New.json }}"),
    "={{ $node.日本.json }}": ("日本", "={{ $node.New.json }}"),
    "={{ $node.हिन्दी.json }}": ("हिन्दी", "={{ $node.New.json }}"),
    "={{ $node?.日本 }}": ("日本", "={{ $node?.New }}"),
    "={{ $('Caf\\u00e9') }}": ("Café", "={{ $('New') }}"),
    "={{ $('Caf\\xe9') }}": ("Café", "={{ $('New') }}"),
    "={{ $('\\ud83d\\ude00 a') }}": ("😀 a", "={{ $('New') }}"),
    "={{ $('\\u{1F600} a') }}": ("😀 a", "={{ $('New') }}"),
    "={{ $('a\\\nb') }}": ("ab", "={{ $('New') }}"),
}


@pytest.mark.parametrize(("before", "name", "after"), [(k, *v) for k, v in FOREIGN.items()])
def test_names_of_any_script_are_kept(before: str, name: str, after: str) -> None:
    assert rewritten(before, {name: "New"}) == after


def test_a_name_that_is_no_plain_one_is_written_in_brackets() -> None:
    assert rewritten("$node.Old", {"Old": "日本"}) == '$node["日本"]'


@pytest.mark.parametrize(
    "part",
    ["$('", '$("\\', "$(`$('$(\"", "$(/*", "$(/*$(/**/", "$ ", "$node", "$node?.", "$node[ ", "_ (",
     "$( ", "$(/**/ ", "$node.a", "$items(", "\\u{", "$('\\x", "/*" + "$/*" * 64 + "*/",
     "$node/**/", "$/*" + "a" * 99 + "*/"],
)  # fmt: skip
def test_hostile_text_costs_no_more_than_its_length(part: str) -> None:
    """It would take hours, if the time grew with the square of the length."""
    text = part * (400_000 // len(part))

    assert rewritten(text, {"Old": "New"}) == text
    assert rewritten(f"{part}{' ' * 400_000}", {"Old": "New"})
    assert rewritten(f"{part}{text}'Old')", {"Older": "New"})


@pytest.mark.parametrize(
    "part",
    ["/*" + "$/*" * 64 + "*/", "/*" + "_ /*" * 64 + "*/", "$/*a*/", "/*" + "$node/*" * 24 + "*/"],
)
def test_no_character_is_looked_at_for_many_references(part: str) -> None:
    """What follows all that may begin a reference is together no longer than the text."""
    text, gap = part * 50, re.compile(_GAP)

    begun = [match.end() for match in re.finditer(r"[$_](?:node|items)?", text)]
    gaps = [found.span() for at in begun if (found := gap.match(text, at))]

    assert sum(end - start for start, end in gaps) <= len(text)


def test_a_workflow_in_a_parameter_names_its_own_nodes() -> None:
    inner = {"workflowJson": '{"a": "={{ $(\'Old\').all() }}"}'}
    outer = {"workflowJson": '={"a": "{{ $(\'Old\').all() }}"}'}

    assert rewritten(inner, {"Old": "New"}) == inner
    assert referenced(inner) == set()
    assert referenced(rewritten(outer, {"Old": "New"})) == {"New"}


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
