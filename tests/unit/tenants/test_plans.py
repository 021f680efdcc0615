"""Every tier says what it gives, and a higher one never gives less."""

from tenants.limits.plans import PLANS, Resource
from tenants.models import Partner


def test_every_tier_has_a_plan_for_every_resource() -> None:
    assert set(PLANS) == set(Partner.Tier)
    assert all(set(plan) == set(Resource) for plan in PLANS.values())


def test_a_higher_tier_gives_more_of_everything() -> None:
    standard, advanced, strategic = (PLANS[tier] for tier in Partner.Tier)
    for resource in Resource:
        assert standard[resource] < advanced[resource] < strategic[resource]
