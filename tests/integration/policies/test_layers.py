"""Rules of platform and partner bind the tenants that they are for, and nobody else's."""

import pytest

from controlplane.core.actor import system
from controlplane.core.models import new_id
from controlplane.orders.contexts import _SAMPLE, CONTEXT, facts_of
from controlplane.policies import layers
from controlplane.policies.models import BoundVersion, Decision, Policy
from controlplane.policies.services import evaluate, recompute_decision, seed_layer
from tenants import lookup
from tenants.context import inside
from tenants.models import Partner
from tests.integration.policies.conftest import LARGE

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
    assert [step["status"] for step in first.steps] == ["draft", "published", "retired"]
