"""What changed between two workflows, as people read it."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controlplane.workflow.differences import compare
from controlplane.workflow.merging import merge
from controlplane.workflow.naming import renamed
from controlplane.workflow.wording import conflict_sentence, sentence
from tests.factories.workflows import FILES, Editor, connect, cut, find, named, wired

Json = dict[str, Any]
Change = Callable[[Json], Any]


def told(before: Json, after: Json) -> list[str]:
    return [sentence(change) for change in compare(before, after).changes]


def remove(workflow: Json, name: str) -> None:
    workflow["nodes"].remove(find(workflow, name))
    cut(workflow, name)


def parameters(workflow: Json, name: str) -> Json:
    found: Json = find(workflow, name)["parameters"]
    return found


def rewire(workflow: Json) -> None:
    workflow["connections"]["Reply"] = {}
    connect(workflow, "Reply", "Ask a person")


def put_rule_first(workflow: Json) -> None:
    rule = {"conditions": {"conditions": [{"id": "r-0"}]}, "outputKey": "New"}
    parameters(workflow, "What kind?")["rules"]["values"].insert(0, rule)
    workflow["connections"]["What kind?"]["main"].insert(0, [])


TOLD: dict[str, tuple[Change, list[str]]] = {
    "a parameter": (
        lambda w: parameters(w, "Memory").update(contextWindowLength=20),
        ["“Memory”: context window length was changed from 8 to 20."],
    ),
    "a new parameter": (
        lambda w: parameters(w, "Chat Model")["options"].update(maxTokens=400),
        ["“Chat Model”: options › max tokens was set to 400."],
    ),
    "a parameter less": (
        lambda w: parameters(w, "Chat Model")["options"].pop("temperature"),
        ["“Chat Model”: options › temperature was removed; it was 0.2."],
    ),
    "a choice from a list": (
        lambda w: parameters(w, "Chat Model")["model"].update(value="gpt-5"),
        ["“Chat Model”: model was changed from “gpt-4o-mini” to “gpt-5”."],
    ),
    "code": (
        lambda w: parameters(w, "Tidy").update(
            jsCode=parameters(w, "Tidy")["jsCode"].replace("const max = 500;\n", "a\nb\n")
        ),
        ["“Tidy”: js code was changed: 2 more and 1 fewer lines."],
    ),
    "switched off": (
        lambda w: find(w, "Reply").update(disabled=True), ["“Reply” was switched off."],
    ),
    "switched on": (
        lambda w: find(w, "Ask a person").pop("disabled"), ["“Ask a person” was switched on."],
    ),
    "moved": (lambda w: find(w, "Reply").update(position=[1, 2]), ["“Reply” was moved."]),
    "another version": (
        lambda w: find(w, "Reply").update(typeVersion=4),
        ["“Reply” went from version 3.4 of its kind to 4."],
    ),
    "a setting of the node": (
        lambda w: find(w, "Reply").update(onError="continueRegularOutput"),
        ["“Reply”: the setting on error was changed from nothing to “continueRegularOutput”."],
    ),
    "a setting of the workflow": (
        lambda w: w["settings"].update(timezone="UTC"),
        ["The workflow’s setting timezone was changed from nothing to “UTC”."],
    ),
    "a note": (
        lambda w: parameters(w, "Note").update(content="Hi"), ["The note “Note” was changed."],
    ),
    "a node less": (
        lambda w: remove(w, "Tidy"),
        ["“Tidy” was removed.", "“Reply” does not lead to “Tidy” any more."],
    ),
    "an edge": (
        lambda w: connect(w, "Sure enough?", "Ask a person", 1),
        ["“Sure enough?” leads to “Ask a person” now, from output 2."],
    ),
    "another way": (rewire, ["“Reply” leads to “Ask a person” instead of “Tidy”."]),
    "a tool less": (
        lambda w: cut(w, "Order lookup"),
        ["“Order lookup” does not lead to “Support Agent” any more as its tool."],
    ),
    "a rule before the others": (
        put_rule_first,
        ["“What kind?”: rules › 1 was set to "
         '{"conditions": {"conditions": [{"id": "r-0"}]}, "outputKey": "New"}.'],
    ),
    "ids and credentials": (
        lambda w: [n.update(id=f"x{n['id']}", credentials={}) for n in w["nodes"]], [],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "sentences"), TOLD.values(), ids=TOLD)
def test_changes_are_told_in_words(change: Change, sentences: list[str]) -> None:
    before = named("support-agent")
    after = deepcopy(before)
    change(after)

    assert told(before, after) == sentences


def test_a_rename_is_one_change_however_many_expressions_name_the_node() -> None:
    before = named("support-agent")
    after = renamed(before, {"Support Agent": "Helper"})

    assert told(before, after) == ["“Support Agent” is called “Helper” now."]
    assert compare(before, after).names["Support Agent"] == "Helper"


def test_sentences_can_be_translated() -> None:
    before = named("support-agent")
    after = deepcopy(before)
    find(after, "Reply")["position"] = [1, 1]
    [change] = compare(before, after).changes

    german = {"“{node}” was moved.": "„{node}“ wurde verschoben."}
    assert sentence(change, lambda text: german[text]) == "„Reply“ wurde verschoben."


def test_conflicts_are_told_in_words() -> None:
    base = named("support-agent")
    ours, theirs = deepcopy(base), deepcopy(base)
    parameters(ours, "Memory")["contextWindowLength"] = 20
    parameters(theirs, "Memory")["contextWindowLength"] = 12
    parameters(ours, "Tidy")["jsCode"] = "return []"
    remove(theirs, "Tidy")

    conflicts = merge(base=base, ours=ours, theirs=theirs).conflicts

    assert [conflict_sentence(conflict) for conflict in conflicts] == [
        "“Memory”: context window length was 8; you made it 20, the release makes it 12.",
        "The release drops “Tidy”, which you changed.",
    ]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.sampled_from(FILES), st.integers(0, 2**32), st.integers(0, 6))
def test_any_two_versions_can_be_compared(path: Any, seed: int, times: int) -> None:
    before = wired(path)
    after = Editor(before, seed, mark="x").edit(times)

    there, back = compare(before, after), compare(after, before)

    assert bool(there.changes) == bool(back.changes)
    assert compare(before, before).changes == ()
    assert all(sentence(change).endswith(".") for change in (*there.changes, *back.changes))
