"""A policy with versions, a simulation and a decision, and how the pages about them are called."""

from datetime import timedelta

from django.utils import timezone

from controlplane.core.actor import Actor, ActorKind
from controlplane.orders.contexts import _SAMPLE, CONTEXT, facts_of
from controlplane.policies.models import Decision, SimulationRun
from controlplane.policies.services import save_draft, seed_policy, submit_version
from controlplane.policies.simulation import hash_of_rules
from tests.factories.world import Part

NOTE = {"note": "as agreed"}
AUTHOR = Actor(ActorKind.MEMBER, "0", "Author")
RULE = {
    "code": "pier", "verdict": "hold", "expression": "order.ship_to.city == 'Pier Nine'",
    "message": "It goes to a pier.",
}  # fmt: skip


def part(url: str) -> Part:
    policy = seed_policy(context=CONTEXT, slug="pier-nine", title="Pier", rules=[RULE], by=AUTHOR)
    save_draft(
        policy=policy, rules=[{**RULE, "verdict": "reject"}], examples=[], note="", by=AUTHOR
    )
    submit_version(policy=policy, note="", by=AUTHOR)
    run = SimulationRun.objects.create(
        policy=policy, rules=[RULE], rules_sha256=hash_of_rules([RULE]),
        since=timezone.now() - timedelta(days=1), asked_by="Author",
    )  # fmt: skip
    decision = Decision.objects.create(
        context=CONTEXT, subject_type="order", subject_id=policy.pk, verdict="hold",
        input_sha256="", input={"order": {"note": "Pier Nine, the blue door"}},
    )  # fmt: skip
    return Part(
        rows={
            "policy_id": policy.pk, "run_id": run.pk, "decision_id": decision.pk,
            "policy_version": 2, "context_name": CONTEXT,
        },
        bodies={
            "policies/new/": {"title": "More", "slug": "more", "context": CONTEXT},
            "policies/terms/": {"flip_percent": "5", "history_days": "9"},
            "policies/<uuid:policy_id>/draft/": {
                "rules-TOTAL_FORMS": "0", "rules-INITIAL_FORMS": "0",
                "examples-TOTAL_FORMS": "0", "examples-INITIAL_FORMS": "0",
            },
            "policies/<uuid:policy_id>/check/": {"prefix": "a", "a-expression": "order.is_test"},
            "policies/<uuid:policy_id>/submit/": NOTE,
            "policies/<uuid:policy_id>/simulate/": {"days": "3"},
            **{
                f"policies/<uuid:policy_id>/{move}/": NOTE
                for move in ("retire", "switch-off", "switch-on")
            },
            **{
                f"policies/<uuid:policy_id>/versions/<int:number>/{step}/": NOTE
                for step in ("approve", "publish", "withdraw", "roll-back")
            },
            "policies/<uuid:policy_id>/versions/<int:number>/schedule/": {
                **NOTE, "at": "2040-01-01T10:00",
            },
            "decisions/<uuid:decision_id>/override/": {"verdict": "accept", "why": "It is open."},
        },
        inputs={
            "policy.evaluate": {"context": CONTEXT, "facts": facts_of(_SAMPLE)},
            "policy.get_simulation": {"simulation_id": str(run.pk)},
            "decision.override": {"verdict": "accept", "why": "The pier is open."},
        },
        aliases={("policies", "number"): "policy_version", ("policies", "name"): "context_name"},
        tasks={"policies.simulate.run_id": "run_id"},
        secrets={"Pier Nine"},
    )  # fmt: skip
