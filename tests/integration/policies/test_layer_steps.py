"""Rules for many: alone where nobody else is there, at a time, and back again."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from controlplane.audit.models import Entry
from controlplane.core.actor import Actor, ActorKind
from controlplane.policies import layers
from controlplane.policies.models import LayerSchedule, PublishingTerms
from controlplane.policies.services import (
    AloneWithoutReason,
    ApprovalNeeded,
    OthersMayApprove,
    PolicyTaken,
    SimulationNeeded,
    StepNotPossible,
    TimeHasPassed,
    TooManyFlips,
    approve_layer,
    cancel_layer_schedule,
    create_partner_layer,
    publish_due_layers,
    publish_layer_version,
    retire_layer,
    roll_back_layer,
    run_layer_simulation,
    save_layer_draft,
    schedule_layer_version,
    start_layer_simulation,
    submit_layer,
)
from tenants import lookup
from tenants.context import inside
from tenants.models import Member, Partner
from tests.integration.policies.test_layers import BY, EMBARGO, decided

WHY = "The ministry's list came out this morning."


@pytest.fixture(autouse=True)
def _fresh():
    layers.forget()
    yield
    layers.forget()


@pytest.fixture
def partner(north):
    return Partner.objects.get(slug="partner-north")


def person(name, partner=None, role=Member.Role.MANAGER, **flags):
    user = User.objects.create(username=name, first_name=name.title(), **flags)
    if partner:
        Member.objects.create(user=user, partner=partner, role=role)
    return Actor(ActorKind.MEMBER, str(user.pk), name.title())


def admin(name):
    return person(name, is_staff=True, is_superuser=True)


@pytest.fixture
def ada(partner):
    return person("ada", partner)


@pytest.fixture
def policy(partner, ada):
    policy = create_partner_layer(
        partner=partner, context="order", slug="embargo", title="Embargo", by=ada
    )
    write(policy, EMBARGO, by=ada)
    return policy


def write(policy, *rules, by):
    save_layer_draft(
        policy=policy, rules=[{**rule, "enabled": True} for rule in rules], examples=[],
        note="wanted", by=by,
    )  # fmt: skip


def simulated(version, by):
    return run_layer_simulation(
        start_layer_simulation(policy=version.policy, version=version, by=by).pk
    )


def last_entry(policy):
    return Entry.objects.filter(subject_id=str(policy.pk)).order_by("sequence").last()


def test_a_short_name_stands_once_for_a_partner(policy, partner, ada):
    with pytest.raises(PolicyTaken, match="Partner North has rules “embargo”"):
        create_partner_layer(partner=partner, context="order", slug="embargo", title="More", by=ada)


def test_the_only_one_publishes_alone_with_a_reason_and_a_simulation(policy, ada, settings):
    settings.LAYERS_NEED_APPROVAL = True
    version = submit_layer(policy=policy, note="please", by=ada)
    with pytest.raises(ApprovalNeeded, match="Nobody else may"):
        publish_layer_version(version=version, note=WHY, by=ada)
    with pytest.raises(AloneWithoutReason, match="at least 15 characters"):
        publish_layer_version(version=version, note="now", alone=True, by=ada)
    with pytest.raises(SimulationNeeded):
        publish_layer_version(version=version, note=WHY, alone=True, by=ada)
    run = simulated(version, ada)
    publish_layer_version(version=version, note=WHY, alone=True, by=ada)
    layers.forget()
    assert decided("north").verdict == "reject"
    version.refresh_from_db()
    assert (version.steps[-1]["note"], version.steps[-1]["alone"]) == (WHY, True)
    told = last_entry(policy)
    assert told.action == "layer_policy.published_alone"
    assert (told.data["simulation"], told.data["note"]) == (str(run.pk), WHY)


@pytest.mark.parametrize("role", ["approver", "manager"])
def test_whoever_has_a_colleague_is_not_alone(policy, partner, ada, settings, role):
    settings.LAYERS_NEED_APPROVAL = True
    ben = person("ben", partner, role)
    version = submit_layer(policy=policy, by=ada)
    simulated(version, ada)
    with pytest.raises(OthersMayApprove, match="Ben may approve"):
        publish_layer_version(version=version, note=WHY, alone=True, by=ada)
    approve_layer(version=version, note="read", by=ben)
    publish_layer_version(version=version, note="agreed", by=ada)
    assert last_entry(policy).action == "layer_policy.published"


@pytest.mark.parametrize(
    ("role", "is_active"), [("viewer", True), ("manager", False)], ids=["a viewer", "who left"]
)
def test_who_cannot_approve_is_no_colleague(policy, partner, ada, settings, role, is_active):
    settings.LAYERS_NEED_APPROVAL = True
    person("ben", partner, role, is_active=is_active)
    version = submit_layer(policy=policy, by=ada)
    simulated(version, ada)
    publish_layer_version(version=version, note=WHY, alone=True, by=ada)


def test_a_machine_is_never_the_only_one(policy, ada, settings):
    settings.LAYERS_NEED_APPROVAL = True
    version = submit_layer(policy=policy, by=ada)
    with pytest.raises(ApprovalNeeded, match="Only a person"):
        publish_layer_version(version=version, note=WHY, alone=True, by=BY)


def test_past_a_threshold_a_partners_only_one_asks_the_platform(policy, ada, north, settings):
    settings.LAYERS_NEED_APPROVAL = True
    decided("north")
    version = submit_layer(policy=policy, by=ada)
    simulated(version, ada)
    with pytest.raises(TooManyFlips, match=r"1 of 1 decisions \(100.00 %\) in North.*platform"):
        publish_layer_version(version=version, note=WHY, alone=True, by=ada)
    approve_layer(version=version, note="read it", by=admin("root"))
    publish_layer_version(version=version, note="now", by=ada)


def test_past_a_threshold_the_platforms_only_one_sleeps_on_it(partner, north, settings):
    settings.LAYERS_NEED_APPROVAL = True
    decided("north")
    root = admin("root")
    policy = create_partner_layer(
        partner=partner, context="order", slug="embargo", title="Embargo", by=root
    )
    write(policy, EMBARGO, by=root)
    version = submit_layer(policy=policy, by=root)
    simulated(version, root)
    with pytest.raises(TooManyFlips, match="Sleep on it"):
        publish_layer_version(version=version, note=WHY, alone=True, by=root)
    yesterday = timezone.now() - timedelta(hours=25)
    version.steps = [{**step, "at": yesterday.isoformat()} for step in version.steps]
    version.save()
    publish_layer_version(version=version, note=WHY, alone=True, by=root)
    assert last_entry(policy).data["over"] == {"North": "100.00 %"}


def test_without_a_second_person_each_tenants_threshold_counts(policy, ada, north):
    """Where the platform asks for nobody: sampled now, as of one's own rules."""
    decided("north")
    version = submit_layer(policy=policy, by=ada)
    with pytest.raises(TooManyFlips, match="North, whose threshold is 10 %"):
        publish_layer_version(version=version, note="now", by=ada)
    with inside(lookup.tenant_by_slug("north")):
        PublishingTerms.objects.create(flip_percent=100)
    publish_layer_version(version=version, note="now", by=ada)


def test_many_tenants_are_simulated_and_not_sampled(policy, ada, monkeypatch):
    monkeypatch.setattr("controlplane.policies.services.layer_flips.SAMPLED_TENANTS", 0)
    version = submit_layer(policy=policy, by=ada)
    with pytest.raises(SimulationNeeded, match="Simulate it first"):
        publish_layer_version(version=version, note="now", by=ada)
    simulated(version, ada)
    publish_layer_version(version=version, note="now", by=ada)


def test_it_comes_into_force_at_its_time(policy, ada, north):
    version = submit_layer(policy=policy, by=ada)
    with pytest.raises(TimeHasPassed):
        schedule_layer_version(version=version, at=timezone.now(), by=ada)
    at = timezone.now() + timedelta(hours=1)
    schedule_layer_version(version=version, at=at, note="spring", by=ada)
    later = schedule_layer_version(version=version, at=at, note="later", by=ada)
    assert publish_due_layers() == 0
    LayerSchedule.objects.filter(pk=later.pk).update(due_at=timezone.now())
    assert publish_due_layers() == 1
    layers.forget()
    assert decided("north").verdict == "reject"
    assert [each.status for each in version.schedules.order_by("created_at")] == [
        "cancelled", "done",
    ]  # fmt: skip
    assert publish_due_layers() == 0


def test_what_is_refused_at_its_time_says_why(policy, ada, settings):
    version = submit_layer(policy=policy, by=ada)
    at = timezone.now() + timedelta(hours=1)
    schedule = schedule_layer_version(version=version, at=at, by=ada)
    settings.LAYERS_NEED_APPROVAL = True
    LayerSchedule.objects.update(due_at=timezone.now())
    assert publish_due_layers() == 0
    schedule.refresh_from_db()
    assert (schedule.status, "binds many" in schedule.detail) == ("refused", True)


def test_a_time_is_taken_back(policy, ada):
    version = submit_layer(policy=policy, by=ada)
    at = timezone.now() + timedelta(hours=1)
    schedule = schedule_layer_version(version=version, at=at, by=ada)
    cancel_layer_schedule(version=version, by=ada)
    schedule.refresh_from_db()
    assert (schedule.status, schedule.detail) == ("cancelled", "Cancelled by Ada.")
    assert last_entry(policy).action == "layer_policy.schedule_cancelled"


def test_out_of_force_and_back_again_at_once(policy, ada, north, settings):
    first = publish_layer_version(version=submit_layer(policy=policy, by=ada), by=ada)
    settings.LAYERS_NEED_APPROVAL = True
    layers.forget()
    assert decided("north").verdict == "reject"
    retire_layer(version=first, note="lifted", by=ada)
    layers.forget()
    assert decided("north").verdict == "accept"
    with pytest.raises(StepNotPossible, match="is retired"):
        retire_layer(version=first, by=ada)
    again = roll_back_layer(policy=policy, number=1, note="it is back", by=ada)
    layers.forget()
    assert (again.number, decided("north").verdict) == (2, "reject")
    assert again.steps[0]["note"] == "Back to version 1. it is back"
    policy.refresh_from_db()
    assert policy.live_version == again.pk


def test_back_to_what_never_was_is_refused(policy, ada):
    publish_layer_version(version=submit_layer(policy=policy, by=ada), by=ada)
    write(policy, {**EMBARGO, "verdict": "hold"}, by=ada)
    submit_layer(policy=policy, by=ada)
    with pytest.raises(StepNotPossible, match="never in force"):
        roll_back_layer(policy=policy, number=2, note="", by=ada)
    with pytest.raises(StepNotPossible, match="is in force"):
        roll_back_layer(policy=policy, number=1, note="", by=ada)


def test_a_tenant_with_many_decisions_is_simulated_and_not_sampled(policy, ada, north, monkeypatch):
    monkeypatch.setattr("controlplane.policies.services.flips.SAMPLE", 1)
    decided("north")
    decided("north")
    version = submit_layer(policy=policy, by=ada)
    with pytest.raises(SimulationNeeded, match="North has 2 decisions"):
        publish_layer_version(version=version, note="now", by=ada)
    simulated(version, ada)
    with pytest.raises(TooManyFlips, match="2 of 2"):
        publish_layer_version(version=version, note="now", by=ada)
