"""Nobody thins out what new rules turn over: not by harmless facts, nor by what came last."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from controlplane.core.actor import Actor, ActorKind
from controlplane.core.models import new_id
from controlplane.orders.contexts import _SAMPLE, facts_of
from controlplane.policies.contexts import get_context
from controlplane.policies.models import Decision, Move, Schedule, SimulationRun
from controlplane.policies.operations import EvaluateInput, evaluate
from controlplane.policies.services import (
    PolicySimulationNeeded,
    TooManyFlips,
    evaluate_facts,
    flip_share,
    move_policy,
    publish_due,
    publish_version,
    run_simulation,
    save_draft,
    schedule_version,
    share_of_move,
    start_simulation,
    submit_version,
)
from controlplane.policies.simulation import decided_before
from tests.integration.policies.conftest import ADA, LARGE

LAX = {**LARGE, "expression": "order.total.minor > 50000000"}
KEY = Actor(
    ActorKind.MACHINE, str(uuid.uuid4()), "Ada's key", scopes=frozenset({"policies:evaluate"})
)


@pytest.fixture
def version(policy):
    save_draft(policy=policy, rules=[LAX], examples=[], by=ADA)
    return submit_version(policy=policy, by=ADA)


def with_her_key(times, **given):
    facts = facts_of(_SAMPLE)
    facts["order"]["total"]["minor"] = 100
    for _ in range(times):
        evaluate(EvaluateInput(context="order", facts=facts, **given), by=KEY)


@pytest.mark.parametrize("given", [{}, {"about_id": uuid.uuid4()}])
def test_harmless_facts_that_she_has_judged_hide_no_flips(policy, version, decide, given):
    for _ in range(4):
        decide(90_000)
    with_her_key(41, **given)

    with pytest.raises(TooManyFlips, match="4 of 4"):
        publish_version(version=version, by=ADA)
    run = run_simulation(start_simulation(policy=policy, version=version, by=ADA).pk)
    assert (run.done, run.flips) == (4, 4)
    share = share_of_move(policy, Move.RETIRE)
    assert share.judged == 4


def test_where_nothing_else_decides_they_are_the_history(policy):
    context = get_context("agent_action")
    evaluate_facts(
        context=context.name, subject_id=new_id(), data=context.sample, parameters={},
        models_used=None, snapshot="", by=KEY,
    )  # fmt: skip

    assert decided_before(context.name, since=timezone.now() - timedelta(days=1)).count() == 1


@pytest.fixture
def short(monkeypatch):
    """Five are judged while somebody waits."""
    monkeypatch.setattr("controlplane.policies.services.flips.SAMPLE", 5)


@pytest.fixture
def tail(short, decide):
    """Of eleven decisions the last six are harmless."""
    for minor in [90_000] * 5 + [100] * 6:
        decide(minor)


def test_where_there_are_many_all_are_simulated_first(policy, version, tail):
    with pytest.raises(PolicySimulationNeeded, match=r"11 decisions.*over 30 days first"):
        publish_version(version=version, by=ADA)
    with pytest.raises(PolicySimulationNeeded):
        schedule_version(version=version, at=timezone.now() + timedelta(days=2), by=ADA)
    run_simulation(start_simulation(policy=policy, version=version, by=ADA).pk)
    with pytest.raises(TooManyFlips, match="5 of 11"):
        publish_version(version=version, by=ADA)
    SimulationRun.objects.update(flips=1)

    publish_version(version=version, by=ADA)

    policy.refresh_from_db()
    assert policy.live_version == version.pk


def test_a_move_asks_decisions_from_all_over_the_days(policy, tail):
    share = share_of_move(policy, Move.RETIRE)

    assert share.is_part
    assert 0 < share.flips < share.judged <= 5
    assert not move_policy(policy=policy, move=Move.RETIRE, by=ADA)


def test_what_was_simulated_when_it_was_asked_for_comes_into_force_in_time(
    policy, version, short, decide
):
    for _ in range(11):
        decide(100)
    run_simulation(start_simulation(policy=policy, version=version, by=ADA).pk)
    schedule_version(version=version, at=timezone.now() + timedelta(days=2), by=ADA)
    SimulationRun.objects.update(created_at=timezone.now() - timedelta(days=2))
    Schedule.objects.update(due_at=timezone.now())
    assert flip_share(version).is_part

    assert publish_due() == 1


def test_it_is_judged_as_before_where_there_are_few(policy, version, decide):
    decide(100)
    share = flip_share(version)
    assert (share.judged, share.total, share.is_part) == (1, 1, False)
    assert Decision.objects.count() == 1
