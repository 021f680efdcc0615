"""How many decisions rules for many turn over in each tenant: by the last simulation, or a sample.

Each tenant is entered on its own, with its own role; only counts come out.
"""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import QuerySet
from django.utils import timezone

from controlplane.core.errors import DomainError
from controlplane.policies.judging import RuleSet
from controlplane.policies.models import (
    LayerPolicy,
    LayerSimulation,
    LayerVersion,
    PublishingTerms,
)
from controlplane.policies.models.simulations import percent_of
from controlplane.policies.services.decisions import rule_sets_in_force
from controlplane.policies.services.flips import RUN_COUNTS_FOR, sampled
from controlplane.policies.simulation import hash_of_rules, with_candidate
from tenants import lookup
from tenants.context import inside
from tenants.models import Tenant

SAMPLED_TENANTS = 25
"""Up to so many are sampled while somebody waits; more are simulated first."""


class SimulationNeeded(DomainError):
    code = "layer_simulation_needed"
    status = 409
    title = "It has to be simulated first"


@dataclass(frozen=True)
class LayerShare:
    """In one tenant, by its name; `threshold` is its own, in percent."""

    tenant: str
    judged: int
    flips: int
    threshold: Decimal

    @property
    def percent(self) -> Decimal:
        return percent_of(self.flips, self.judged)

    @property
    def is_over(self) -> bool:
        return self.percent > self.threshold


def tenants_bound_by(policy: LayerPolicy) -> QuerySet[Tenant]:
    """Those with a history that counts: active, and no sandboxes."""
    found = Tenant.objects.active().filter(sandbox_of__isnull=True)
    if policy.partner_id:
        found = found.filter(engagements__partner=policy.partner_id)
    return found.order_by("slug")


def candidate_of(
    policy: LayerPolicy, rules: list[dict[str, str]], version: LayerVersion | None
) -> RuleSet:
    number = version.number if version else 0
    return RuleSet(str(version.pk if version else ""), number, policy.layer, policy.slug, rules)


def layer_shares(version: LayerVersion) -> list[LayerShare]:
    """Of the last decisions of each tenant that it would bind. Raises SimulationNeeded where there
    are too many to ask now, or one has too many decisions.
    """
    run, shares = shares_of_last_run(version)
    if run is not None:
        return shares
    tenants = list(tenants_bound_by(version.policy)[: SAMPLED_TENANTS + 1])
    if len(tenants) > SAMPLED_TENANTS:
        raise SimulationNeeded(
            f"{version} binds more than {SAMPLED_TENANTS} tenants. Simulate it first, or have "
            "somebody else approve it."
        )
    return [_sampled(version, tenant) for tenant in tenants]


def shares_of_last_run(version: LayerVersion) -> tuple[LayerSimulation | None, list[LayerShare]]:
    """By a simulation of just these rules that went through, not older than a day: of each tenant
    what it found in the days of that tenant's own terms, whatever days it was started with.
    """
    run = (
        LayerSimulation.objects.filter(
            policy=version.policy_id,
            rules_sha256=hash_of_rules(version.rules),
            status=LayerSimulation.Status.DONE,
            created_at__gte=timezone.now() - RUN_COUNTS_FOR,
        )
        .order_by("-created_at")
        .first()
    )
    if run is None:
        return None, []
    shares = []
    for part in run.parts.select_related("tenant").order_by("tenant__name"):
        if part.judged_by_terms is None or part.flips_by_terms is None:
            return None, []  # of before they were counted
        threshold = part.threshold or Decimal(0)
        shares.append(
            LayerShare(str(part.tenant), part.judged_by_terms, part.flips_by_terms, threshold)
        )
    return run, shares


def _sampled(version: LayerVersion, tenant: Tenant) -> LayerShare:
    policy = version.policy
    about, live = policy.context, policy.live_version
    with inside(lookup.tenant_by_schema(tenant.schema_name)):
        candidate = candidate_of(policy, version.rules, version)
        found = sampled(about, with_candidate(rule_sets_in_force(about), candidate, live))
        if found.is_part:
            raise SimulationNeeded(
                f"{tenant} has {found.total} decisions that {version} would bind, more than are "
                "judged while you wait. Simulate it first, or have somebody else approve it."
            )
        threshold = PublishingTerms.current().flip_percent
        return LayerShare(str(tenant), found.judged, found.flips, threshold)
