"""Policies go to the sandbox as they are, and are published there: rules are about nobody."""

from controlplane.core.actor import Actor
from controlplane.policies.models import Policy, Rule
from controlplane.policies.services import publish_policy
from tenants.context import inside
from tenants.environments.rules import ByService, Never, declare, declare_action
from tenants.models import Tenant

GROUP = "policies"


def declare_all() -> None:
    for model in ("Policy", "Rule", "PolicyVersion", "VersionStep"):
        declare(f"policies.{model}", ByService(GROUP))
    declare("policies.Example", Never("facts that people typed, maybe of a customer"))
    declare("policies.Schedule", Never("production's own times"))
    declare("policies.PublishingTerms", Never("the sandbox is for trying"))
    declare("policies.BoundVersion", Never("what binds the sandbox is found at its door"))
    for model in ("Decision", "DecisionEntry", "SimulationRun", "SimulationFlip"):
        declare(f"policies.{model}", Never("about production's orders and invoices"))
    declare_action(GROUP, copy_policies)


def copy_policies(*, production: Tenant, sandbox: Tenant, by: Actor) -> None:
    """Each policy with production's rules in place of its own. Raises what publishing raises."""
    with inside(production):
        policies = [(policy, list(policy.rules.all())) for policy in Policy.objects.all()]
    with inside(sandbox):
        for theirs, rules in policies:
            policy, _created = Policy.objects.update_or_create(
                context=theirs.context,
                slug=theirs.slug,
                defaults={"title": theirs.title, "is_active": theirs.is_active},
            )
            policy.rules.all().delete()
            Rule.objects.bulk_create(
                Rule(
                    policy=policy, position=rule.position, enabled=rule.enabled,
                    **rule.as_published(),
                )
                for rule in rules
            )  # fmt: skip
            publish_policy(policy=policy, note="Copied from production.", gated=False, by=by)
