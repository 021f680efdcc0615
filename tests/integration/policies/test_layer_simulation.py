"""Rules for many over the history of their tenants: each on its own, and only counts come out."""

import pytest

from controlplane.audit.models import Entry
from controlplane.core.actor import system
from controlplane.core.models import new_id
from controlplane.orders.contexts import _SAMPLE, CONTEXT, facts_of
from controlplane.policies import layers
from controlplane.policies.models import (
    LayerSimulationPart,
    Policy,
    PublishingTerms,
    SimulationRun,
)
from controlplane.policies.services import (
    HistoryTooLong,
    SimulationUnknown,
    cancel_layer_simulation,
    cancel_simulation,
    evaluate,
    get_layer_simulation,
    give_up_lost_layer_simulations,
    layer_simulating,
    money_in,
    run_layer_simulation,
    run_simulation,
    save_layer_draft,
    seed_layer,
    seed_policy,
    shares_of_last_run,
    start_layer_simulation,
    submit_layer,
)
from tenants import lookup
from tenants.context import inside
from tenants.models import Engagement, Partner, Tenant
from tests.integration.policies.conftest import ADA, LARGE

STRICT = {**LARGE, "expression": "order.total.minor > 100", "enabled": True}
BY = system("tests")


@pytest.fixture(autouse=True)
def _fresh():
    layers.forget()
    yield
    layers.forget()


@pytest.fixture
def partner(north):
    return Partner.objects.get(slug="partner-north")


@pytest.fixture
def policy(partner, south):
    """Of a partner that serves north and south, with nothing in force but the tenants' own."""
    Engagement.objects.create(partner=partner, tenant=south)
    lookup.forget_tenants()
    for slug in ("north", "south", "yard"):
        with inside(lookup.tenant_by_slug(slug)):
            Policy.objects.update(is_active=False)
            seed_policy(context=CONTEXT, slug="limits", title="Limits", rules=[LARGE], by=ADA)
    policy = seed_layer(
        layer="partner", partner=partner, context=CONTEXT, slug="embargo", title="Embargo",
        rules=[{**LARGE, "expression": "false"}], by=BY,
    )  # fmt: skip
    layers.forget()
    save_layer_draft(policy=policy, rules=[STRICT], examples=[], by=ADA)
    return policy


def decide(slug, minor, currency="EUR"):
    facts = facts_of(_SAMPLE)
    facts["order"]["total"]["minor"] = minor
    facts["order"]["currency"] = currency
    with inside(lookup.tenant_by_slug(slug)):
        return evaluate(
            context=CONTEXT, subject_type="order", subject_id=new_id(), data=facts,
            parameters={}, event_id=None, by=ADA,
        )  # fmt: skip


def simulated(policy, **given):
    return run_layer_simulation(start_layer_simulation(policy=policy, by=ADA, **given).pk)


def parts(run):
    return {part.tenant.slug: part for part in run.parts.select_related("tenant")}


def test_each_tenant_is_counted_and_keeps_its_money(policy, north, south):
    for slug, minor, currency in (
        ("north", 1000, "EUR"), ("north", 500, "USD"), ("north", 3, "EUR"),
        ("south", 90_000, "EUR"), ("yard", 1000, "EUR"),
    ):  # fmt: skip
        decide(slug, minor, currency)
    run = simulated(policy)
    found = parts(run)
    assert (run.status, set(found)) == ("done", {"north", "south"})
    counted = {slug: (part.done, part.flips, part.approvals) for slug, part in found.items()}
    assert counted == {"north": (3, 2, 2), "south": (1, 0, 0)}
    assert (str(found["north"].percent), found["north"].is_over) == ("66.67", True)
    assert found["north"].counts == {"accept>hold": 2, "accept>accept": 1}
    with inside(north):
        own = SimulationRun.objects.get(pk=found["north"].pk)
        assert (own.owner, own.title, own.rules, own.policy) == (
            "Partner North", "Embargo", [], None,
        )  # fmt: skip
        assert own.found.count() == 2
        assert Entry.objects.filter(
            action="policy.layer_simulated", subject_id=str(own.pk)
        ).get().data["owner"] == "Partner North"  # fmt: skip
    with inside(south):
        assert not SimulationRun.objects.get().found.exists()
    money = money_in(run, [north, south], by=ADA)
    assert money == {
        north.pk: {"EUR": {"held": 1000, "released": 0}, "USD": {"held": 500, "released": 0}}
    }
    with inside(north):
        looked = Entry.objects.filter(action="payload.opened", subject_id=str(run.pk))
        assert looked.count() == 1


def test_each_tenant_is_judged_as_far_back_as_its_own_terms_say(policy, north, south):
    """However short the run, or however long: what it found speaks for each one's threshold."""
    for minor in (1000, 500, 3):
        decide("north", minor)
    with inside(south):
        PublishingTerms.objects.create(history_days=90)
    version = submit_layer(policy=policy, by=ADA)
    for days in (1, 3650):
        run = simulated(policy, version=version, days=days)
        with inside(north):
            since = SimulationRun.objects.latest("created_at").since
        assert (run.created_at - since).days == max(days, 30)
        with inside(south):
            since = SimulationRun.objects.latest("created_at").since
        assert (run.created_at - since).days == max(days, 90)
        assert {str(share.tenant): share.flips for share in shares_of_last_run(version)[1]} == {
            "North": 2, "South": 0,
        }  # fmt: skip


def test_what_is_older_than_the_terms_does_not_thin_it_out(policy, north, south):
    decide("north", 1000)
    version = submit_layer(policy=policy, by=ADA)
    run = simulated(policy, version=version, days=3650)
    run.parts.filter(tenant=north).update(done=900)  # as of years
    _run, shares = shares_of_last_run(version)
    assert [(share.judged, share.flips) for share in shares] == [(1, 1), (0, 0)]
    assert parts(run)["north"].is_over


def test_no_money_stands_outside_of_the_tenant():
    assert "money" not in {field.name for field in LayerSimulationPart._meta.get_fields()}


def test_the_platforms_are_tried_in_every_tenant(policy, north):
    everywhere = seed_layer(
        layer="platform", context=CONTEXT, slug="all", title="All", rules=[LARGE], by=BY
    )
    layers.forget()
    assert set(parts(simulated(everywhere))) == {"north", "south", "yard"}


def test_a_sandbox_and_a_suspended_tenant_are_left_out(policy, north, south):
    Tenant.objects.filter(pk=south.pk).update(status=Tenant.Status.SUSPENDED)
    yard = lookup.tenant_by_slug("yard")
    Tenant.objects.filter(pk=yard.pk).update(environment="sandbox", sandbox_of=north)
    assert set(parts(simulated(policy))) == {"north"}


def test_what_is_in_force_turns_over_nothing(policy, north):
    decide("north", 1000)
    save_layer_draft(policy=policy, rules=[{**STRICT, "expression": "false"}], examples=[], by=ADA)
    assert parts(simulated(policy))["north"].flips == 0


def test_one_that_was_stopped_ends(policy, north):
    decide("north", 1000)
    run = start_layer_simulation(policy=policy, by=ADA)
    cancel_layer_simulation(run=run, by=ADA)
    run = run_layer_simulation(run.pk)
    assert run.status == "cancelled"
    assert {part.status for part in parts(run).values()} == {"cancelled"}
    with inside(north):
        assert not SimulationRun.objects.exists()


def test_one_that_is_stopped_meanwhile_ends_in_the_tenant_too(policy, north, monkeypatch):
    monkeypatch.setattr("controlplane.policies.services.history.BATCH", 1)
    for minor in (1000, 2000, 3000):
        decide("north", minor)
    run = start_layer_simulation(policy=policy, by=ADA)
    put = layer_simulating._put

    def stopping(part, **values):
        put(part, **values)
        if values.get("done") == 2:
            connection_to_shared(lambda: cancel_layer_simulation(run=run, by=ADA))

    monkeypatch.setattr(layer_simulating, "_put", stopping)
    run = run_layer_simulation(run.pk)
    assert run.status == "cancelled"
    with inside(north):
        own = SimulationRun.objects.get()
        assert (own.status, own.done) == ("cancelled", 2)


def connection_to_shared(work):
    from tenants.context import outside

    with outside():
        work()


def test_what_fails_in_one_tenant_stops_no_other(policy, north, south, monkeypatch):
    decide("south", 1000)
    judge_history = layer_simulating.judge_history

    def failing(run, **given):
        if lookup.tenant_by_slug("north").schema_name == layer_simulating.current():
            raise ZeroDivisionError("of a customer")
        return judge_history(run, **given)

    monkeypatch.setattr(layer_simulating, "current", _schema, raising=False)
    monkeypatch.setattr(layer_simulating, "judge_history", failing)
    run = simulated(policy)
    found = parts(run)
    assert (run.status, run.error) == ("failed", "1 of 2 tenants were not judged to the end.")
    assert (found["north"].status, found["north"].error) == ("failed", "ZeroDivisionError")
    assert (found["south"].status, found["south"].flips) == ("done", 1)


def _schema():
    from controlplane.core.schema import entered_schema

    return entered_schema()


def test_after_a_lost_worker_it_goes_on_with_the_tenants_that_are_left(policy, north, south):
    decide("north", 1000)
    run = start_layer_simulation(policy=policy, by=ADA)
    run.parts.filter(tenant=south).update(status="done", done=7)
    type(run).objects.update(status="running")
    run = run_layer_simulation(run.pk)
    assert (run.status, parts(run)["south"].done, parts(run)["north"].done) == ("done", 7, 1)


def test_a_task_does_some_tenants_and_the_next_goes_on(policy, north, south, monkeypatch):
    monkeypatch.setattr(layer_simulating, "AT_ONCE", 1)
    asked = []
    monkeypatch.setattr(
        layer_simulating, "enqueue_on_commit", lambda name, **given: asked.append((name, given))
    )
    run = simulated(policy)
    assert (run.status, parts(run)["north"].status) == ("running", "done")
    assert asked == [(layer_simulating.TASK, {"run_id": str(run.pk)})] * 2
    assert run_layer_simulation(run.pk).status == "done"
    assert len(asked) == 2


def test_one_that_nobody_works_on_is_given_up(policy):
    from datetime import timedelta

    from django.utils import timezone

    run = start_layer_simulation(policy=policy, by=ADA)
    assert give_up_lost_layer_simulations() == 0
    type(run).objects.update(updated_at=timezone.now() - timedelta(hours=1))
    assert give_up_lost_layer_simulations() == 1
    run.refresh_from_db()
    assert run.status == "failed"


def test_a_tenant_may_stop_and_cannot_restart_what_is_judged_of_it(policy, north):
    decide("north", 1000)
    key = parts(simulated(policy))["north"].pk
    with inside(north):
        SimulationRun.objects.update(status="running")
        assert run_simulation(key).status == "running"
        cancel_simulation(run=SimulationRun.objects.get(), by=ADA)
        assert SimulationRun.objects.get().status == "cancelled"


def test_only_the_owners_find_it(policy, partner, north):
    run = start_layer_simulation(policy=policy, by=ADA)
    assert get_layer_simulation(run.pk, owners=[partner]) == run
    with pytest.raises(SimulationUnknown):
        get_layer_simulation(run.pk, owners=[Partner.objects.get(slug="partner-south")])


def test_days_that_cannot_be(policy):
    with pytest.raises(HistoryTooLong):
        start_layer_simulation(policy=policy, days=0, by=ADA)
