"""Rules of platform and partner bind the tenants that they are for, and nobody else's."""

import pytest

from controlplane.audit.models import Entry
from controlplane.core.actor import system
from controlplane.core.models import new_id
from controlplane.orders.contexts import _SAMPLE, CONTEXT, facts_of
from controlplane.policies import layers
from controlplane.policies.models import BoundVersion, Decision, LayerExample, LayerPolicy, Policy
from controlplane.policies.services import (
    ApprovalNeeded,
    AuthorMayNotApprove,
    ExampleFailed,
    NothingToReview,
    StepNotPossible,
    approve_layer,
    evaluate,
    note_layer_edit,
    publish_layer_version,
    recompute_decision,
    seed_layer,
    submit_layer,
    withdraw_layer,
)
from tenants import lookup
from tenants.context import inside
from tenants.models import Partner
from tests.integration.policies.conftest import ADA, GRACE, LARGE

BY = system("tests")
EMBARGO = {
    "code": "embargo", "verdict": "reject", "expression": "order.ship_to.country == 'DE'",
    "message": "Nothing goes to {order.ship_to.country}.",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _fresh():
    layers.forget()
    yield
    layers.forget()


def publish(layer, *rules, partner=None, slug="embargo"):
    policy = seed_layer(
        layer=layer, context=CONTEXT, slug=slug, title="Embargo", rules=rules, partner=partner,
        by=BY,
    )  # fmt: skip
    layers.forget()
    return policy


def decided(slug) -> Decision:
    with inside(lookup.tenant_by_slug(slug)):
        return evaluate(
            context=CONTEXT, subject_type="order", subject_id=new_id(), data=facts_of(_SAMPLE),
            parameters={}, event_id=None, by=BY,
        )  # fmt: skip


def test_the_platforms_rules_bind_everybody_and_the_strictest_wins(north, south):
    publish("platform", EMBARGO)
    for slug in ("north", "south"):
        decision = decided(slug)
        assert decision.verdict == "reject"
        assert [(r["policy"], r["code"]) for r in decision.reasons] == [
            ("platform/embargo", "embargo")
        ]
        assert [each["layer"] for each in decision.policy_versions] == ["platform", "tenant"]


def test_a_partners_rules_bind_its_own_tenants_alone(north, south):
    publish("partner", EMBARGO, partner=Partner.objects.get(slug="partner-north"))
    assert decided("north").verdict == "reject"
    other = decided("south")
    assert (other.verdict, len(other.policy_versions)) == ("accept", 1)
    with inside(lookup.tenant_by_slug("south")):
        assert not BoundVersion.objects.exists()


def test_a_tenant_keeps_a_copy_of_what_judged_for_it(north):
    policy = publish("platform", EMBARGO)
    decision = decided("north")
    publish("platform", {**EMBARGO, "verdict": "hold"})
    assert decided("north").verdict == "hold"
    with inside(lookup.tenant_by_slug("north")):
        again = recompute_decision(Decision.objects.get(pk=decision.pk))
        assert again.reasons == decision.reasons
        assert BoundVersion.objects.filter(pk=policy.live_version).get().number == 1


def test_a_layer_alone_lets_nothing_pass(north):
    publish("platform", {**LARGE, "expression": "false"})
    with inside(lookup.tenant_by_slug("north")):
        Policy.objects.update(is_active=False)
    decision = decided("north")
    assert (decision.verdict, decision.reasons[0]["code"]) == ("hold", "no_policy")


def test_a_shared_version_is_retired_by_the_next(db):
    policy = publish("platform", EMBARGO)
    publish("platform", {**EMBARGO, "verdict": "hold"})
    first, second = policy.versions.order_by("number")
    assert (first.status, second.status) == ("retired", "published")
    assert [step["status"] for step in first.steps] == [
        "draft", "review", "published", "retired",
    ]  # fmt: skip


@pytest.fixture
def drafted(db):
    """In force as Ada wrote it, and with a stricter draft by her that nobody handed in."""
    policy = publish("platform", {**EMBARGO, "verdict": "hold"})
    policy.rules.update(verdict="reject")
    note_layer_edit(policy, by=ADA)
    return policy


def test_a_draft_binds_nobody_before_it_is_published(drafted, north):
    assert decided("north").verdict == "hold"
    version = submit_layer(policy=drafted, note="as the ministry says", by=ADA)
    layers.forget()
    assert (version.status, decided("north").verdict) == ("review", "hold")
    assert submit_layer(policy=drafted, note="again", by=ADA) == version
    approve_layer(version=version, note="read it", by=GRACE)  # it turns over all of North's
    publish_layer_version(version=version, note="agreed", by=ADA)
    layers.forget()
    assert decided("north").verdict == "reject"


def test_where_the_platform_says_so_somebody_else_approves(drafted, north, settings):
    settings.LAYERS_NEED_APPROVAL = True
    version = submit_layer(policy=drafted, note="stricter", by=GRACE)
    with pytest.raises(ApprovalNeeded, match="binds many tenants"):
        publish_layer_version(version=version, by=GRACE)
    for author in (ADA, GRACE, BY):  # who wrote it, who handed it in, and no machine
        with pytest.raises(AuthorMayNotApprove):
            approve_layer(version=version, by=author)
    layers.forget()
    assert decided("north").verdict == "hold"
    other = type(ADA)(ADA.kind, "3", "Linus")
    approve_layer(version=version, note="read it", by=other)
    publish_layer_version(version=version, note="now", by=GRACE)
    version.refresh_from_db()
    assert [(s["status"], s["by"], s["note"]) for s in version.steps] == [
        ("draft", "Ada", ""), ("review", "Grace", "stricter"), ("approved", "Linus", "read it"),
        ("published", "Grace", "now"),
    ]  # fmt: skip
    told = Entry.objects.filter(subject_id=str(drafted.pk)).order_by("sequence")
    assert [e.action for e in told][-3:] == [
        "layer_policy.review", "layer_policy.approved", "layer_policy.published",
    ]  # fmt: skip


def test_steps_out_of_order_are_refused(drafted):
    version = submit_layer(policy=drafted, by=ADA)
    withdraw_layer(version=version, note="not yet", by=ADA)
    for step in (approve_layer, publish_layer_version, withdraw_layer):
        with pytest.raises(StepNotPossible, match="is retired"):
            step(version=version, by=GRACE)
    drafted.rules.update(verdict="hold")
    newest = submit_layer(policy=drafted, by=ADA)
    publish_layer_version(version=newest, by=ADA)
    with pytest.raises(NothingToReview):
        submit_layer(policy=drafted, by=ADA)


def test_examples_are_run_before_a_version_is_frozen(drafted):
    LayerExample.objects.create(
        policy=drafted, name="to Austria", facts={"order": {"ship_to": {"country": "AT"}}},
        verdict="reject",
    )  # fmt: skip
    with pytest.raises(ExampleFailed, match="“to Austria”: expected reject"):
        submit_layer(policy=drafted, by=ADA)
    assert LayerPolicy.objects.get().versions.count() == 1
    LayerExample.objects.update(verdict="accept")
    version = submit_layer(policy=drafted, by=ADA)
    assert version.examples[0]["name"] == "to Austria"
