"""`policy.evaluate` over what the caller brings, over a ticket, and by the tenant's settings."""

import copy

import pytest

from controlplane.core.models import new_id
from controlplane.policies.contexts import get_context
from controlplane.policies.judging import RuleSet
from controlplane.policies.models import Decision
from controlplane.policies.services import (
    publish_policy,
    recompute_decision,
    save_draft,
    seed_policy,
)
from controlplane.policies.simulation import rejudged
from tenants.context import inside
from tests.factories.support import make_ticket
from tests.integration.policies.conftest import ADA, LARGE

URL = "/api/v1/operations/policy/evaluate"
GUARD = [
    {"code": "refunds", "verdict": "hold", "message": "{action.summary}",
     "expression": "action.effect == 'pay' && action.cost.minor > 1000"},
    {"code": "deletes", "verdict": "reject", "message": "{action.tool} deletes.",
     "expression": "action.effect == 'delete'"},
]  # fmt: skip


@pytest.fixture
def ask(north, machine):
    client = machine(north, scopes=["policies:evaluate"])
    return lambda **data: client.post(URL, data, "application/json")


def action(**changes):
    facts = copy.deepcopy(get_context("agent_action").sample)
    facts["action"] |= changes
    return facts


def test_an_agents_action_is_allowed_approved_or_refused(north, ask):
    with inside(north):
        seed_policy(context="agent_action", slug="agents", title="Agents", rules=GUARD, by=ADA)
    for effect, verdict in (("read", "accept"), ("pay", "hold"), ("delete", "reject")):
        answer = ask(context="agent_action", facts=action(effect=effect))
        assert answer.status_code == 200, answer.content
        assert answer.json()["verdict"] == verdict
    with inside(north):
        decision = Decision.objects.get(verdict="hold")
    assert decision.reasons[0]["message"] == "Pay 12.50 EUR back to the buyer of #1001."
    assert decision.input["action"]["arguments"]["reason"] == "damaged"


def test_without_rules_about_agents_nothing_they_do_goes_unasked(ask):
    answer = ask(context="agent_action", facts=action()).json()
    assert (answer["verdict"], answer["reasons"][0]["code"]) == ("hold", "no_policy")


def test_a_fact_that_is_missing_is_named(ask):
    facts = copy.deepcopy(get_context("customer").sample)
    del facts["customer"]["open"]["minor"]
    problem = ask(context="customer", facts=facts)
    assert problem.status_code == 422
    assert problem.json()["code"] == "facts_incomplete"
    assert problem.json()["errors"] == [{"field": "customer.open.minor", "message": "is missing"}]


def test_a_fraction_among_the_arguments_is_refused_with_its_place(ask):
    problem = ask(context="agent_action", facts=action(arguments={"amount": 12.5}))
    assert problem.json()["code"] == "facts_unusable"
    assert "action.arguments.amount" in problem.json()["detail"]


def test_a_context_that_is_not_there_is_refused_at_its_field(ask):
    problem = ask(context="weather", facts={})
    assert problem.status_code == 422
    assert problem.json()["errors"][0]["field"] == "context"


def test_a_ticket_is_read_by_its_id(north, ask):
    rule = {"code": "late", "verdict": "hold", "expression": "ticket.subject == 'Refund'",
            "message": "{requester.email} asks."}  # fmt: skip
    with inside(north):
        seed_policy(context="ticket", slug="tickets", title="Tickets", rules=[rule], by=ADA)
        ticket = make_ticket(requester_email="mia@example.com")
    answer = ask(context="ticket", about_id=str(ticket.pk)).json()
    assert answer["verdict"] == "hold"
    assert answer["reasons"][0]["message"] == "mia@example.com asks."
    unknown = ask(context="ticket", about_id=str(new_id()))
    assert (unknown.status_code, unknown.json()["code"]) == (404, "ticket_unknown")
    assert ask(context="ticket").json()["code"] == "facts_incomplete"


def test_a_decision_keeps_the_settings_that_it_was_taken_by(policy, decide, tenant):
    """Another time zone later changes neither the decision nor its simulation."""
    rule = {**LARGE, "expression": "tenant.time_zone == 'UTC' && order.total.minor > 50000"}
    save_draft(policy=policy, rules=[{**rule, "enabled": True}], examples=[], by=ADA)
    publish_policy(policy=policy, gated=False, by=ADA)
    decision = Decision.objects.get(pk=decide(90_000).pk)
    assert (decision.verdict, decision.settings["time_zone"]) == ("hold", "UTC")
    tenant.time_zone = "Europe/Berlin"
    assert recompute_decision(decision).verdict.value == "hold"
    assert decide(90_000).verdict == "accept"


def test_a_decision_of_before_is_simulated_by_the_settings_of_now(policy, decide):
    decision = decide(90_000)
    decision.settings = None
    rules = [rule_set_with("tenant.slug == 'north'")]
    assert rejudged(get_context("order"), rules, decision).after == "hold"


def rule_set_with(expression):
    return RuleSet("1", 1, "tenant", "checks", [{**LARGE, "expression": expression}])


def test_names_are_offered_in_the_portal(north, browser):
    client = browser(north)
    fields = client.get("/policies/contexts/agent_action.json").json()["fields"]
    assert {"action.tool", "tenant.time_zone", "params.tools"} <= {f["name"] for f in fields}
    assert client.get("/policies/contexts/customer/").status_code == 200
