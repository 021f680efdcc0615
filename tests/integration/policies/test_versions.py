"""From draft to retired: who took each step and why, and what stops a publication."""

from datetime import timedelta

import pytest
from django.utils import timezone

from controlplane.audit.models import Entry
from controlplane.policies.models import PublishingTerms, Schedule
from controlplane.policies.services import (
    AuthorMayNotApprove,
    ExampleFailed,
    NothingToReview,
    StepNotPossible,
    TimeHasPassed,
    TooManyFlips,
    approve_version,
    draft_of,
    get_version,
    publish_due,
    publish_version,
    roll_back,
    save_draft,
    schedule_version,
    submit_version,
    withdraw_version,
)
from tests.integration.policies.conftest import ADA, GRACE, LARGE

STRICT = {**LARGE, "expression": "order.total.minor > 100"}
BIG_ORDER = {
    "name": "a big order",
    "facts": {"order": {"total": {"minor": 90_000}}},
    "verdict": "hold",
    "codes": ["large"],
}


def draft(policy, *rules, examples=(), by=ADA):
    save_draft(policy=policy, rules=rules, examples=examples, note="for spring", by=by)


def steps(version):
    return [(step.status, step.by, step.note) for step in version.steps.all()]


def test_each_step_is_kept_with_who_and_why(policy):
    draft(policy, STRICT)
    version = submit_version(policy=policy, note="please look", by=ADA)
    approve_version(version=version, note="fine", by=GRACE)
    publish_version(version=version, note="as agreed", by=ADA)
    assert steps(version) == [
        ("draft", "Ada", "for spring"),
        ("review", "Ada", "please look"),
        ("approved", "Grace", "fine"),
        ("published", "Ada", "as agreed"),
    ]
    assert steps(get_version(policy, 1))[-1] == ("retired", "Ada", "Replaced by version 2.")
    assert policy.live() == version
    assert Entry.objects.filter(action="policy.approved").exists()


def test_what_is_edited_or_in_review_does_not_count(policy, decide):
    draft(policy, STRICT)
    submit_version(policy=policy, by=ADA)
    assert decide(2000).verdict == "accept"


def test_the_same_draft_is_handed_in_once(policy):
    draft(policy, STRICT)
    version = submit_version(policy=policy, by=ADA)
    assert submit_version(policy=policy, by=ADA) == version
    publish_version(version=version, by=ADA)
    with pytest.raises(NothingToReview):
        submit_version(policy=policy, by=ADA)


def test_whoever_wrote_or_handed_it_in_does_not_approve(policy):
    draft(policy, STRICT, by=GRACE)
    version = submit_version(policy=policy, by=ADA)
    for author in (ADA, GRACE):
        with pytest.raises(AuthorMayNotApprove):
            approve_version(version=version, by=author)


def test_a_withdrawn_version_is_not_published(policy):
    draft(policy, STRICT)
    version = submit_version(policy=policy, by=ADA)
    withdraw_version(version=version, note="wrong", by=ADA)
    with pytest.raises(StepNotPossible, match="is retired"):
        publish_version(version=version, by=ADA)


def test_an_example_that_comes_out_otherwise_stops_it_and_is_named(policy):
    wrong = {**BIG_ORDER, "name": "a small order", "facts": {"order": {"total": {"minor": 1}}}}
    draft(policy, LARGE, examples=[BIG_ORDER, wrong])
    with pytest.raises(ExampleFailed, match="“a small order”: expected hold") as caught:
        submit_version(policy=policy, by=ADA)
    assert [fault.field for fault in caught.value.errors] == ["examples.a small order"]
    draft(policy, LARGE, examples=[BIG_ORDER])
    assert submit_version(policy=policy, by=ADA).examples == [BIG_ORDER]


def test_past_the_threshold_only_with_another_persons_approval(policy, decide):
    for minor in (1000, 2000, 3000, 90_000):
        decide(minor)
    draft(policy, STRICT)
    version = submit_version(policy=policy, by=ADA)
    with pytest.raises(TooManyFlips, match=r"3 of 4 decisions \(75.00 %\), more than 10 %"):
        publish_version(version=version, by=ADA)
    approve_version(version=version, by=GRACE)
    publish_version(version=version, by=ADA)
    assert decide(2000).verdict == "hold"


def test_the_threshold_is_the_tenants_own(policy, decide):
    PublishingTerms.objects.create(flip_percent=80)
    for minor in (1000, 2000, 3000, 90_000):
        decide(minor)
    draft(policy, STRICT)
    publish_version(version=submit_version(policy=policy, by=ADA), by=ADA)
    assert policy.live().number == 2


def test_rolling_back_is_a_new_version_with_the_old_rules(policy, decide):
    draft(policy, STRICT)
    publish_version(version=submit_version(policy=policy, by=ADA), by=ADA)
    assert decide(2000).verdict == "hold"
    version = roll_back(policy=policy, number=1, note="held too much", by=GRACE)
    assert (version.number, version.rules) == (3, [LARGE])
    assert steps(version)[-1] == ("published", "Grace", "Back to version 1. held too much")
    assert decide(2000).verdict == "accept"
    assert draft_of(policy)[0] == [LARGE]


def test_rolling_back_leaves_work_on_the_draft(policy):
    draft(policy, STRICT)
    publish_version(version=submit_version(policy=policy, by=ADA), by=ADA)
    draft(policy, {**STRICT, "verdict": "reject"})
    roll_back(policy=policy, number=1, note="", by=ADA)
    assert draft_of(policy)[0][0]["verdict"] == "reject"


def test_only_what_was_in_force_is_rolled_back_to(policy):
    draft(policy, STRICT)
    submit_version(policy=policy, by=ADA)
    for number in (1, 2):
        with pytest.raises(StepNotPossible):
            roll_back(policy=policy, number=number, note="", by=ADA)


def test_a_schedule_publishes_at_its_time(policy, decide):
    draft(policy, STRICT)
    version = submit_version(policy=policy, by=ADA)
    schedule_version(version=version, at=timezone.now() + timedelta(hours=1), note="", by=ADA)
    assert publish_due() == 0
    Schedule.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert publish_due() == 1
    assert policy.live() == version
    assert steps(version)[-1][:2] == ("published", "Ada")
    assert Schedule.objects.get().status == "done"


def test_a_schedule_that_is_refused_says_why(policy, decide):
    draft(policy, STRICT)
    version = submit_version(policy=policy, by=ADA)
    schedule_version(version=version, at=timezone.now() + timedelta(hours=1), by=ADA)
    for minor in (1000, 2000):
        decide(minor)
    Schedule.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert publish_due() == 0
    schedule = Schedule.objects.get()
    assert (schedule.status, policy.live().number) == ("refused", 1)
    assert "turns over 2 of 2" in schedule.detail


def test_a_time_that_has_passed_is_refused(policy):
    draft(policy, STRICT)
    version = submit_version(policy=policy, by=ADA)
    with pytest.raises(TimeHasPassed):
        schedule_version(version=version, at=timezone.now(), by=ADA)
