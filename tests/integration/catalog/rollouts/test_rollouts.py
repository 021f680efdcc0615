"""A release goes to a fleet, ring by ring, and comes back where it does harm."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from controlplane.audit.models import Entry
from controlplane.catalog.models import Installation, Release, Rollout, RolloutPlace
from controlplane.catalog.rollouts import asking, carrying, claiming, driving
from controlplane.catalog.rollouts.driving import Left
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.events import ADA
from tests.factories.rollouts import (
    begun,
    drive,
    edit_at,
    flow_of,
    hash_in,
    ran,
    states,
)
from tests.fakes.n8n import FakeN8n

Fleet = dict[str, Installation]


def version_at(tenant: Tenant) -> str:
    with inside(tenant):
        return Installation.objects.get().release_version


def first_and_rest(rollout: Rollout) -> tuple[str, str]:
    """Slugs of the tenants in the first ring of production and in the second."""
    rings = dict(rollout.places.values_list("ring", "tenant__slug"))
    return rings[1], rings[2]


def test_every_tenant_gets_it_one_ring_after_the_other(
    fleet: Fleet, later: Release, n8n: FakeN8n, north: Tenant, south: Tenant
) -> None:
    rollout = drive(begun(later, shares=[50, 100], note="Asks sales"))

    assert rollout.status == Rollout.Status.DONE
    assert states(rollout) == {"north": "done", "south": "done"}
    assert {version_at(north), version_at(south)} == {"2.0.0"}
    told = [(step["what"], step["ring"]) for step in rollout.steps]
    assert told == [
        ("begun", 0), ("ring_begun", 1), ("upgraded", 1), ("ring_begun", 2), ("upgraded", 2),
        ("done", 2),
    ]  # fmt: skip
    actions = Entry.objects.filter(subject_type="rollout").values_list("action", flat=True)
    assert {"rollout.begun", "rollout.ring_begun", "rollout.done"} <= set(actions)
    with inside(north):
        entry = Entry.objects.get(action="installation.upgraded")
        assert f"rollout {rollout.pk}" in entry.data["asked_by"]


def test_what_a_tenant_edited_stays(fleet: Fleet, later: Release, n8n: FakeN8n) -> None:
    edit_at(n8n, fleet["south"], limit=5)

    drive(begun(later, shares=[100]))

    review = next(n for n in flow_of(n8n, fleet["south"])["nodes"] if n["id"] == "b")
    assert review["parameters"]["limit"] == 5
    assert review["parameters"]["notify"] == "sales"


def test_a_fault_at_run_time_stops_it_in_the_first_ring_and_the_same_workflow_comes_back(
    fleet: Fleet, later: Release, n8n: FakeN8n, north: Tenant, south: Tenant
) -> None:
    edit_at(n8n, fleet["north"], limit=5)
    edit_at(n8n, fleet["south"], limit=6)
    before = {slug: hash_in(n8n, one) for slug, one in fleet.items()}
    versions = {slug: flow_of(n8n, one)["versionId"] for slug, one in fleet.items()}
    rollout = drive(begun(later, shares=[50, 100], least_runs=1))
    canary, rest = first_and_rest(rollout)
    assert rollout.status == Rollout.Status.WATCHING
    assert states(rollout) == {canary: "done", rest: "waiting"}

    ran(n8n, fleet[canary], "success", "error")
    rollout = drive(rollout)

    assert rollout.status == Rollout.Status.RETURNED
    assert "1 of 2 runs failed" in rollout.steps[-2]["why"]
    assert {slug: hash_in(n8n, one) for slug, one in fleet.items()} == before
    assert flow_of(n8n, fleet[rest])["versionId"] == versions[rest]
    place = rollout.places.get(tenant__slug=canary)
    assert place.status == RolloutPlace.Status.RETURNED
    assert place.hash_returned == place.hash_before == before[canary]
    assert {version_at(north), version_at(south)} == {"1.0.0"}
    assert flow_of(n8n, fleet[canary])["active"]


def test_runs_that_ended_well_open_the_next_ring(
    fleet: Fleet, later: Release, n8n: FakeN8n
) -> None:
    rollout = drive(begun(later, shares=[50, 100], least_runs=1))
    canary, rest = first_and_rest(rollout)
    ran(n8n, fleet[canary], "success")
    rollout = drive(rollout)
    assert states(rollout)[rest] == "done"
    ran(n8n, fleet[rest], "success")
    assert drive(rollout).status == Rollout.Status.DONE


def test_nobody_knows_without_runs_and_a_person_decides(
    fleet: Fleet, later: Release, n8n: FakeN8n
) -> None:
    rollout = drive(begun(later, shares=[50, 100], least_runs=1, watch_at_most_minutes=0))
    assert rollout.status == Rollout.Status.PAUSED
    assert "Only 0 runs" in rollout.steps[-1]["why"]

    asking.resume(rollout_id=rollout.pk, by=ADA)

    rollout = drive(rollout)
    assert rollout.ring == 2
    assert set(states(rollout).values()) == {"done"}


def test_a_ring_with_nobody_in_it_is_not_decided_about(
    fleet: Fleet, later: Release, n8n: FakeN8n
) -> None:
    """Of two tenants, each of the first two rings has one, and the third has none."""
    rollout = drive(begun(later, shares=[10, 50, 100], least_runs=1, watch_at_most_minutes=0))
    for ring in (1, 2):
        assert (rollout.status, rollout.ring) == (Rollout.Status.PAUSED, ring)
        asking.resume(rollout_id=rollout.pk, why="They run it by night", by=ADA)
        rollout = drive(rollout)

    assert (rollout.status, rollout.ring) == (Rollout.Status.DONE, 2)
    assert set(states(rollout).values()) == {"done"}


def test_a_person_who_closes_the_last_ring_waits_for_no_answer(
    fleet: Fleet, later: Release, n8n: FakeN8n
) -> None:
    rollout = drive(begun(later, shares=[100], least_runs=1, watch_at_most_minutes=0))
    rollout.places.filter(tenant__slug="north").update(status=RolloutPlace.Status.ASKED)

    asking.resume(rollout_id=rollout.pk, by=ADA)

    assert drive(rollout).status == Rollout.Status.DONE
    assert states(rollout) == {"north": "left", "south": "done"}


def test_what_was_seen_is_watched_for_as_long_as_was_asked(
    fleet: Fleet, later: Release, n8n: FakeN8n
) -> None:
    rollout = drive(begun(later, shares=[50, 100], watch_minutes=30))
    assert rollout.status == Rollout.Status.WATCHING

    Rollout.objects.update(watched_since=timezone.now() - timedelta(minutes=31))

    assert drive(rollout).ring == 2


def test_a_conflict_waits_for_people_and_stops_nobody_else(
    fleet: Fleet, later: Release, n8n: FakeN8n
) -> None:
    edit_at(n8n, fleet["north"], notify="warehouse")

    rollout = drive(begun(later, shares=[100]))

    assert rollout.status == Rollout.Status.DONE
    assert states(rollout) == {"north": "held", "south": "done"}
    held = rollout.places.get(tenant__slug="north")
    assert held.conflicts == 1
    assert "Decide first" in held.error


def test_conflicts_may_be_decided_for_all(fleet: Fleet, later: Release, n8n: FakeN8n) -> None:
    edit_at(n8n, fleet["north"], notify="warehouse")

    rollout = drive(begun(later, shares=[100], take="ours"))

    assert states(rollout)["north"] == "done"
    review = next(n for n in flow_of(n8n, fleet["north"])["nodes"] if n["id"] == "b")
    assert review["parameters"]["notify"] == "warehouse"


def test_edited_after_the_upgrade_it_is_not_taken_back_over_the_edit(
    fleet: Fleet, later: Release, n8n: FakeN8n
) -> None:
    rollout = drive(begun(later, shares=[100]))
    edit_at(n8n, fleet["north"], limit=9)

    asking.take_back(rollout_id=rollout.pk, why="It mails twice", by=ADA)
    rollout = drive(rollout)

    assert rollout.status == Rollout.Status.RETURNED
    assert states(rollout) == {"north": "edited", "south": "returned"}
    review = next(n for n in flow_of(n8n, fleet["north"])["nodes"] if n["id"] == "b")
    assert review["parameters"]["limit"] == 9


def test_one_that_was_upgraded_while_it_turned_back_goes_back_too(
    fleet: Fleet, later: Release, n8n: FakeN8n
) -> None:
    rollout = driving.advance(begun(later, shares=[100]).pk)
    claimed = claiming.claim(rollout)
    assert claimed is not None
    asking.take_back(rollout_id=rollout.pk, why="It mails twice", by=ADA)
    carrying.carry_out(rollout, claimed)

    rollout = drive(rollout)

    assert rollout.status == Rollout.Status.RETURNED
    assert sorted(states(rollout).values()) == ["left", "returned"]


def test_an_earlier_one_is_not_taken_back_under_a_later_one(
    fleet: Fleet, later: Release, n8n: FakeN8n
) -> None:
    earlier = drive(begun(later, shares=[100]))
    begun(later, shares=[100])
    with pytest.raises(asking.RolloutUnderWay, match="or end it"):
        asking.take_back(rollout_id=earlier.pk, by=ADA)


def test_paused_nothing_more_begins(fleet: Fleet, later: Release, n8n: FakeN8n) -> None:
    rollout = begun(later, shares=[50, 100])
    driving.advance(rollout.pk)
    asking.pause(rollout_id=rollout.pk, why="Month's end", by=ADA)

    assert driving.run_lane(rollout.pk, 0) == Left.NOTHING
    assert drive(rollout).status == Rollout.Status.PAUSED
    assert set(states(rollout).values()) == {"waiting"}

    asking.resume(rollout_id=rollout.pk, by=ADA)
    assert drive(rollout).status == Rollout.Status.DONE


def test_ended_the_rest_stays_as_it_is(fleet: Fleet, later: Release, n8n: FakeN8n) -> None:
    rollout = drive(begun(later, shares=[50, 100], watch_minutes=30))
    canary, rest = first_and_rest(rollout)

    asking.end(rollout_id=rollout.pk, by=ADA)

    assert states(rollout) == {canary: "done", rest: "left"}
    with pytest.raises(asking.RolloutStepRefused, match="ended early and cannot be paused"):
        asking.pause(rollout_id=rollout.pk, by=ADA)


def test_one_rollout_of_a_template_at_a_time(fleet: Fleet, later: Release) -> None:
    begun(later)
    with pytest.raises(asking.RolloutUnderWay, match="Wait until it has ended"):
        begun(later)


@pytest.mark.parametrize("shares", [[5], [100, 5], [0, 100], [5, 5, 100], [101]])
def test_shares_rise_to_all(fleet: Fleet, later: Release, shares: list[int]) -> None:
    with pytest.raises(asking.RolloutInvalid, match="rise to 100"):
        begun(later, shares=shares)


def test_only_a_live_release_goes_out(fleet: Fleet, later: Release) -> None:
    Release.objects.filter(pk=later.pk).update(status=Release.Status.DRAFT)
    with pytest.raises(asking.RolloutInvalid, match="not live"):
        begun(later)


def test_it_asks_once_more_where_n8n_is_in_trouble(
    fleet: Fleet, later: Release, n8n: FakeN8n, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "AGAIN_AFTER", timedelta(0))
    n8n.refuse("PUT", f"/workflows/{fleet['north'].workflow_id}$", status=500)

    rollout = drive(begun(later, shares=[100]))

    assert states(rollout) == {"north": "done", "south": "done"}


def test_upgrades_that_fail_turn_it_back(
    fleet: Fleet, later: Release, n8n: FakeN8n, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "AGAIN_AFTER", timedelta(0))
    for _ in range(carrying.TRIES):
        n8n.refuse("PUT", f"/workflows/{fleet['north'].workflow_id}$", status=500)

    rollout = drive(begun(later, shares=[100]))

    assert rollout.status == Rollout.Status.RETURNED
    assert states(rollout) == {"north": "failed", "south": "returned"}
    assert "1 of 2 upgrades failed" in rollout.steps[-2]["why"]


def test_a_worker_that_died_is_taken_over(
    fleet: Fleet, later: Release, n8n: FakeN8n, monkeypatch: pytest.MonkeyPatch
) -> None:
    rollout = driving.advance(begun(later, shares=[100]).pk)
    claimed = claiming.claim(rollout)
    assert claimed is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(carrying, "run_upgrade", _dies)
        with pytest.raises(KeyboardInterrupt):
            carrying.carry_out(rollout, claimed)

    assert drive(rollout).status == Rollout.Status.RUNNING
    RolloutPlace.objects.filter(pk=claimed.pk).update(claimed_until=timezone.now())

    assert drive(rollout).status == Rollout.Status.DONE
    with inside(claimed.tenant):
        assert Installation.objects.get().upgrades.count() == 1


def _dies(*_: Any) -> None:
    raise KeyboardInterrupt


def test_two_lanes_never_have_the_same_installation(fleet: Fleet, later: Release) -> None:
    rollout = driving.advance(begun(later, shares=[100]).pk)
    first, second = claiming.claim(rollout), claiming.claim(rollout)
    assert first is not None
    assert second is not None
    assert first.tenant_id != second.tenant_id
    assert claiming.claim(rollout) is None
