"""A draft's cases in a sandbox of a customer: where, what of it counts, and what stays there."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from controlplane.audit.models import Entry
from controlplane.catalog import importing, releases
from controlplane.catalog.models import CaseRun, Installation, Release
from controlplane.catalog.proof import Shown, proof_of
from controlplane.catalog.services import install
from controlplane.catalog.tasks import tend_everywhere
from controlplane.catalog.trying import trials
from controlplane.catalog.trying.leftovers import DraftCloned, TrialUnderWay
from controlplane.catalog.trying.rehearsing import OtherReleaseThere
from controlplane.catalog.trying.running import CaseResult
from controlplane.catalog.trying.sandbox import OnlyInSandbox
from controlplane.instances.models import Workspace
from tenants import lookup
from tenants.context import inside
from tenants.engagements import change_ownership
from tenants.models import Engagement, Member, Ownership, Partner, Tenant
from tests.factories.events import ADA, make_workspace
from tests.fakes.n8n import FakeN8n
from tests.integration.catalog.test_releases import (  # noqa: F401
    CASE,
    draft,
    export,
    partner,
    with_case,
)
from tests.integration.portal.test_releases import of_partner

pytestmark = pytest.mark.django_db
Pretend = Callable[..., None]


@pytest.fixture
def sandbox(north: Tenant, south: Tenant, n8n: FakeN8n) -> Tenant:
    """South, for the time of a test, with an n8n."""
    with inside(south):
        make_workspace(n8n.url)
    Tenant.objects.filter(pk=south.pk).update(sandbox_of=north, environment="sandbox")
    lookup.forget_tenants()
    return lookup.tenant_by_slug("south")


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch, sandbox: Tenant) -> Pretend:
    """Cases that end as a test says, with the draft cloned as the real ones clone it."""

    def say(*passed: bool, meanwhile: Callable[[], Any] = lambda: None) -> None:
        def run(
            release: Release, *, ground: Any, by: Any, progress: Any, is_trial: bool
        ) -> list[CaseResult]:
            with inside(sandbox):
                install(release_id=release.pk, parameters={}, by=by, is_trial=True)
            meanwhile()
            results = [
                CaseResult(str(n), f"Case {n}", well, {}, {}, "" if well else "held", 0.1)
                for n, well in enumerate(passed)
            ]
            for result in results:
                progress(result)
            return results

        monkeypatch.setattr(trials, "run_cases", run)

    return say


def seat(partner: Partner, tenant: Tenant) -> Member:  # noqa: F811
    of_partner(partner, tenant)
    return Member.objects.get(partner=partner)


def begun(draft: Release, sandbox: Tenant) -> CaseRun:  # noqa: F811
    with_case(draft)
    return trials.begin_trial(release_id=draft.pk, sandbox=sandbox, by=ADA)


def installed(sandbox: Tenant) -> int:
    with inside(sandbox):
        return Installation.objects.present().count()


def test_only_sandboxes_of_customers_whose_automation_it_runs(
    partner: Partner,  # noqa: F811
    north: Tenant,
    sandbox: Tenant,
) -> None:
    builder = seat(partner, north)
    Ownership.objects.filter(tenant=north).delete()
    assert trials.sandboxes_for(partner, builder) == []

    engagement = Engagement.objects.get(partner=partner, tenant=north)
    change_ownership(tenant=north, owners={"automation": engagement}, by=ADA)

    assert trials.sandboxes_for(partner, builder) == [sandbox]
    other = Partner.objects.exclude(pk=partner.pk).first()
    assert other is not None
    assert trials.sandboxes_for(other, builder) == []


def test_what_passed_in_a_sandbox_goes_live_and_leaves_nothing_there(
    draft: Release,  # noqa: F811
    sandbox: Tenant,
    pretend: Pretend,
) -> None:
    run = begun(draft, sandbox)
    pretend(True, True)
    with pytest.raises(TrialUnderWay):
        trials.begin_trial(release_id=draft.pk, sandbox=sandbox, by=ADA)

    trials.carry_out_trial(run.pk)

    run.refresh_from_db()
    assert (run.status, run.passed, run.failed, run.sandbox) == ("ended", 2, 0, sandbox)
    assert installed(sandbox) == 0
    assert releases.go_live(release_id=draft.pk, note="", by=ADA).status == "live"
    begin, tested = Entry.objects.filter(action__in=["release.trial_begun", "release.tested"])
    assert (begin.data["sandbox"], tested.data["passed"]) == ("south", 2)
    trials.carry_out_trial(run.pk)
    assert CaseRun.objects.count() == 1


def test_what_failed_stays_to_be_looked_at_until_the_next_trial(
    draft: Release,  # noqa: F811
    sandbox: Tenant,
    pretend: Pretend,
) -> None:
    pretend(True, False)
    trials.carry_out_trial(begun(draft, sandbox).pk)
    draft.refresh_from_db()
    assert proof_of(draft).shown == Shown.FAILED
    assert installed(sandbox) == 1

    pretend(True)
    again = trials.begin_trial(release_id=draft.pk, sandbox=sandbox, by=ADA)
    trials.carry_out_trial(again.pk)

    assert proof_of(draft).shown == Shown.PASSED
    assert installed(sandbox) == 0


def test_a_trial_keeps_a_worker_for_so_long_and_no_longer(
    draft: Release,  # noqa: F811
    sandbox: Tenant,
    pretend: Pretend,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trials, "LONGEST_SECONDS", 0)
    cases = {"one": CASE, "two": CASE}
    releases.change_draft(release_id=draft.pk, manifest=with_case(draft).terms, cases=cases, by=ADA)
    run = trials.begin_trial(release_id=draft.pk, sandbox=sandbox, by=ADA)
    pretend(True, True)

    trials.carry_out_trial(run.pk)

    run.refresh_from_db()
    assert run.status == CaseRun.Status.BROKEN
    assert "only 1 of 2 cases had ended" in run.error


def test_a_draft_that_changes_meanwhile_was_not_tried(
    draft: Release,  # noqa: F811
    sandbox: Tenant,
    pretend: Pretend,
) -> None:
    run = begun(draft, sandbox)
    changed = draft.terms.model_copy(update={"events": ["order.created"], "n8n_minimum": "2.0.0"})
    pretend(
        True,
        meanwhile=lambda: releases.change_draft(release_id=draft.pk, manifest=changed, by=ADA),
    )

    trials.carry_out_trial(run.pk)

    run.refresh_from_db()
    assert (run.status, "changed meanwhile" in run.error) == ("broken", True)
    draft.refresh_from_db()
    assert proof_of(draft).shown == Shown.MISSING


def test_what_somebody_cloned_there_stays_and_is_named(
    draft: Release,  # noqa: F811
    sandbox: Tenant,
    north: Tenant,
) -> None:
    with inside(sandbox):
        install(release_id=draft.pk, parameters={}, by=ADA)

    with pytest.raises(OtherReleaseThere, match="Remove it there"):
        begun(draft, sandbox)

    with pytest.raises(OnlyInSandbox):
        trials.begin_trial(release_id=draft.pk, sandbox=north, by=ADA)
    assert installed(sandbox) == 1


def test_without_cases_there_is_nothing_to_try(draft: Release, sandbox: Tenant) -> None:  # noqa: F811
    with pytest.raises(trials.NothingToTry):
        trials.begin_trial(release_id=draft.pk, sandbox=sandbox, by=ADA)


def test_an_n8n_that_does_not_answer_is_said(
    draft: Release,  # noqa: F811
    sandbox: Tenant,
    pretend: Pretend,
    n8n: FakeN8n,
) -> None:
    with_case(draft)
    pretend(True, False)
    trials.carry_out_trial(begun(draft, sandbox).pk)
    with inside(sandbox):
        Installation.objects.update(workflow_id="w1", status="active")
        Workspace.objects.all().delete()
    run = trials.begin_trial(release_id=draft.pk, sandbox=sandbox, by=ADA)

    trials.carry_out_trial(run.pk)

    run.refresh_from_db()
    assert run.status == "broken"
    assert run.error


def test_an_n8n_that_is_down_at_the_first_trial_counts_for_nothing(
    draft: Release,  # noqa: F811
    sandbox: Tenant,
    n8n: FakeN8n,
) -> None:
    run = begun(draft, sandbox)
    with inside(sandbox):
        Workspace.objects.update(base_url="http://127.0.0.1:9")

    trials.carry_out_trial(run.pk)

    run.refresh_from_db()
    draft.refresh_from_db()
    assert (run.status, run.failed, run.results) == ("broken", 0, [])
    assert "gave no answer" in run.error
    assert proof_of(draft).shown == Shown.MISSING


def test_a_sandbox_without_an_n8n_counts_for_nothing(
    draft: Release,  # noqa: F811
    sandbox: Tenant,
) -> None:
    run = begun(draft, sandbox)
    with inside(sandbox):
        Workspace.objects.all().delete()

    trials.carry_out_trial(run.pk)

    run.refresh_from_db()
    assert (run.status, run.failed) == ("broken", 0)


def test_in_one_sandbox_one_release_is_tried_at_a_time(
    draft: Release,  # noqa: F811
    partner: Partner,  # noqa: F811
    sandbox: Tenant,
    pretend: Pretend,
) -> None:
    (other,) = importing.import_workflows(source=export(name="Other"), owner=partner, by=ADA)
    run = begun(draft, sandbox)

    with pytest.raises(TrialUnderWay, match="choose another sandbox"):
        begun(other, sandbox)

    pretend(False)
    trials.carry_out_trial(run.pk)
    assert installed(sandbox) == 1
    pretend(True)
    trials.carry_out_trial(begun(other, sandbox).pk)
    other.refresh_from_db()
    assert (installed(sandbox), proof_of(other).shown) == (0, Shown.PASSED)


def test_a_draft_is_not_discarded_while_it_is_tried_and_leaves_nothing_in_the_sandbox(
    draft: Release,  # noqa: F811
    sandbox: Tenant,
    pretend: Pretend,
) -> None:
    run = begun(draft, sandbox)
    with pytest.raises(TrialUnderWay):
        releases.discard(release_id=draft.pk, by=ADA)
    pretend(False)
    trials.carry_out_trial(run.pk)
    assert installed(sandbox) == 1

    releases.discard(release_id=draft.pk, by=ADA)

    assert installed(sandbox) == 0
    assert not Release.objects.filter(pk=draft.pk).exists()


def test_a_draft_that_somebody_cloned_is_not_discarded(
    draft: Release,  # noqa: F811
    sandbox: Tenant,
) -> None:
    with inside(sandbox):
        install(release_id=draft.pk, parameters={}, by=ADA)

    with pytest.raises(DraftCloned, match="in “South”"):
        releases.discard(release_id=draft.pk, by=ADA)

    assert Release.objects.filter(pk=draft.pk).exists()


def test_a_trial_whose_worker_died_is_broken_off(
    draft: Release,  # noqa: F811
    sandbox: Tenant,
) -> None:
    run = begun(draft, sandbox)
    tend_everywhere()
    run.refresh_from_db()
    assert run.status == "running"
    CaseRun.objects.update(updated_at=timezone.now() - timedelta(minutes=16))

    tend_everywhere()

    run.refresh_from_db()
    assert (run.status, "No worker" in run.error) == ("broken", True)
    trials.carry_out_trial(run.pk)
    assert installed(sandbox) == 0
    assert trials.begin_trial(release_id=draft.pk, sandbox=sandbox, by=ADA).status == "running"
