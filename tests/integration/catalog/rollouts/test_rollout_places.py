"""Where a rollout goes, and whom it asks before."""

import uuid

import pytest

from controlplane.approvals.models import Approval
from controlplane.approvals.services import decide
from controlplane.catalog.contexts import UPGRADE
from controlplane.catalog.models import Installation, Release, Rollout
from controlplane.catalog.rollouts import asking, carrying, watching
from controlplane.core.actor import Actor, ActorKind
from controlplane.policies.services import seed_policy
from tenants import lookup
from tenants.context import inside
from tenants.models import Engagement, Ownership, Tenant
from tests.factories.events import ADA
from tests.factories.rollouts import (
    begun,
    drive,
    ran,
    states,
)
from tests.fakes.n8n import FakeN8n

Fleet = dict[str, Installation]


def version_at(tenant: Tenant) -> str:
    with inside(tenant):
        return Installation.objects.get().release_version


def test_a_suspended_tenant_is_not_gone_to(
    fleet: Fleet, later: Release, n8n: FakeN8n, south: Tenant
) -> None:
    Tenant.objects.filter(pk=south.pk).update(status=Tenant.Status.SUSPENDED)
    assert set(states(drive(begun(later, shares=[100])))) == {"north"}


@pytest.fixture
def sandbox(fleet: Fleet, north: Tenant, south: Tenant) -> Tenant:
    """South, for the time of a test."""
    Tenant.objects.filter(pk=south.pk).update(sandbox_of=north, environment="sandbox")
    lookup.forget_tenants()
    return lookup.tenant_by_slug("south")


def _cases_end(monkeypatch: pytest.MonkeyPatch, *passed: bool) -> None:
    def ran(pk: uuid.UUID) -> None:
        results = [{"passed": one} for one in passed]
        Installation.objects.filter(pk=pk).update(cases_ran={"results": results})

    monkeypatch.setattr(carrying, "carry_out_dry_run", ran)


def test_a_case_that_fails_in_a_sandbox_stops_it_before_production(
    sandbox: Tenant, later: Release, n8n: FakeN8n, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cases_end(monkeypatch, True, False)

    rollout = drive(begun(later, shares=[100], tries_cases=True))

    assert rollout.status == Rollout.Status.RETURNED
    assert "1 of the template's own cases failed" in rollout.steps[-2]["why"]
    assert states(rollout) == {"south": "returned", "north": "left"}


def test_a_sandbox_whose_cases_pass_lets_production_begin_without_runs(
    sandbox: Tenant, later: Release, n8n: FakeN8n, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cases_end(monkeypatch, True)

    rollout = drive(begun(later, shares=[100], tries_cases=True, least_runs=1))

    assert (rollout.ring, rollout.status) == (1, Rollout.Status.WATCHING)
    assert states(rollout) == {"south": "done", "north": "done"}


def test_a_partners_own_template_goes_to_its_own_tenants_only(
    fleet: Fleet, later: Release, north: Tenant, south: Tenant
) -> None:
    later.template.owner = Engagement.objects.get(tenant=south).partner
    later.template.save()
    assert set(states(drive(begun(later, shares=[100])))) == {"south"}


def test_a_partners_rollout_goes_where_the_partner_runs_the_automation(
    fleet: Fleet, later: Release, north: Tenant
) -> None:
    partner = Engagement.objects.get(tenant=north).partner
    assert set(states(drive(begun(later, partner=partner, watch_minutes=9)))) == {"north"}

    asking.end(rollout_id=Rollout.objects.get().pk, by=ADA)
    Ownership.objects.filter(tenant=north, area=Ownership.Area.AUTOMATION).delete()
    assert states(drive(begun(later, partner=partner))) == {}


def test_where_nobody_has_it_there_is_nothing_to_do(
    fleet: Fleet, later: Release, n8n: FakeN8n
) -> None:
    drive(begun(later, shares=[100]))
    rollout = drive(begun(later, shares=[100]))
    assert rollout.status == Rollout.Status.DONE
    assert "No tenant has an older version" in rollout.steps[-1]["why"]


RULE = {
    "code": "major",
    "verdict": "hold",
    "expression": "upgrade.size == 'major'",
    "message": "{upgrade.title} {upgrade.to_version} needs a yes.",
}


def test_a_tenant_whose_policy_holds_is_asked_and_upgraded_once_it_agrees(
    fleet: Fleet, later: Release, n8n: FakeN8n, north: Tenant
) -> None:
    with inside(north):
        seed_policy(slug="upgrades", title="Upgrades", context=UPGRADE, rules=[RULE], by=ADA)
    rollout = drive(begun(later, shares=[100]))
    assert states(rollout) == {"north": "asked", "south": "done"}
    assert version_at(north) == "1.0.0"

    with inside(north):
        approval = Approval.objects.get()
        assert "from 1.0.0 to 2.0.0" in approval.title
        assert approval.requester_ids == {ADA.id}  # who began it does not approve it
        grace = Actor(ActorKind.MEMBER, "7", "Grace", frozenset({"approvals:decide"}))
        decide(approval_id=approval.pk, decision="approve", comment="", by=grace)

    rollout = drive(rollout)
    assert rollout.status == Rollout.Status.DONE
    assert version_at(north) == "2.0.0"


def test_what_was_measured_is_of_the_upgrade_and_not_of_before(
    fleet: Fleet, later: Release, n8n: FakeN8n
) -> None:
    ran(n8n, fleet["north"], "error", "error")
    rollout = drive(begun(later, shares=[100], watch_minutes=30))
    ran(n8n, fleet["north"], "success", "success", "success", "error")

    watching.look(rollout, most=10)

    seen = watching.seen(rollout, 1)
    assert (seen.runs, seen.failed_runs) == (4, 1)
    assert (seen.runs_before, seen.failed_before) == (2, 2)
