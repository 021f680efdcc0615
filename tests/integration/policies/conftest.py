"""A policy to try things on, and decisions taken before."""

from typing import Any

import pytest

from controlplane.core.actor import Actor, ActorKind
from controlplane.core.models import new_id
from controlplane.orders.contexts import _SAMPLE, CONTEXT, facts_of
from controlplane.policies.models import Decision, Policy
from controlplane.policies.services import evaluate, seed_policy

ADA = Actor(ActorKind.MEMBER, "1", "Ada")
GRACE = Actor(ActorKind.MEMBER, "2", "Grace")
LARGE = {
    "code": "large",
    "verdict": "hold",
    "expression": "order.total.minor > 50000",
    "message": "{order.number} is large.",
}


@pytest.fixture
def policy(tenant: Any) -> Policy:
    """Alone in force, so that a verdict is its own."""
    Policy.objects.update(is_active=False)
    return seed_policy(context=CONTEXT, slug="limits", title="Limits", rules=[LARGE], by=ADA)


@pytest.fixture
def decide(policy: Policy) -> Any:
    """`decide(90000)`: a decision on an order of that many cents."""

    def made(minor: int, *, currency: str = "EUR") -> Decision:
        facts = facts_of(_SAMPLE)
        facts["order"]["total"]["minor"] = minor
        facts["order"]["currency"] = currency
        return evaluate(
            context=CONTEXT, subject_type="order", subject_id=new_id(), data=facts,
            parameters={}, event_id=None, by=ADA,
        )  # fmt: skip

    return made
