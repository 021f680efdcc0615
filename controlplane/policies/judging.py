"""What rules say about facts: the meaning of a decision, in this one module.

A decision that was taken years ago is computed again by this code. So whatever would make it come
out otherwise gets a new number of SEMANTICS, and the old way stays for the old number:

1. until release 0.2;
2. a text longer than LONGEST_TEXT is cut, and held.

`tests/data/policies` keeps decisions of each, which have to come out the same for ever.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rfc8785

from controlplane.policies import engine
from controlplane.policies.contexts import PARAMETERS, Context
from controlplane.policies.grammar import RuleInvalid
from controlplane.policies.messages import fill_message
from controlplane.policies.reads import needed, only
from controlplane.policies.tenant_facts import SETTINGS
from controlplane.policies.verdicts import Verdict, strictest

SEMANTICS = 2
CUTS_TEXTS = 2
LONGEST_TEXT = 50_000
OWN = "tenant"
ENGINE = f"pergola-judging {SEMANTICS}; {engine.ENGINE}"
"""What a decision says it was taken by."""

Reason = dict[str, str]
"""code, message, verdict, policy (its slug, behind the layer's name where it is not the tenant's
own: `platform/embargo`; empty where no policy spoke)."""


@dataclass(frozen=True)
class RuleSet:
    """Published rules of one layer, as they are judged by. `id` names the version."""

    id: str
    number: int
    layer: str
    slug: str
    rules: Sequence[Mapping[str, str]]

    @property
    def name(self) -> str:
        return self.slug if self.layer == OWN else f"{self.layer}/{self.slug}"

    def as_decided(self) -> dict[str, Any]:
        """What a decision keeps of it."""
        return {"id": self.id, "number": self.number, "layer": self.layer}


def semantics_of(engine_name: str) -> int:
    """Of a decision's `engine`; what names none is of before it was written down."""
    name, _sep, _rest = engine_name.partition(";")
    number = name.removeprefix("pergola-judging ")
    return int(number) if number.isdigit() else 1


@dataclass(frozen=True)
class Judgement:
    verdict: Verdict
    reasons: list[Reason]

    def canonical(self) -> bytes:
        """Verdict and reasons as RFC 8785 canonical JSON."""
        return rfc8785.dumps({"reasons": self.reasons, "verdict": self.verdict.value})


def judge(
    context: Context,
    rule_sets: Sequence[RuleSet],
    data: Mapping[str, Any],
    parameters: Mapping[str, Any],
    *,
    settings: Mapping[str, Any] | None = None,
    semantics: int = SEMANTICS,
) -> Judgement:
    """What the rule sets say about the data, in their order; no database, so simulation, examples
    and recomputing use it too. `settings` are the tenant's own, as `tenant_facts` gives them; None
    for a decision of before they were kept, whose rules could read none. A layer alone lets nothing
    pass: without rules of its own, a tenant holds.
    """
    within = _Within(context, semantics)
    beside = {PARAMETERS: dict(parameters)}
    if settings is not None:
        beside[SETTINGS] = dict(settings)
    facts = within.bounds({**data, **beside})
    reasons = within.reasons
    if not any(rules.layer == OWN for rules in rule_sets):
        reasons.append(_hold("no_policy", f"No policy for {context.name} is published."))
    expressions = tuple(rule["expression"] for rules in rule_sets for rule in rules.rules)
    try:
        if not within.is_exact:
            engine.refuse_inexact(facts)
        readable = engine.Facts(only(facts, needed(expressions)), checked=True)
    except engine.FactsUnusable as error:
        reasons.append(_hold("facts_unusable", error.detail))
        rule_sets = ()
    for rules in rule_sets:
        for rule in rules.rules:
            if reason := _reason(rule, rules.name, readable, facts):
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


class _Within:
    """Puts facts within bounds: lists and texts are cut, with a reason for each that was.

    On the way it sees whether the engine can read every value exactly; the walk is the same, and
    in a simulation this is most of the work.
    """

    def __init__(self, context: Context, semantics: int) -> None:
        self._context = context
        self._longest = LONGEST_TEXT if semantics >= CUTS_TEXTS else None
        self.reasons: list[Reason] = []
        self.is_exact = True

    def bounds(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        tree = self._context.bounds
        return {name: self._cut(value, tree.get(name), name) for name, value in facts.items()}

    def _cut(self, value: Any, node: Any, path: str) -> Any:
        kind = type(value)
        if kind is str:
            if self._longest is not None and len(value) > self._longest:
                return self._cut_text(value, path)
            return value
        if kind is bool or value is None:
            return value
        if kind is int:
            if not -engine.LARGEST_WHOLE <= value <= engine.LARGEST_WHOLE:
                self.is_exact = False
            return value
        if kind is dict or isinstance(value, Mapping):
            return {
                name: self._cut(inner, node.get(name) if node else None, f"{path}.{name}")
                for name, inner in value.items()
            }
        if kind is not list and not isinstance(value, list):
            self.is_exact = False
            return value
        bound = node.get("") if node else None
        if bound is not None and len(value) > bound:
            self.reasons.append(
                _hold(
                    "list_too_long",
                    f"{path} has {len(value)} entries; rules look at the first {bound} only.",
                )
            )
            value = value[:bound]
        return [self._cut(inner, node, path) for inner in value]

    def _cut_text(self, value: str, path: str) -> str:
        self.reasons.append(
            _hold(
                "text_too_long",
                f"{path} has {len(value)} characters; rules look at the first {LONGEST_TEXT} only.",
            )
        )
        return value[:LONGEST_TEXT]
