"""Contexts whose facts the caller brings, as no app here keeps them: a customer, an agent's action.
Of a customer, what orders and tickets say can be asked for by e-mail address.

`policy.evaluate` judges them: accept lets it go on, hold asks a person, reject ends it. A tenant
without rules about them holds.
"""

from typing import Any

from controlplane.policies.contexts import Parameter, register_context
from controlplane.policies.customers import facts_by_email

CUSTOMER, AGENT_ACTION = "customer", "agent_action"
_MINOR = "in whole minor units of that currency: 1250 is 12.50 EUR, and 1,250 JPY"
MOST_TAGS, MOST_TOOLS = 250, 100

CUSTOMER_FIELDS: dict[str, str] = {
    "customer.id": "The shop's or the bookkeeping's ID for them",
    "customer.name": "Name",
    "customer.email": "E-mail address",
    "customer.company": "Company; empty for a private person",
    "customer.vat_id": "VAT number; empty where there is none",
    "customer.country": "ISO 3166 code in capitals, such as DE; empty where unknown",
    "customer.language": "ISO 639-1 code; may be empty",
    "customer.tags": "Tags, a list of texts",
    "customer.note": "What people noted about them",
    "customer.since": "When they became a customer, ISO 8601 in UTC; may be empty",
    "customer.days_known": "For how many days they have been one",
    "customer.is_blocked": "Whether somebody blocked them",
    "customer.is_verified": "Whether their e-mail address or company was checked",
    "customer.order_count": "How many orders they placed",
    "customer.refund_count": "How many of these were paid back, wholly or in part",
    "customer.open_ticket_count": "How many questions of theirs wait for an answer",
    "customer.currency": "ISO 4217 code of the amounts",
    "customer.spent.minor": f"What they have paid for so far, {_MINOR}",
    "customer.spent.text": "The same for messages, such as 12.50 EUR",
    "customer.refunded.minor": f"What was paid back to them, {_MINOR}",
    "customer.open.minor": f"What they owe, {_MINOR}",
    "customer.open.text": "The same for messages",
    "customer.overdue.minor": f"What of it is past its day, {_MINOR}",
    "customer.credit_limit.minor": f"Up to what they may owe; 0 where nothing was agreed, {_MINOR}",
}
CUSTOMER_PARAMETERS = {
    "home_countries": Parameter(
        [], 'Where customers are taken unasked, as ["DE", "AT"]. Empty: everywhere.'
    ),
    "owe_at_most": Parameter(
        None, 'The most that one may owe, as {"minor": 50000, "currency": "EUR"}. Without it no '
        "sum is too high.",
    ),
}  # fmt: skip
CUSTOMER_SAMPLE: dict[str, Any] = {
    "customer": {
        "id": "207119551",
        "name": "Ada Sample",
        "email": "ada@example.com",
        "company": "Sample Harbour Ltd",
        "vat_id": "DE123456789",
        "country": "DE",
        "language": "de",
        "tags": ["wholesale"],
        "note": "",
        "since": "2024-03-01T09:00:00+00:00",
        "days_known": 672,
        "is_blocked": False,
        "is_verified": True,
        "order_count": 14,
        "refund_count": 1,
        "open_ticket_count": 0,
        "currency": "EUR",
        "spent": {"minor": 1_249_500, "text": "12495.00 EUR"},
        "refunded": {"minor": 4_900},
        "open": {"minor": 23_800, "text": "238.00 EUR"},
        "overdue": {"minor": 0},
        "credit_limit": {"minor": 500_000},
    }
}

ACTION_FIELDS: dict[str, str] = {
    "action.tool": "The tool that the agent wants to call, such as refund_order",
    "action.effect": "What the tool does: read, write, send, pay or delete; empty where unknown",
    "action.is_reversible": "Whether it can be taken back",
    "action.target": "What it is done to, such as order:1001; may be empty",
    "action.summary": "What it would do, in a sentence for messages",
    "action.arguments": "The call's arguments, a record of the tool's own form: guard each with "
    "has(action.arguments.amount) && …",
    "action.argument_count": "How many arguments",
    "action.cost.minor": "What it moves or costs, in whole minor units; 0 where nothing",
    "action.cost.currency": "ISO 4217 code of the cost; XXX where there is none",
    "action.cost.text": "The same for messages, such as 12.50 EUR",
    "action.confidence_percent": "How sure the agent is, in whole percent, 0 to 100",
    "action.step": "The how manieth call of its run this is, from 1",
    "agent.name": "Which agent",
    "agent.model": "Which language model, with its version",
    "agent.prompt_version": "Which version of its instructions; may be empty",
    "agent.run": "The run's ID, so that calls of one run are found together",
    "agent.on_behalf_of": "E-mail address of the person for whom it acts; empty: for nobody",
    "agent.spent.minor": "What its run has cost before this call, in the currency of the cost",
}
ACTION_PARAMETERS = {
    "tools": Parameter([], 'Which tools an agent may call, as ["read_order"]. Empty: any.'),
    "ask_above": Parameter(
        None, 'The most that needs no person, as {"minor": 5000, "currency": "EUR"}. Without it '
        "nothing is too much.",
    ),
    "sure_from": Parameter(80, "From this confidence on, in whole percent, nobody is asked."),
}  # fmt: skip
ACTION_SAMPLE: dict[str, Any] = {
    "action": {
        "tool": "refund_order",
        "effect": "pay",
        "is_reversible": False,
        "target": "order:1001",
        "summary": "Pay 12.50 EUR back to the buyer of #1001.",
        "arguments": {"order_id": "450789469", "amount_minor": 1250, "reason": "damaged"},
        "argument_count": 3,
        "cost": {"minor": 1250, "currency": "EUR", "text": "12.50 EUR"},
        "confidence_percent": 91,
        "step": 2,
    },
    "agent": {
        "name": "refunds",
        "model": "gpt-5-mini-2026-08",
        "prompt_version": "7",
        "run": "0198f0aa-0000-7000-8000-000000000001",
        "on_behalf_of": "ada@example.com",
        "spent": {"minor": 0},
    },
}


def register() -> None:
    """Called when the app is ready."""
    register_context(
        CUSTOMER,
        fields=CUSTOMER_FIELDS,
        list_bounds={"customer.tags": MOST_TAGS, "params.home_countries": 250},
        sample=CUSTOMER_SAMPLE,
        parameters=CUSTOMER_PARAMETERS,
        money=("customer.open.minor", "customer.currency"),
        load_by_email=facts_by_email,
        title="Customer {customer.name}",
    )
    register_context(
        AGENT_ACTION,
        fields=ACTION_FIELDS,
        list_bounds={"params.tools": MOST_TOOLS},
        sample=ACTION_SAMPLE,
        parameters=ACTION_PARAMETERS,
        money=("action.cost.minor", "action.cost.currency"),
        open_records=("action.arguments",),
        title="{agent.name} wants to call {action.tool}",
    )
