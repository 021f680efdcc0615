"""Judging again what was decided, by rules that are not published: by the same `judge` as live."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import rfc8785
from django.db.models import CharField, Exists, OuterRef
from django.db.models.functions import Cast

from controlplane.audit.models import Entry
from controlplane.policies.contexts import Context, amount_in, get_context
from controlplane.policies.judging import Judgement, RuleSet, judge
from controlplane.policies.models.decisions import Decision, DecisionQuerySet
from controlplane.policies.tenant_facts import settings_now
from controlplane.policies.verdicts import Verdict

FIELDS = (
    "id", "subject_type", "subject_id", "decided_at", "verdict", "input", "parameters", "settings",
)  # fmt: skip

TAKEN_ON_FACTS = "decision.taken"
"""What the trail says of a decision on what a caller brought, and of no other."""


@dataclass(frozen=True)
class Rejudged:
    """A decision beside what the candidate says. `minor` in whole minor units of `currency`."""

    decision: Decision
    judged: Judgement
    minor: int | None
    currency: str

    @property
    def before(self) -> str:
        return self.decision.verdict

    @property
    def after(self) -> str:
        return self.judged.verdict.value

    @property
    def is_flip(self) -> bool:
        return self.before != self.after


@dataclass
class Tally:
    """Counted up one by one; the fields are those of SimulationRun."""

    done: int = 0
    flips: int = 0
    approvals: int = 0
    spared: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    money: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, each: Rejudged) -> None:
        self.done += 1
        key = f"{each.before}>{each.after}"
        self.counts[key] = self.counts.get(key, 0) + 1
        if not each.is_flip:
            return
        self.flips += 1
        self.approvals += each.after == Verdict.HOLD
        self.spared += each.before == Verdict.HOLD
        if each.minor is None:
            return
        sums = self.money.setdefault(each.currency, {"held": 0, "released": 0})
        if each.before == Verdict.ACCEPT:
            sums["held"] += each.minor
        elif each.after == Verdict.ACCEPT:
            sums["released"] += each.minor


def decided_before(context: str, *, since: datetime) -> DecisionQuerySet:
    """The newest first, of those whose input was kept; what is decided here without those that were
    taken on facts that a caller brought: nobody thins out what new rules turn over with them.
    """
    found = Decision.objects.filter(context=context, decided_at__gte=since, input__isnull=False)
    if get_context(context).decided_here:
        told = Entry.objects.filter(
            subject_type="decision",
            subject_id=Cast(OuterRef("pk"), CharField()),
            action=TAKEN_ON_FACTS,
        )
        found = found.filter(~Exists(told))
    return found.only(*FIELDS).order_by("-decided_at", "-pk")


def with_candidate(
    in_force: Sequence[RuleSet], candidate: RuleSet, replaces: uuid.UUID | None
) -> list[RuleSet]:
    """The rules in force with the candidate where the version that it replaces stands."""
    found = [candidate if rules.id == str(replaces) else rules for rules in in_force]
    return found if candidate in found else [*found, candidate]


def rejudged(context: Context, rule_sets: Sequence[RuleSet], decision: Decision) -> Rejudged:
    data: dict[str, Any] = decision.input or {}
    # Of before they were kept, or before there was one of them: what it is now comes nearest.
    settings = settings_now() | (decision.settings or {})
    judged = judge(context, rule_sets, data, decision.parameters, settings=settings)
    return Rejudged(decision, judged, *amount_in(context, data))


def hash_of_rules(rules: Sequence[dict[str, Any]]) -> str:
    return hashlib.sha256(rfc8785.dumps(list(rules))).hexdigest()
