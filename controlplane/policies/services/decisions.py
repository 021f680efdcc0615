"""Deciding by the rules of all layers, and what becomes of a decision later."""

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

import rfc8785
from django.db import transaction

from controlplane.approvals.services import note_causer
from controlplane.audit.services import record
from controlplane.core.actor import Actor, ActorKind
from controlplane.core.errors import DomainError, FieldError
from controlplane.policies import engine, judging, layers
from controlplane.policies.contexts import get_context
from controlplane.policies.judging import OWN, Judgement, RuleSet, judge
from controlplane.policies.measures import count_decision
from controlplane.policies.models import (
    BoundVersion,
    Decision,
    DecisionEntry,
    Policy,
    PolicyVersion,
)
from controlplane.policies.simulation import TAKEN_ON_FACTS
from controlplane.policies.tenant_facts import settings_now
from controlplane.policies.verdicts import Verdict

_MEMBER = f"{ActorKind.MEMBER.value}:"


class DecisionUnknown(DomainError):
    code = "decision_unknown"
    status = 404
    title = "No such decision"


class InputChanged(DomainError):
    code = "decision_input_changed"
    status = 409
    title = "This is not the input that was decided on"


class InputNotKept(DomainError):
    code = "decision_input_not_kept"
    status = 409
    title = "The decision's input was not kept"


class RulesNotKept(DomainError):
    code = "decision_rules_not_kept"
    status = 409
    title = "The decision's rules are not here"


class OverrideWithoutReason(DomainError):
    code = "override_without_reason"
    status = 422
    title = "An override needs a reason"


def evaluate(
    *,
    context: str,
    subject_type: str,
    subject_id: uuid.UUID,
    data: Mapping[str, Any],
    parameters: Mapping[str, Any],
    event_id: uuid.UUID | None,
    by: Actor,
    models_used: Mapping[str, Any] | None = None,
    snapshot: str = "",
) -> Decision:
    """Judge `data` by the published rules of platform, partners and tenant; the strictest wins.

    The same event about the same subject is answered with the decision that was taken then.
    A rule that fails, a list or text that is too long and a tenant without rules of its own all
    hold. `models_used` and `snapshot` are the caller's to say: see Decision.
    """
    known = get_context(context)
    if event_id and (
        decided := Decision.objects.of_event(context, subject_type, subject_id, event_id)
    ):
        return decided
    bound = layers.bound_here(context)
    layers.keep_copies(bound)
    rule_sets = [*(each.rule_set for each in bound), *own_rule_sets(context)]
    in_force = known.with_defaults(parameters)
    settings = settings_now()
    judged = judge(known, rule_sets, data, in_force, settings=settings)
    count_decision(context, judged.verdict.value)
    return Decision.objects.create(
        context=context,
        subject_type=subject_type,
        subject_id=subject_id,
        event_id=event_id,
        verdict=judged.verdict.value,
        reasons=judged.reasons,
        input_sha256=input_hash(data),
        input=dict(data),
        policy_versions=[rules.as_decided() for rules in rule_sets],
        parameters=in_force,
        settings=settings,
        engine=judging.ENGINE,
        models_used=None if models_used is None else dict(models_used),
        snapshot=snapshot[:200],
    )


def rule_sets_in_force(context: str) -> list[RuleSet]:
    """What a decision would be taken by now: the layers' rules, then the tenant's own."""
    return [*(each.rule_set for each in layers.bound_here(context)), *own_rule_sets(context)]


def own_rule_sets(context: str) -> list[RuleSet]:
    """The latest published version of every active policy of the tenant."""
    live = Policy.objects.filter(is_active=True, context=context).values("live_version")
    versions = PolicyVersion.objects.select_related("policy").filter(pk__in=live)
    return [rule_set_of(version) for version in versions.order_by("policy_id")]


def rule_set_of(version: PolicyVersion) -> RuleSet:
    return RuleSet(str(version.pk), version.number, OWN, version.policy.slug, version.rules)


def get_decision(decision_id: uuid.UUID) -> Decision:
    """Raises DecisionUnknown."""
    found = Decision.objects.filter(pk=decision_id).first()
    if found is None:
        raise DecisionUnknown(
            f"This tenant has no decision {decision_id}. Pass on the decision_id that a review "
            "returned.",
            errors=(FieldError("decision_id", "names no decision"),),
        )
    return found


@transaction.atomic
def evaluate_facts(
    *,
    context: str,
    subject_id: uuid.UUID,
    data: Mapping[str, Any],
    parameters: Mapping[str, Any],
    models_used: Mapping[str, Any] | None,
    snapshot: str,
    by: Actor,
) -> Decision:
    """Judge what a workflow knows and we keep nothing else of: see `evaluate`."""
    decision = evaluate(
        context=context,
        subject_type=context,
        subject_id=subject_id,
        data=data,
        parameters=parameters,
        event_id=None,
        models_used=models_used,
        snapshot=snapshot,
        by=by,
    )
    record(
        action=TAKEN_ON_FACTS,
        subject_type="decision",
        subject_id=str(decision.pk),
        data={
            "context": context,
            "subject": str(subject_id),
            "verdict": decision.verdict,
            "codes": [reason["code"] for reason in decision.reasons],
            "input_sha256": decision.input_sha256,
        },
        by=by,
    )
    return decision


@transaction.atomic
def override_decision(
    *, decision_id: uuid.UUID, verdict: str, why: str, by: Actor
) -> DecisionEntry:
    """A person's other verdict, with the reason why. The decision stays as it was taken; what
    later steps do with an override is theirs to say. Who gave it decides no approval about it.

    Raises DecisionUnknown, OverrideWithoutReason.
    """
    decision = get_decision(decision_id)
    if not why.strip():
        raise OverrideWithoutReason(
            "Say why the verdict is another one: who reads the decision later has nothing else.",
            errors=(FieldError("why", "is empty"),),
        )
    entry = DecisionEntry.objects.create(
        decision=decision,
        kind=DecisionEntry.Kind.OVERRIDE,
        value=Verdict(verdict).value,
        why=why.strip(),
        by=by.label,
        by_id=key_of(by),
    )
    note_causer(subject_ids={decision.pk, decision.subject_id}, by=by)
    record(
        action="decision.overridden",
        subject_type="decision",
        subject_id=str(decision.pk),
        data={"before": decision.verdict, "verdict": entry.value, "why": entry.why},
        by=by,
    )
    return entry


def overriders_of(decision_id: uuid.UUID | None) -> tuple[Actor, ...]:
    """The people who gave it another verdict: none of them approves what comes of it."""
    if decision_id is None:
        return ()
    entries = DecisionEntry.objects.filter(
        decision_id=decision_id, kind=DecisionEntry.Kind.OVERRIDE, by_id__startswith=_MEMBER
    )
    return tuple(
        Actor(ActorKind.MEMBER, each.by_id.removeprefix(_MEMBER), each.by) for each in entries
    )


def record_decision_outcome(
    *, decision_id: uuid.UUID | None, outcome: str, note: str, by: Actor
) -> None:
    """What became of the thing that was decided on; the caller tells the audit trail."""
    if decision_id is None or not Decision.objects.filter(pk=decision_id).exists():
        return
    DecisionEntry.objects.create(
        decision_id=decision_id,
        kind=DecisionEntry.Kind.OUTCOME,
        value=outcome[:40],
        why=note,
        by=by.label,
        by_id=key_of(by),
    )


def recompute(decision: Decision, *, data: Mapping[str, Any]) -> Verdict:
    """The verdict once more, from the same input and versions. Raises InputChanged."""
    if input_hash(data) != decision.input_sha256:
        raise InputChanged(
            f"Decision {decision.pk} was taken on another input. Build it from the event that the "
            "decision names."
        )
    return judged_again(decision, data).verdict


def recompute_decision(decision: Decision) -> Judgement:
    """Verdict and reasons once more, from the input that was kept, by the rules as they were.

    Raises InputNotKept, InputChanged where the kept one was tampered with, RulesNotKept.
    """
    if decision.input is None:
        raise InputNotKept(
            f"Decision {decision.pk} is of before inputs were kept. Its hash is "
            f"{decision.input_sha256}: build the input from the event that it names."
        )
    if input_hash(decision.input) != decision.input_sha256:
        raise InputChanged(
            f"The input that is kept with decision {decision.pk} is not the one of its hash: "
            "somebody changed the row. Look into the audit trail and a backup."
        )
    return judged_again(decision, decision.input)


def judged_again(decision: Decision, data: Mapping[str, Any]) -> Judgement:
    return judge(
        get_context(decision.context),
        rule_sets_of(decision),
        data,
        decision.parameters,
        settings=decision.settings,
        semantics=judging.semantics_of(decision.engine),
    )


def rule_sets_of(decision: Decision) -> list[RuleSet]:
    """The versions that it was taken by, in the order in which they spoke. Raises RulesNotKept."""
    ids = [version["id"] for version in decision.policy_versions]
    own = PolicyVersion.objects.select_related("policy").filter(pk__in=ids)
    found = {str(version.pk): rule_set_of(version) for version in own}
    for bound in BoundVersion.objects.filter(pk__in=ids):
        found[str(bound.pk)] = RuleSet(
            str(bound.pk), bound.number, bound.layer, bound.slug, bound.rules
        )
    if missing := [each for each in ids if each not in found]:
        raise RulesNotKept(f"Decision {decision.pk} names versions that are gone: {missing}.")
    return [found[each] for each in ids]


def rule_sets_named(decision: Decision) -> list[dict[str, Any]]:
    """For people: the versions it was taken by, with layer, title and number."""
    ids = [version["id"] for version in decision.policy_versions]
    own = PolicyVersion.objects.select_related("policy").filter(pk__in=ids)
    titles: dict[str, tuple[str, Any]] = {str(v.pk): (v.policy.title, v.policy_id) for v in own}
    titles |= {str(b.pk): (f"{b.title} ({b.owner})", None) for b in
               BoundVersion.objects.filter(pk__in=ids)}  # fmt: skip
    return [
        {"layer": OWN, **each, "title": title, "policy_id": policy_id}
        for each in decision.policy_versions
        for title, policy_id in [titles.get(each["id"], (each["id"], None))]
    ]


def input_hash(data: Mapping[str, Any]) -> str:
    """SHA-256 of the RFC 8785 canonical JSON, in hex. Raises FactsUnusable."""
    engine.refuse_inexact(data)
    return hashlib.sha256(rfc8785.dumps(dict(data))).hexdigest()


def key_of(by: Actor) -> str:
    """One text for one actor, whatever it is called by people."""
    return f"{by.kind.value}:{by.id}"[:80]
