"""Publishing rules and deciding by them."""

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rfc8785
from django.db import transaction

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.policies import engine
from controlplane.policies.contexts import PARAMETERS, Context, get_context
from controlplane.policies.cost import HIGHEST_COST
from controlplane.policies.grammar import RuleInvalid
from controlplane.policies.measures import count_decision
from controlplane.policies.messages import check_message, fill_message
from controlplane.policies.models import Decision, Policy, PolicyVersion, Rule
from controlplane.policies.verdicts import Verdict, strictest

# What `seed_policy` writes to.
SEEDED_TABLES = ("policies_policy", "policies_policyversion", "policies_rule")
HIGHEST_COST_TOGETHER = 4 * HIGHEST_COST

Reason = dict[str, str]
"""code, message, verdict, policy (its slug; empty where no policy spoke)."""


class PolicyTooCostly(DomainError):
    code = "policy_too_costly"
    status = 422
    title = "The policy could take too long"


class InputChanged(DomainError):
    code = "decision_input_changed"
    status = 409
    title = "This is not the input that was decided on"


def check_rule(*, context: str, expression: str, message: str) -> float:
    """The rule's cost. Raises RuleInvalid, RuleTooCostly, RuleFailed, ContextUnknown."""
    known = get_context(context)
    check_message(message, known)
    return engine.check(expression, known)


@transaction.atomic
def publish_policy(*, policy: Policy, by: Actor) -> PolicyVersion:
    """Make the enabled rules count. Without a change since the last version that one is returned.

    Raises what `check_rule` raises, with the rule's code in the field, and PolicyTooCostly.
    """
    Policy.objects.select_for_update().get(pk=policy.pk)
    rules = list(policy.rules.filter(enabled=True).order_by("position", "code"))
    assert_affordable(_cost_of(rule, policy) for rule in rules)
    snapshot = [rule.as_published() for rule in rules]
    latest = policy.latest_version()
    if latest and latest.rules == snapshot:
        return latest
    version = PolicyVersion.objects.create(
        policy=policy,
        number=latest.number + 1 if latest else 1,
        rules=snapshot,
        published_by=by.label,
    )
    record(
        action="policy.published",
        subject_type="policy",
        subject_id=str(policy.pk),
        data={"slug": policy.slug, "version": version.number, "rules": snapshot},
        by=by,
    )
    return version


def assert_affordable(costs: Iterable[float]) -> None:
    """Raises PolicyTooCostly where the rules of one policy cost too much together."""
    if (cost := sum(costs)) > HIGHEST_COST_TOGETHER:
        raise PolicyTooCostly(
            f"On the largest input these rules could take about {cost / 1000:,.0f} ms together; "
            f"{HIGHEST_COST_TOGETHER // 1000} ms is the most. Simplify the ones over lists."
        )


def _cost_of(rule: Rule, policy: Policy) -> float:
    try:
        return check_rule(context=policy.context, expression=rule.expression, message=rule.message)
    except DomainError as error:
        error.errors = tuple(
            FieldError(f"rules.{rule.code}.{fault.field}", fault.message) for fault in error.errors
        )
        raise


@transaction.atomic
def seed_policy(
    *, context: str, slug: str, title: str, rules: Sequence[Mapping[str, str]], by: Actor
) -> Policy:
    """A first policy for a new tenant, published. One that exists is left as the tenant has it."""
    policy, created = Policy.objects.get_or_create(
        context=context, slug=slug, defaults={"title": title}
    )
    if created:
        for position, rule in enumerate(rules, start=1):
            Rule.objects.create(policy=policy, position=position, **rule)
        publish_policy(policy=policy, by=by)
    return policy


def evaluate(
    *,
    context: str,
    subject_type: str,
    subject_id: uuid.UUID,
    data: Mapping[str, Any],
    parameters: Mapping[str, Any],
    event_id: uuid.UUID | None,
    by: Actor,
) -> Decision:
    """Judge `data` by the latest version of every active policy; the strictest verdict wins.

    The same event about the same subject is answered with the decision that was taken then.
    A rule that fails, a list that is too long and a tenant without a policy all hold.
    """
    known = get_context(context)
    if event_id and (
        decided := Decision.objects.of_event(context, subject_type, subject_id, event_id)
    ):
        return decided
    versions = _current_versions(context)
    judged = judge(known, versions, data, known.with_defaults(parameters))
    count_decision(context, judged.verdict.value)
    return Decision.objects.create(
        context=context,
        subject_type=subject_type,
        subject_id=subject_id,
        event_id=event_id,
        verdict=judged.verdict.value,
        reasons=judged.reasons,
        input_sha256=input_hash(data),
        policy_versions=[{"id": str(v.pk), "number": v.number} for v in versions],
        parameters=known.with_defaults(parameters),
    )


def recompute(decision: Decision, *, data: Mapping[str, Any]) -> Verdict:
    """The verdict once more, from the same input and versions. Raises InputChanged."""
    if input_hash(data) != decision.input_sha256:
        raise InputChanged(
            f"Decision {decision.pk} was taken on another input. Build it from the event that the "
            "decision names."
        )
    ids = [version["id"] for version in decision.policy_versions]
    versions = list(PolicyVersion.objects.select_related("policy").filter(pk__in=ids))
    return judge(get_context(decision.context), versions, data, decision.parameters).verdict


def input_hash(data: Mapping[str, Any]) -> str:
    """SHA-256 of the RFC 8785 canonical JSON, in hex. Raises FactsUnusable."""
    engine.refuse_inexact(data)
    return hashlib.sha256(rfc8785.dumps(dict(data))).hexdigest()


def _current_versions(context: str) -> list[PolicyVersion]:
    return list(
        PolicyVersion.objects.select_related("policy")
        .filter(policy__is_active=True, policy__context=context)
        .order_by("policy_id", "-number")
        .distinct("policy_id")
    )


@dataclass(frozen=True)
class Judgement:
    verdict: Verdict
    reasons: list[Reason]


def judge(
    context: Context,
    versions: Sequence[PolicyVersion],
    data: Mapping[str, Any],
    parameters: Mapping[str, Any],
) -> Judgement:
    """What the versions say about the data; no database, so simulation can use it too."""
    facts, reasons = _within_bounds(context, {**data, PARAMETERS: dict(parameters)})
    if not versions:
        reasons.append(_hold("no_policy", f"No policy for {context.name} is published."))
    try:
        readable = engine.Facts(facts)
    except engine.FactsUnusable as error:
        reasons.append(_hold("facts_unusable", error.detail))
        versions = ()
    for version in versions:
        for rule in version.rules:
            if reason := _reason(rule, version.policy.slug, readable, facts):
                reasons.append(reason)
    return Judgement(strictest(reason["verdict"] for reason in reasons), reasons)


def _reason(
    rule: Mapping[str, str], policy: str, readable: engine.Facts, facts: Mapping[str, Any]
) -> Reason | None:
    try:
        if not readable.satisfy(engine.compiled(rule["expression"])):
            return None
    except (engine.RuleFailed, RuleInvalid) as error:
        told = f"The rule “{rule['code']}” could not be checked: {error.detail.rstrip(chr(46))}."
        return _hold("rule_failed", told, policy=policy)
    message = fill_message(rule["message"], facts)
    return {
        "code": rule["code"],
        "message": message,
        "verdict": rule["verdict"],
        "policy": policy,
    }


def _hold(code: str, message: str, *, policy: str = "") -> Reason:
    return {"code": code, "message": message, "verdict": Verdict.HOLD.value, "policy": policy}


def _within_bounds(
    context: Context, facts: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Reason]]:
    """The facts with every declared list cut to its bound, and a reason for each that was cut."""
    cut: list[Reason] = []

    def shorten(value: Any, path: str) -> Any:
        if isinstance(value, Mapping):
            return {
                name: shorten(inner, f"{path}.{name}" if path else name)
                for name, inner in value.items()
            }
        if not isinstance(value, list):
            return value
        bound = context.list_bounds.get(path)
        if bound is not None and len(value) > bound:
            cut.append(
                _hold(
                    "list_too_long",
                    f"{path} has {len(value)} entries; rules look at the first {bound} only.",
                )
            )
            value = value[:bound]
        return [shorten(inner, path) for inner in value]

    return shorten(dict(facts), ""), cut
