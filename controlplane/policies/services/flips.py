"""How many decisions rules turn over: by the last simulation of them, or by a sample now.

Whoever publishes, retires or switches a policy is asked by `is_past_threshold` and nothing else.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db.models import F, Window
from django.db.models.functions import Mod, RowNumber
from django.utils import timezone

from controlplane.core.errors import DomainError
from controlplane.policies.contexts import get_context
from controlplane.policies.judging import RuleSet
from controlplane.policies.models import (
    Move,
    Policy,
    PolicyVersion,
    PublishingTerms,
    SimulationRun,
)
from controlplane.policies.models.decisions import DecisionQuerySet
from controlplane.policies.models.simulations import percent_of
from controlplane.policies.services.decisions import rule_set_of, rule_sets_in_force
from controlplane.policies.simulation import (
    decided_before,
    hash_of_rules,
    rejudged,
    with_candidate,
)

SAMPLE = 300
RUN_COUNTS_FOR = timedelta(days=1)


class PolicySimulationNeeded(DomainError):
    code = "policy_simulation_needed"
    status = 409
    title = "It has to be simulated first"


@dataclass(frozen=True)
class Share:
    """`run` is the simulation that it was taken from; None where it was judged now, then out of
    `total`, the decisions of the days that the terms say.
    """

    judged: int
    flips: int
    run: SimulationRun | None = None
    total: int = 0

    @property
    def is_part(self) -> bool:
        """Whether others, that were not judged, may say otherwise."""
        return self.run is None and self.total > self.judged

    @property
    def percent(self) -> Decimal:
        return percent_of(self.flips, self.judged)


def is_past_threshold(share: Share) -> bool:
    """Whether the tenant's terms ask for a second person."""
    return share.percent > PublishingTerms.current().flip_percent


def flip_share(version: PolicyVersion) -> Share:
    """Of the tenant's last decisions, within the days that its terms say."""
    run = last_run(version)
    if run is not None:
        return Share(run.done, run.flips, run)
    policy = version.policy
    in_force = rule_sets_in_force(policy.context)
    return sampled(
        policy.context, with_candidate(in_force, rule_set_of(version), policy.live_version)
    )


def share_of_move(policy: Policy, move: Move) -> Share:
    """The same of taking what is published out of force, or into it."""
    rule_sets = [
        rules
        for rules in rule_sets_in_force(policy.context)
        if rules.id != str(policy.live_version)
    ]
    live = policy.live()
    if move == Move.ON and live is not None:
        rule_sets.append(rule_set_of(live))
    return sampled(policy.context, rule_sets)


def sampled(about: str, rule_sets: Sequence[RuleSet]) -> Share:
    """The decisions of the days that the terms say, judged again now: all of them, or where there
    are more than SAMPLE some from all over these days, as the newest alone are easily made to fit.
    """
    since = timezone.now() - timedelta(days=PublishingTerms.current().history_days)
    context, decisions = get_context(about), decided_before(about, since=since)
    total = decisions.count()
    if total > SAMPLE:
        decisions = decisions.filter(pk__in=_evenly(decisions, every=-(-total // SAMPLE)))
    found = [rejudged(context, rule_sets, decision) for decision in decisions[:SAMPLE]]
    return Share(len(found), sum(each.is_flip for each in found), total=total)


def _evenly(decisions: DecisionQuerySet, *, every: int) -> list[uuid.UUID]:
    place = Window(RowNumber(), order_by=[F("decided_at").desc(), F("pk").desc()])
    numbered = decisions.annotate(rest=Mod(place, every)).filter(rest=0)
    return list(numbered.values_list("pk", flat=True))


def last_run(version: PolicyVersion) -> SimulationRun | None:
    """A finished one of just these rules, not older than a day, that judged something and looked
    as far back as the terms say: a shorter one may miss what flips, and a longer one thins it out.
    """
    begins = timezone.now() - timedelta(days=PublishingTerms.current().history_days)
    return (
        SimulationRun.objects.filter(
            policy=version.policy_id,
            rules_sha256=hash_of_rules(version.rules),
            status=SimulationRun.Status.DONE,
            done__gt=0,
            since__gte=begins - RUN_COUNTS_FOR,
            since__lte=begins,
            created_at__gte=timezone.now() - RUN_COUNTS_FOR,
        )
        .order_by("-created_at")
        .first()
    )
