"""Whether rules may be published: each by itself, all together, and by the policy's examples."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from controlplane.core.errors import DomainError, FieldError
from controlplane.policies import engine
from controlplane.policies.contexts import PARAMETERS, Context, get_context
from controlplane.policies.cost import HIGHEST_COST
from controlplane.policies.facts import laid_over
from controlplane.policies.judging import OWN, Judgement, RuleSet, judge
from controlplane.policies.messages import check_message
from controlplane.policies.tenant_facts import SAMPLE, SETTINGS
from controlplane.policies.verdicts import Verdict

HIGHEST_COST_TOGETHER = 4 * HIGHEST_COST
MOST_RULES = 200


class PolicyTooCostly(DomainError):
    code = "policy_too_costly"
    status = 422
    title = "The policy could take too long"


class ExampleFailed(DomainError):
    code = "policy_example_failed"
    status = 422
    title = "An example comes out otherwise"


def check_rule(*, context: str, expression: str, message: str) -> float:
    """The rule's cost. Raises RuleInvalid, RuleTooCostly, RuleFailed, ContextUnknown."""
    known = get_context(context)
    check_message(message, known)
    return engine.check(expression, known)


def check_rules(rules: Sequence[Mapping[str, Any]], *, context: str) -> None:
    """Each and all together. Raises what `check_rule` raises, with the rule's code in the field,
    and PolicyTooCostly.
    """
    if len(rules) > MOST_RULES:
        raise PolicyTooCostly(
            f"A policy has at most {MOST_RULES} rules, and this has {len(rules)}."
        )
    assert_affordable(_cost_of(rule, context) for rule in rules)


def assert_affordable(costs: Iterable[float]) -> None:
    """Raises PolicyTooCostly where the rules of one policy cost too much together."""
    if (cost := sum(costs)) > HIGHEST_COST_TOGETHER:
        raise PolicyTooCostly(
            f"On the largest input these rules could take about {cost / 1000:,.0f} ms together; "
            f"{HIGHEST_COST_TOGETHER // 1000} ms is the most. Simplify the ones over lists."
        )


def run_examples(
    examples: Sequence[Mapping[str, Any]], *, rules: Sequence[Mapping[str, Any]], context: str
) -> None:
    """Raises ExampleFailed, which names every example that comes out otherwise, and how."""
    faults = [
        FieldError(f"examples.{example['name']}", fault)
        for example in examples
        if (fault := fault_of(example, rules=rules, context=context))
    ]
    if faults:
        told = " ".join(f"“{f.field.removeprefix('examples.')}”: {f.message}" for f in faults)
        raise ExampleFailed(
            f"{told} Change the rules, or the example where it is the one that is wrong.",
            errors=tuple(faults),
        )


def fault_of(
    example: Mapping[str, Any], *, rules: Sequence[Mapping[str, Any]], context: str
) -> str:
    """How the example comes out otherwise than it says; empty where it does not."""
    judged = try_example(example["facts"], rules=rules, context=context)
    got = sorted({reason["code"] for reason in judged.reasons})
    wanted = sorted(set(example["codes"]))
    if judged.verdict == Verdict(example["verdict"]) and (not wanted or wanted == got):
        return ""
    return (
        f"expected {_told(example['verdict'], wanted)}, "
        f"but the rules say {_told(judged.verdict.value, got)}."
    )


def try_example(
    facts: Mapping[str, Any], *, rules: Sequence[Mapping[str, Any]], context: str
) -> Judgement:
    """What the rules alone say, the facts put over the context's sample; `params` and `tenant` in
    them over the parameters' defaults and the settings' sample.
    """
    known = get_context(context)
    data = filled(known, facts)
    parameters = known.with_defaults(_record(data.pop(PARAMETERS, {})))
    settings = {**SAMPLE, **_record(data.pop(SETTINGS, {}))}
    return judge(known, [RuleSet("", 0, OWN, "", rules)], data, parameters, settings=settings)


def filled(context: Context, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The sample with `facts` in place of what they name; lists are replaced as a whole."""
    return laid_over(context.sample, facts)


def _record(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _told(verdict: str, codes: Sequence[str]) -> str:
    return f"{verdict} ({', '.join(codes)})" if codes else verdict


def _cost_of(rule: Mapping[str, Any], context: str) -> float:
    try:
        return check_rule(context=context, expression=rule["expression"], message=rule["message"])
    except DomainError as error:
        error.errors = tuple(
            FieldError(f"rules.{rule['code']}.{fault.field}", fault.message)
            for fault in error.errors
        )
        raise
