"""The contexts whose facts a caller brings, and what all contexts share: the tenant's settings."""

import copy
from typing import get_args

import pytest

from controlplane.core.errors import DomainError
from controlplane.policies import tenant_facts
from controlplane.policies.contexts import context_names, get_context, value_at
from controlplane.policies.contexts_page import described
from controlplane.policies.engine import check
from controlplane.policies.facts import FactsIncomplete, assert_complete
from controlplane.policies.grammar import RuleInvalid
from controlplane.policies.judging import judge
from controlplane.policies.operations import ContextName
from controlplane.policies.services import try_example

NAMES = ["answer", "agent_action", "customer", "invoice", "order", "template_upgrade", "ticket"]
each = pytest.mark.parametrize("name", NAMES)
ACTION = "agent_action"


def test_the_nodes_choices_are_the_contexts_that_there_are() -> None:
    assert set(get_args(ContextName)) == set(context_names()) == set(NAMES)


@each
def test_every_field_has_a_value_in_the_sample_a_kind_and_a_meaning(name: str) -> None:
    context = get_context(name)
    assert_complete(context, context.sample)
    for field in described(context):
        assert field["text"], field
        if not field["name"].startswith("params."):
            has_kind = field["kind"] or field["list"] or value_at(context.sample, field["name"])
            assert has_kind, field


@each
def test_rules_about_anything_read_the_tenants_settings(name: str) -> None:
    context = get_context(name)
    assert check("tenant.is_sandbox || tenant.time_zone == 'Europe/Berlin'", context) > 0
    names = [field["name"] for field in described(context)]
    assert set(tenant_facts.FIELDS) <= set(names)
    assert [path.partition(".")[2] for path in tenant_facts.FIELDS] == list(tenant_facts.SAMPLE)


@pytest.mark.parametrize(
    ("name", "expression", "column", "said"),
    [
        (ACTION, "action.tol == 'x'", 8, "no field “tol”"),
        (ACTION, "agent.name == 'a' && tenant.zone == 'UTC'", 29, "no field “zone”"),
        (ACTION, "agents.name == 'a'", 1, "Known names: action, agent, params, tenant"),
        (ACTION, "action.arguments.all(a, a > 1)", 18, "none of known length"),
        ("customer", "customer.open > 1 && customer.opn.minor > 1", 31, "no field “opn”"),
        ("ticket", "ticket.subject.length > 3", 16, "no field “length”"),
    ],
)
def test_a_wrong_name_is_pointed_at(name: str, expression: str, column: int, said: str) -> None:
    with pytest.raises(RuleInvalid) as caught:
        check(expression, get_context(name))
    assert caught.value.column == column
    assert said in caught.value.detail


RULES = [
    {"code": "tool", "verdict": "reject", "message": "{action.tool} is not for {agent.name}.",
     "expression": "size(params.tools) > 0 && !(action.tool in params.tools)"},
    {"code": "unsure", "verdict": "hold", "message": "It is {action.confidence_percent} % sure.",
     "expression": "!action.is_reversible && action.confidence_percent < params.sure_from"},
    {"code": "large", "verdict": "hold", "message": "It moves {action.cost.text}.",
     "expression": "has(action.arguments.amount_minor) && action.arguments.amount_minor > 5000"},
]  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "verdict", "codes"),
    [
        ({}, "accept", []),
        ({"params": {"tools": ["read_order"]}}, "reject", ["tool"]),
        ({"action": {"confidence_percent": 30}}, "hold", ["unsure"]),
        ({"action": {"arguments": {"amount_minor": 9000}}}, "hold", ["large"]),
        ({"action": {"arguments": {"amount_minor": "a lot"}}}, "hold", ["rule_failed"]),
    ],
)
def test_an_agents_action_is_allowed_asked_about_or_refused(facts, verdict, codes) -> None:
    facts = copy.deepcopy(facts)
    if arguments := facts.get("action", {}).pop("arguments", None):
        facts["action"]["arguments"] = arguments
    judged = try_example(facts, rules=RULES, context=ACTION)
    assert (judged.verdict.value, [r["code"] for r in judged.reasons]) == (verdict, codes)


@pytest.mark.parametrize("expression", [rule["expression"] for rule in RULES])
def test_the_documented_rules_may_be_published(expression: str) -> None:
    check(expression, get_context(ACTION))


def test_an_argument_without_a_guard_is_refused_with_the_remedy() -> None:
    with pytest.raises(DomainError) as caught:
        check("action.arguments.iban == 'DE'", get_context(ACTION))
    assert "Guard what may be missing with has(action.arguments.name)" in caught.value.detail


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("all of them", "is no record"),
        ([1], "is no record"),
        (None, "is no record"),
        ({"ids": list(range(501))}, "has 501 values, and 500 is the most"),
    ],
)
def test_arguments_are_a_record_of_a_bounded_size(arguments, said) -> None:
    facts = copy.deepcopy(get_context(ACTION).sample)
    facts["action"]["arguments"] = arguments
    with pytest.raises(FactsIncomplete) as caught:
        assert_complete(get_context(ACTION), facts)
    assert [(f.field, f.message) for f in caught.value.errors] == [("action.arguments", said)]


def test_the_caller_does_not_say_which_tenant_it_is(version) -> None:
    """Facts of the caller's own under that name give way to what the tenant is."""
    context = get_context("customer")
    rules = version(("real", "reject", "tenant.environment == 'production'"))
    facts = {**context.sample, "tenant": {"environment": "sandbox"}}
    real = {**tenant_facts.SAMPLE, "environment": "production"}
    assert judge(context, [rules], facts, {}, settings=real).verdict.value == "reject"


def test_an_example_may_say_what_the_tenant_is() -> None:
    rule = {"code": "trying", "verdict": "hold", "expression": "tenant.is_sandbox", "message": "."}
    for is_sandbox, verdict in ((True, "hold"), (False, "accept")):
        facts = {"tenant": {"is_sandbox": is_sandbox}}
        assert try_example(facts, rules=[rule], context="order").verdict.value == verdict
