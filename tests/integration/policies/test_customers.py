"""A customer of whom only the e-mail address is known: what orders and tickets say of it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from controlplane.orders.models import Order
from controlplane.policies.contexts import get_context
from controlplane.policies.customers import facts_by_email
from controlplane.policies.facts import assert_complete
from controlplane.policies.models import Decision
from controlplane.policies.services import seed_policy
from tenants.context import inside
from tests.factories.support import make_ticket
from tests.integration.policies.conftest import ADA

URL = "/api/v1/operations/policy/evaluate"
KAJA = "kaja@example.com"
RULES = [
    {"code": "new", "verdict": "hold", "message": "{customer.email} is new.",
     "expression": "customer.order_count == 0"},
    {"code": "owes", "verdict": "reject", "message": "{customer.name} owes {customer.open.text}.",
     "expression": "customer.open.minor > customer.credit_limit.minor"},
]  # fmt: skip


@pytest.fixture
def ask(north, machine):
    with inside(north):
        seed_policy(context="customer", slug="customers", title="Customers", rules=RULES, by=ADA)
    client = machine(north, scopes=["policies:evaluate"])
    return lambda **data: client.post(URL, {"context": "customer", **data}, "application/json")


def order(number, *, days=1, **given):
    values = {
        "total": Decimal(100), "currency": "EUR", "financial_status": "paid",
        "buyer_email": KAJA, "buyer_name": "Kaja Nowak", "bill_to": {"country": "PL"}, **given,
    }  # fmt: skip
    return Order.objects.create(
        source_slug="shop", external_id=number, number=f"#{number}",
        placed_at=timezone.now() - timedelta(days=days), **values,
    )  # fmt: skip


def test_what_orders_and_tickets_say(tenant):
    order("1", days=400, total=Decimal("12.50"), buyer_name="K. Nowak")
    order("2", days=10, refunded=Decimal("4.90"), financial_status="partially_refunded")
    order("3", days=5, financial_status="pending", buyer_email="Kaja@Example.com")
    order("4", currency="USD", days=20)
    order("5", is_test=True)
    order("6", cancelled_at=timezone.now())
    order("7", buyer_email="somebody@example.com")
    make_ticket(requester_email=KAJA, language="pl")
    found = facts_by_email(f" {KAJA} ")
    assert_complete(get_context("customer"), found)
    customer = found["customer"]
    assert {name: customer[name] for name in (
        "name", "email", "country", "language", "days_known", "order_count", "refund_count",
        "open_ticket_count", "currency", "spent", "refunded",
    )} == {
        "name": "Kaja Nowak", "email": KAJA, "country": "PL", "language": "pl", "days_known": 400,
        "order_count": 4, "refund_count": 1, "open_ticket_count": 1, "currency": "EUR",
        "spent": {"minor": 11_250, "text": "112.50 EUR"}, "refunded": {"minor": 490},
    }  # fmt: skip
    assert customer["since"].startswith(f"{timezone.now() - timedelta(days=400):%Y-%m-%d}")


@pytest.mark.parametrize("email", ["nobody@example.com", "", "not an address"])
def test_who_is_not_known_is_new(tenant, email):
    order("1")
    order("2", buyer_email="")
    found = facts_by_email(email)
    assert_complete(get_context("customer"), found)
    assert (found["customer"]["order_count"], found["customer"]["currency"]) == (0, "XXX")


def test_rules_judge_by_the_address_alone(north, ask):
    new = ask(email=KAJA).json()
    assert (new["verdict"], new["reasons"][0]["message"]) == ("hold", f"{KAJA} is new.")
    with inside(north):
        order("1")
    assert ask(email="KAJA@example.com").json()["verdict"] == "accept"
    with inside(north):
        assert Decision.objects.get(verdict="accept").input["customer"]["name"] == "Kaja Nowak"


def test_what_the_caller_knows_is_laid_over_it(north, ask):
    with inside(north):
        order("1")
    owed = {"customer": {"open": {"minor": 900, "text": "9.00 EUR"}}}
    told = ask(email=KAJA, facts=owed).json()["reasons"]
    assert [each["message"] for each in told] == ["Kaja Nowak owes 9.00 EUR."]
    wrong = ask(email=KAJA, facts={"customer": {"order_count": "many"}})
    assert wrong.json()["errors"][0]["field"] == "customer.order_count"


def test_nobody_of_another_tenant_is_known(north, south):
    with inside(south):
        order("1")
    with inside(north):
        assert facts_by_email(KAJA)["customer"]["order_count"] == 0
