"""A decision is explained, computed again byte by byte, and overridden without being changed."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.utils import DatabaseError

from controlplane.orders.contexts import _SAMPLE, CONTEXT, facts_of
from controlplane.policies import engine
from controlplane.policies.contexts import get_context
from controlplane.policies.facts import FactsIncomplete, assert_complete
from controlplane.policies.models import Decision
from controlplane.policies.services import (
    InputChanged,
    InputNotKept,
    OverrideWithoutReason,
    override_decision,
    recompute_decision,
    record_decision_outcome,
)
from tests.integration.policies.conftest import ADA


def recomputed(decision, *arguments):
    out, err = StringIO(), StringIO()
    call_command("recompute_decision", str(decision.pk), *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_it_keeps_input_engine_and_versions(policy, decide):
    decision = Decision.objects.get(pk=decide(90_000).pk)
    assert decision.input["order"]["total"]["minor"] == 90_000
    assert decision.engine.startswith("pergola-judging 2; common-expression-language ")
    assert decision.policy_versions == [
        {"id": str(policy.live().pk), "number": 1, "layer": "tenant"}
    ]


def test_the_command_prints_canonical_json_and_says_that_it_is_the_same(policy, decide):
    decision = decide(90_000)
    out, err = recomputed(decision, "--tenant", "north")
    assert json.loads(out) == {"reasons": decision.reasons, "verdict": "hold"}
    assert out.startswith('{"reasons":[{"code":"large","message":"#1001 is large."')
    assert "The same as it was taken" in err
    assert recomputed(decision)[0] == out


def test_it_says_when_it_comes_out_otherwise(policy, decide, monkeypatch):
    decision = decide(90_000)
    monkeypatch.setattr("controlplane.policies.judging.fill_message", lambda *_: "a later release")
    with pytest.raises(CommandError, match="comes out otherwise than it was taken"):
        recomputed(decision, "--tenant", "north")


def test_an_input_that_was_changed_is_noticed(policy, decide):
    decision = decide(90_000)
    decision.input["order"]["total"]["minor"] = 1
    with pytest.raises(InputChanged):
        recompute_decision(decision)
    decision.input = None
    with pytest.raises(InputNotKept, match="build the input from the event"):
        recompute_decision(decision)


def test_one_that_is_not_there(tenant):
    with pytest.raises(CommandError, match="there is no decision"):
        call_command("recompute_decision", str(tenant.pk), "--tenant", "north")


def test_an_override_stands_beside_the_decision(policy, decide):
    decision = decide(90_000)
    override_decision(decision_id=decision.pk, verdict="accept", why=" a known buyer ", by=ADA)
    record_decision_outcome(decision_id=decision.pk, outcome="accepted", note="", by=ADA)
    assert Decision.objects.get(pk=decision.pk).verdict == "hold"
    assert [(e.kind, e.value, e.why) for e in decision.entries.all()] == [
        ("override", "accept", "a known buyer"),
        ("outcome", "accepted", ""),
    ]
    with pytest.raises(OverrideWithoutReason):
        override_decision(decision_id=decision.pk, verdict="accept", why=" ", by=ADA)


def test_neither_is_ever_changed(policy, decide):
    decision = decide(90_000)
    entry = override_decision(decision_id=decision.pk, verdict="accept", why="why", by=ADA)
    for row in (decision, entry):
        with pytest.raises(DatabaseError), transaction.atomic():
            type(row).objects.filter(pk=row.pk).delete()


def test_facts_of_a_caller_are_of_the_contexts_form():
    context = get_context(CONTEXT)
    facts = facts_of(_SAMPLE)
    assert_complete(context, facts)
    del facts["order"]["total"]["minor"]
    facts["order"]["lines"][0]["quantity"] = "two"
    facts["order"]["tags"] = "vip"
    with pytest.raises(FactsIncomplete) as caught:
        assert_complete(context, facts)
    assert {fault.field: fault.message for fault in caught.value.errors} == {
        "order.total.minor": "is missing",
        "order.lines.0.quantity": "is a text, not a whole number",
        "order.tags": "is no list",
    }


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1.5, 2**63])
def test_numbers_that_are_not_exact_are_refused(value):
    with pytest.raises(engine.FactsUnusable):
        engine.refuse_inexact({"order": {"total": value}})
