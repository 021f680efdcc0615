"""Decisions that were taken by earlier releases come out the same for ever.

The files are never written anew. Whoever gives SEMANTICS a new number adds a file of that number,
and whoever adds a context a case of it, in a further file. `settings` are the tenant's as they were
kept; cases without them are of before.
"""

import json
from pathlib import Path

import pytest

from controlplane.policies.contexts import context_names, get_context
from controlplane.policies.judging import SEMANTICS, RuleSet, judge

FOLDER = Path(__file__).parents[2] / "data" / "policies"
CASES = [
    pytest.param(case, id=f"{path.stem}-{case['name']}")
    for path in sorted(FOLDER.glob("semantics-*.json"))
    for case in json.loads(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("case", CASES)
def test_an_old_decision_comes_out_byte_for_byte(case):
    assert judged(case) == case["canonical"].encode()


def test_every_semantics_has_its_decisions():
    kept = {case.values[0]["semantics"] for case in CASES}
    assert kept == set(range(1, SEMANTICS + 1))


def test_every_context_has_a_decision_that_read_the_tenants_settings():
    kept = {
        case.values[0]["context"]
        for case in CASES
        if case.values[0].get("settings") and "tenant." in str(case.values[0]["rule_sets"])
    }
    assert kept >= set(context_names())


def judged(case):
    rule_sets = [RuleSet(**rules) for rules in case["rule_sets"]]
    context = get_context(case["context"])
    again = judge(
        context,
        rule_sets,
        case["input"],
        case["parameters"],
        settings=case.get("settings"),
        semantics=case["semantics"],
    )
    return again.canonical()
