"""Rules of the tenant's partner, with a version handed in, and a simulation of them."""

from django.utils import timezone

from controlplane.orders.contexts import CONTEXT
from controlplane.policies.models import (
    LayerPolicy,
    LayerRule,
    LayerSimulation,
    LayerSimulationPart,
    LayerVersion,
)
from tenants.context import current_tenant, outside
from tests.factories.world import Part

ROOT, POLICY = "partner-rules/", "partner-rules/<uuid:policy_id>/"
NOTE = {"note": "as agreed with everybody"}
STEPS = ("draft", "review")
RULE = {
    "code": "lock_gate", "verdict": "reject", "expression": "order.ship_to.city == 'Lock Gate 4'",
    "message": "It goes to a lock gate.",
}  # fmt: skip


def part(url: str) -> Part:
    # Rows, and not the services that make them: these tell the platform, whose admins may know.
    tenant, by = current_tenant(), {"by": "Author", "by_id": "member:0", "note": ""}
    steps = [{**by, "status": each, "at": timezone.now().isoformat()} for each in STEPS]
    with outside():
        policy = LayerPolicy.objects.create(
            layer="partner", partner_id=tenant.engaged_partners[0], context=CONTEXT,
            slug="lock-gate", title="Lock Gate 4",
        )  # fmt: skip
        LayerRule.objects.create(policy=policy, **RULE)
        version = LayerVersion.objects.create(
            policy=policy, number=1, rules=[RULE], examples=[], status="review", steps=steps
        )
        run = LayerSimulation.objects.create(
            policy=policy, version=version, rules=[RULE], rules_sha256="", since=timezone.now(),
            asked_by="Author", asked_by_id="member:0",
        )  # fmt: skip
        LayerSimulationPart.objects.create(run=run, tenant=tenant)
    return Part(
        rows={
            "layer_policy_id": policy.pk, "layer_run_id": run.pk, "layer_number": version.number,
        },
        bodies={
            f"{ROOT}new/": {"title": "More", "slug": "more", "context": CONTEXT},
            f"{POLICY}draft/": {
                "rules-TOTAL_FORMS": "0", "rules-INITIAL_FORMS": "0",
                "examples-TOTAL_FORMS": "0", "examples-INITIAL_FORMS": "0",
            },
            f"{POLICY}check/": {"prefix": "a", "a-expression": "order.is_test"},
            f"{POLICY}submit/": NOTE,
            f"{POLICY}simulate/": {"days": "3"},
            **{
                f"{POLICY}versions/<int:number>/{step}/": NOTE
                for step in ("approve", "publish", "withdraw", "retire", "roll-back")
            },
            f"{POLICY}versions/<int:number>/schedule/": {**NOTE, "at": "2040-01-01T10:00"},
        },
        aliases={
            ("partner-rules", "policy_id"): "layer_policy_id",
            ("partner-rules", "run_id"): "layer_run_id",
            ("partner-rules", "number"): "layer_number",
        },
        secrets={"Lock Gate 4"},
    )  # fmt: skip
