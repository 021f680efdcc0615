"""Nobody gets past the threshold alone: not by a short simulation, nor by other terms, nor by
taking rules out of force."""

from decimal import Decimal

import pytest

from controlplane.audit.models import Entry
from controlplane.core.actor import system
from controlplane.orders.contexts import CONTEXT
from controlplane.policies.models import Move, Policy, PublishingTerms, SimulationRun
from controlplane.policies.services import (
    StepNotPossible,
    TooManyFlips,
    keep_policy,
    move_policy,
    publish_version,
    roll_back,
    run_simulation,
    save_draft,
    seed_policy,
    set_terms,
    start_simulation,
    submit_version,
)
from tests.integration.policies.conftest import ADA, GRACE, LARGE

STRICT = {**LARGE, "expression": "order.total.minor > 100"}


@pytest.fixture
def history(decide):
    """Four decisions: STRICT turns over three of them."""
    for minor in (1000, 2000, 3000, 90_000):
        decide(minor)


def submitted(policy, *rules):
    save_draft(policy=policy, rules=rules, examples=[], by=ADA)
    return submit_version(policy=policy, by=ADA)


@pytest.mark.parametrize("days", [1, 3, 29, 3650])
def test_a_simulation_of_other_days_than_the_terms_say_does_not_count(policy, history, days):
    version = submitted(policy, STRICT)
    run = run_simulation(start_simulation(policy=policy, version=version, days=days, by=ADA).pk)
    # As of one that found nothing, which days of other length may well be.
    SimulationRun.objects.filter(pk=run.pk).update(done=900, flips=0)
    with pytest.raises(TooManyFlips, match="3 of 4"):
        publish_version(version=version, by=ADA)


def test_one_of_just_these_days_counts(policy, history):
    version = submitted(policy, STRICT)
    run = run_simulation(start_simulation(policy=policy, version=version, days=30, by=ADA).pk)
    assert (run.done, run.flips) == (4, 3)
    SimulationRun.objects.filter(pk=run.pk).update(done=900, flips=1)
    publish_version(version=version, by=ADA)


@pytest.mark.parametrize("state", [{"status": "running"}, {"done": 0}, {"status": "cancelled"}])
def test_one_that_judged_nothing_or_did_not_end_does_not_count(policy, history, state):
    version = submitted(policy, STRICT)
    run = run_simulation(start_simulation(policy=policy, version=version, by=ADA).pk)
    SimulationRun.objects.filter(pk=run.pk).update(**{"flips": 0, "done": 4, **state})
    with pytest.raises(TooManyFlips):
        publish_version(version=version, by=ADA)


@pytest.mark.parametrize(("percent", "days"), [(100, 30), (10, 1), (10, 3650), (5, 29)])
def test_looser_terms_wait_for_another_person(policy, history, percent, days):
    terms = set_terms(flip_percent=Decimal(percent), history_days=days, by=ADA)
    assert (terms.flip_percent, terms.history_days) == (10, 30)
    set_terms(flip_percent=Decimal(percent), history_days=days, by=ADA)  # asked again by herself
    version = submitted(policy, STRICT)
    with pytest.raises(TooManyFlips):
        publish_version(version=version, by=ADA)
    terms = set_terms(flip_percent=Decimal(percent), history_days=days, by=GRACE)
    assert (terms.flip_percent, terms.history_days) == (percent, days)
    assert (terms.wanted_percent, terms.wanted_by) == (None, "")
    told = Entry.objects.filter(action="policy.terms_changed").get()
    assert (told.actor_label, told.data["asked_by"]) == ("Grace", "Ada")


def test_other_values_than_were_asked_for_are_asked_anew(policy):
    set_terms(flip_percent=Decimal(50), history_days=30, by=ADA)
    terms = set_terms(flip_percent=Decimal(60), history_days=30, by=GRACE)
    assert (terms.flip_percent, terms.wanted_percent, terms.wanted_by) == (10, 60, "Grace")


def test_no_machine_is_the_second_person(policy):
    set_terms(flip_percent=Decimal(50), history_days=30, by=ADA)
    terms = set_terms(flip_percent=Decimal(50), history_days=30, by=system("tests"))
    assert terms.flip_percent == 10


def test_a_lower_share_counts_at_once_and_takes_back_what_was_wanted(policy):
    set_terms(flip_percent=Decimal(50), history_days=30, by=ADA)
    terms = set_terms(flip_percent=Decimal(5), history_days=30, by=ADA)
    assert (terms.flip_percent, terms.wanted_percent) == (5, None)
    assert PublishingTerms.objects.count() == 1


def test_out_of_force_past_the_threshold_takes_two(policy, history, decide):
    assert not move_policy(policy=policy, move=Move.RETIRE, note="not needed", by=ADA)
    assert not move_policy(policy=policy, move=Move.RETIRE, note="really", by=ADA)
    assert policy.live().number == 1
    assert move_policy(policy=policy, move=Move.RETIRE, note="agreed", by=GRACE)
    policy.refresh_from_db()
    assert (policy.live_version, policy.asked_move) == (None, "")
    last = policy.versions.get().steps.last()
    assert (last.status, last.by, last.note) == ("retired", "Grace", "agreed")
    told = Entry.objects.filter(action="policy.retired").get().data
    assert (told["asked_by"], told["flips"], told["judged"]) == ("Ada", 3, 4)
    assert decide(1000).verdict == "hold"  # nothing of its own lets it pass
    with pytest.raises(StepNotPossible, match="nothing to retire"):
        move_policy(policy=policy, move=Move.RETIRE, by=ADA)
    assert roll_back(policy=policy, number=1, note="missed", by=ADA).number == 2
    assert decide(1000).verdict == "accept"


def test_the_trail_names_as_second_who_asked_for_just_this(policy, history):
    assert not move_policy(policy=policy, move=Move.OFF, by=ADA)
    set_terms(flip_percent=Decimal(100), history_days=30, by=ADA)
    set_terms(flip_percent=Decimal(100), history_days=30, by=GRACE)

    assert move_policy(policy=policy, move=Move.RETIRE, by=GRACE)

    assert "asked_by" not in Entry.objects.filter(action="policy.retired").get().data


def test_what_turns_over_little_is_done_at_once_by_one(policy, history):
    other = seed_policy(
        context=CONTEXT, slug="other", title="Other", by=ADA,
        rules=[{**LARGE, "code": "never", "expression": "order.total.minor > 9000000"}],
    )  # fmt: skip
    for move in (Move.OFF, Move.ON, Move.RETIRE):
        assert move_policy(policy=other, move=move, note="not needed", by=ADA)
    assert Entry.objects.filter(action="policy.retired").get().data["flips"] == 0


def test_switching_off_and_on_are_asked_alike(policy, history, decide):
    assert not move_policy(policy=policy, move=Move.OFF, by=ADA)
    assert move_policy(policy=policy, move=Move.OFF, by=GRACE)
    assert not Policy.objects.get(pk=policy.pk).is_active
    # Nothing of its own lets anything pass: switched on, it turns over what was held meanwhile.
    for minor in (1000, 1000, 1000, 1000, 1000):
        assert decide(minor).verdict == "hold"
    assert not move_policy(policy=policy, move=Move.ON, by=ADA)
    assert move_policy(policy=policy, move=Move.ON, by=GRACE)
    assert Entry.objects.filter(action="policy.switched_on").exists()
    with pytest.raises(StepNotPossible, match="switched on already"):
        move_policy(policy=policy, move=Move.ON, by=ADA)


def test_what_was_asked_for_is_taken_back_or_forgotten_with_the_next_version(policy, history):
    move_policy(policy=policy, move=Move.RETIRE, note="not needed", by=ADA)
    keep_policy(policy=policy, by=GRACE)
    assert not move_policy(policy=policy, move=Move.RETIRE, by=GRACE)
    publish_version(version=submitted(policy, LARGE, {**LARGE, "code": "more"}), by=ADA)
    policy.refresh_from_db()
    assert not move_policy(policy=policy, move=Move.RETIRE, by=ADA)
    assert policy.live().number == 2
