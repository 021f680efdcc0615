"""Rules of the tenant's partner, with a version handed in, and a simulation of them."""

from controlplane.core.actor import Actor, ActorKind
from controlplane.orders.contexts import CONTEXT
from controlplane.policies.services import (
    create_partner_layer,
    save_layer_draft,
    start_layer_simulation,
    submit_layer,
)
from tenants.context import current_tenant, outside
from tenants.models import Partner
from tests.factories.world import Part

ROOT, POLICY = "partner-rules/", "partner-rules/<uuid:policy_id>/"
NOTE = {"note": "as agreed with everybody"}
AUTHOR = Actor(ActorKind.MEMBER, "0", "Author")
RULE = {
    "code": "lock_gate", "verdict": "reject", "expression": "order.ship_to.city == 'Lock Gate 4'",
    "message": "It goes to a lock gate.", "enabled": True,
}  # fmt: skip


def part(url: str) -> Part:
    partner = current_tenant().engaged_partners[0]
    with outside():
        policy = create_partner_layer(
            partner=Partner.objects.get(pk=partner), context=CONTEXT, slug="lock-gate",
            title="Lock Gate 4", by=AUTHOR,
        )  # fmt: skip
        save_layer_draft(policy=policy, rules=[RULE], examples=[], by=AUTHOR)
        version = submit_layer(policy=policy, note="", by=AUTHOR)
        run = start_layer_simulation(policy=policy, version=version, by=AUTHOR)
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
