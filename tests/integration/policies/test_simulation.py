"""What would have come out otherwise: counted, kept, and by the same judge as live."""

import uuid

import pytest

from controlplane.policies import operations
from controlplane.policies.models import SimulationFlip, SimulationRun
from controlplane.policies.services import (
    HistoryTooLong,
    SimulationUnknown,
    cancel_simulation,
    run_simulation,
    save_draft,
    start_simulation,
)
from controlplane.policies.services.flips import flip_share
from controlplane.policies.services.publishing import submit_version
from tests.integration.policies.conftest import ADA, LARGE

STRICT = {**LARGE, "expression": "order.total.minor > 100", "verdict": "hold"}


def simulated(policy, *rules, **given):
    save_draft(policy=policy, rules=rules, examples=[], by=ADA)
    return run_simulation(start_simulation(policy=policy, by=ADA, **given).pk)


def test_the_rules_in_force_turn_over_nothing(policy, decide):
    for minor in (1000, 90_000, 3):
        decide(minor)
    run = simulated(policy, LARGE)
    assert (run.status, run.done, run.total, run.flips) == ("done", 3, 3, 0)
    assert run.counts == {"accept>accept": 2, "hold>hold": 1}


def test_flips_money_and_approvals_are_counted(policy, decide):
    for minor, currency in ((1000, "EUR"), (2000, "EUR"), (500, "USD"), (90_000, "EUR")):
        decide(minor, currency=currency)
    run = simulated(policy, STRICT)
    assert (run.flips, run.approvals, run.spared) == (3, 3, 0)
    assert run.money == {
        "EUR": {"held": 3000, "released": 0},
        "USD": {"held": 500, "released": 0},
    }
    run = simulated(policy, {**LARGE, "expression": "false"})
    assert run.money == {"EUR": {"held": 0, "released": 90_000}}
    assert (run.approvals, run.spared) == (0, 1)
    flip = SimulationFlip.objects.get(run=run)
    assert (flip.before, flip.after, flip.minor, flip.currency) == (
        "hold", "accept", 90_000, "EUR",
    )  # fmt: skip


def test_other_policies_go_on_deciding(policy, decide):
    """The candidate stands in the place of its own policy alone."""
    decide(90_000)
    run = simulated(policy, LARGE, {**LARGE, "code": "more"})
    assert run.flips == 0


def test_a_finished_run_of_the_same_rules_is_the_share(policy, decide):
    for minor in (1000, 90_000):
        decide(minor)
    run = simulated(policy, STRICT)
    version = submit_version(policy=policy, by=ADA)
    share = flip_share(version)
    assert (share.run, share.judged, share.flips, str(share.percent)) == (run, 2, 1, "50.00")


def test_it_goes_through_more_than_a_batch(policy, decide, monkeypatch):
    monkeypatch.setattr("controlplane.policies.services.history.BATCH", 2)
    for minor in (1, 2, 3, 4, 5):
        decide(minor * 1000)
    run = simulated(policy, STRICT)
    assert (run.done, run.flips, run.found.count()) == (5, 5, 5)


def test_one_that_was_stopped_ends(policy, decide):
    decide(1000)
    run = start_simulation(policy=policy, by=ADA)
    cancel_simulation(run=run, by=ADA)
    assert run_simulation(run.pk).status == "cancelled"
    assert SimulationRun.objects.get(pk=run.pk).done == 0


def test_days_that_cannot_be(policy):
    with pytest.raises(HistoryTooLong):
        start_simulation(policy=policy, days=0, by=ADA)


def test_a_workflow_asks_how_far_a_long_one_is_and_what_it_found(policy, decide, monkeypatch):
    monkeypatch.setattr(operations, "AT_ONCE", 1)
    for minor in (1000, 2000, 90_000):
        decide(minor)
    save_draft(policy=policy, rules=[STRICT], examples=[], by=ADA)
    began = operations.simulate(operations.SimulateInput(policy_id=policy.pk, days=3), by=ADA)
    assert (began.status, began.judged) == ("queued", 0)
    asked = operations.SimulationInput(simulation_id=began.simulation_id)
    waiting = operations.get_simulation(asked, by=ADA)
    assert (waiting.status, waiting.percent_done) == ("queued", 0)
    run_simulation(began.simulation_id)
    found = operations.get_simulation(asked, by=ADA)
    assert (found.status, found.judged, found.total, found.percent_done) == ("done", 3, 3, 100)
    assert (found.flips, found.approvals) == (2, 2)
    assert found.money == {"EUR": {"held": 3000, "released": 0}}
    assert str(began.simulation_id) in found.url


def test_a_simulation_that_is_not_there_is_unknown(policy):
    asked = operations.SimulationInput(simulation_id=uuid.uuid4())
    with pytest.raises(SimulationUnknown):
        operations.get_simulation(asked, by=ADA)
