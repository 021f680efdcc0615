"""How many decisions a version turns over: by the last simulation of it, or by a sample now."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from controlplane.policies.contexts import get_context
from controlplane.policies.models import PolicyVersion, PublishingTerms, SimulationRun
from controlplane.policies.services.decisions import rule_set_of, rule_sets_in_force
from controlplane.policies.simulation import (
    decided_before,
    hash_of_rules,
    rejudged,
    with_candidate,
)

SAMPLE = 300
RUN_COUNTS_FOR = timedelta(days=1)


@dataclass(frozen=True)
class Share:
    """`run` is the simulation that it was taken from; None where a sample was judged now."""

    judged: int
    flips: int
    run: SimulationRun | None = None

    @property
    def percent(self) -> Decimal:
        if not self.judged:
            return Decimal(0)
        return (Decimal(100 * self.flips) / self.judged).quantize(Decimal("0.01"))


def flip_share(version: PolicyVersion) -> Share:
    """Of the tenant's last decisions, within the days that its terms say."""
    run = last_run(version)
    if run is not None:
        return Share(run.done, run.flips, run)
    policy = version.policy
    since = timezone.now() - timedelta(days=PublishingTerms.current().history_days)
    candidate = rule_set_of(version)
    rule_sets = with_candidate(rule_sets_in_force(policy.context), candidate, policy.live_version)
    context = get_context(policy.context)
    found = [
        rejudged(context, rule_sets, decision)
        for decision in decided_before(policy.context, since=since)[:SAMPLE]
    ]
    return Share(len(found), sum(each.is_flip for each in found))


def last_run(version: PolicyVersion) -> SimulationRun | None:
    """A finished one of just these rules, not older than a day."""
    return (
        SimulationRun.objects.filter(
            policy=version.policy_id,
            rules_sha256=hash_of_rules(version.rules),
            status=SimulationRun.Status.DONE,
            created_at__gte=timezone.now() - RUN_COUNTS_FOR,
        )
        .order_by("-created_at")
        .first()
    )
