"""From a thing to the decisions about it, and back: by the number that people know."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from controlplane.audit.models import Entry
from controlplane.policies.brought import AGENT_ACTION
from controlplane.policies.contexts import get_context
from controlplane.policies.models import Decision, Policy, SimulationRun
from controlplane.policies.services import evaluate_facts, set_terms
from tenants.context import inside
from tenants.models import Member, Tenant
from tests.factories.approvals import make_approval, make_order
from tests.factories.events import make_workspace
from tests.factories.invoices import make_invoice
from tests.factories.support import make_answer, make_ticket
from tests.integration.policies.conftest import ADA

Browser = Callable[..., Client]


def shown(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return str(answer.content.decode())


@pytest.fixture
def order(north: Tenant) -> Any:
    with inside(north):
        make_workspace()
        return make_order(1001)


def test_an_order_leads_to_its_decision_and_back(
    north: Tenant, browser: Browser, order: Any
) -> None:
    ada = browser(north)
    decision = f"/decisions/{order.decision_id}/"
    assert decision in shown(ada, f"/orders/{order.pk}/")
    page = shown(ada, decision)
    assert f"Decision on order {order.number}" in page
    assert f"/orders/{order.pk}/" in page
    listed = shown(ada, "/decisions/")
    assert f'href="/orders/{order.pk}/">{order.number}<' in listed


def test_an_invoice_and_an_approval_lead_to_theirs(north: Tenant, browser: Browser) -> None:
    with inside(north):
        make_workspace()
        approval = make_approval()
        invoice = make_invoice()
        invoice.refresh_from_db()
        asked = Decision.objects.get(subject_id=approval.subject_id)
        of_invoice = list(Decision.objects.filter(subject_id=invoice.pk))
    ada = browser(north)
    assert f"/decisions/{asked.pk}/" in shown(ada, f"/approvals/{approval.pk}/")
    assert f"/approvals/{approval.pk}/" in shown(ada, f"/decisions/{asked.pk}/")
    page = shown(ada, f"/invoices/{invoice.pk}/")
    for decision in of_invoice:
        assert f"/decisions/{decision.pk}/" in page


def test_the_list_is_searched_by_number(north: Tenant, browser: Browser, order: Any) -> None:
    with inside(north):
        other = make_order(2002)
    ada = browser(north)
    found = shown(ada, f"/decisions/?q={order.number.lstrip('#')}")
    assert str(order.decision_id) in found
    assert str(other.decision_id) not in found


def test_many_rows_ask_no_more_often(north: Tenant, browser: Browser, order: Any) -> None:
    ada = browser(north)
    shown(ada, "/decisions/")  # what is asked for once and then kept
    with CaptureQueriesContext(connection) as one:
        shown(ada, "/decisions/")
    with inside(north):
        for number in range(3001, 3008):
            make_order(number)
    with CaptureQueriesContext(connection) as many:
        shown(ada, "/decisions/")
    assert len(many) <= len(one)


def test_what_nothing_is_kept_of_is_called_as_its_context_says(
    north: Tenant, browser: Browser
) -> None:
    facts = get_context(AGENT_ACTION).sample
    with inside(north):
        decision = evaluate_facts(
            context=AGENT_ACTION, subject_id=uuid.uuid4(), data=facts, parameters={},
            models_used=None, snapshot="", by=ADA,
        )  # fmt: skip
    page = shown(browser(north), f"/decisions/{decision.pk}/")
    assert str(decision.subject_id) in page
    assert f"wants to call {facts['action']['tool']}</h1>" in page


def test_entries_of_the_trail_lead_to_pages_and_decisions(
    north: Tenant, browser: Browser, order: Any
) -> None:
    manager = browser(north, role=Member.Role.MANAGER)
    with inside(north):
        policy = Policy.objects.get(slug="order-checks")
        set_terms(flip_percent=5, history_days=30, by=ADA)
        rows = {
            kind: Entry.objects.filter(subject_type=kind, **which).first()
            for kind, which in (
                ("order", {}),
                ("policy", {"subject_id": str(policy.pk)}),
                ("policy_terms", {}),
            )
        }
    for kind, address in (
        ("order", f"/orders/{order.pk}/"),
        ("policy", f"/policies/{policy.pk}/"),
        ("policy_terms", "/policies/"),
    ):
        entry = rows[kind]
        page = shown(manager, f"/audit/{entry.sequence}-{entry.mark}/")
        assert f'<a href="{address}">Open</a>' in page, kind
    entry = rows["order"]
    page = shown(manager, f"/audit/{entry.sequence}-{entry.mark}/")
    assert f"/decisions/{order.decision_id}/" in page


def test_what_a_simulation_flips_is_called_and_found_by_its_number(
    north: Tenant, browser: Browser, order: Any
) -> None:
    with inside(north):
        decision = Decision.objects.get(pk=order.decision_id)
        run = SimulationRun.objects.create(
            policy=Policy.objects.get(slug="order-checks"), rules=[], rules_sha256="0",
            since=decision.decided_at, asked_by="Ada", status="done",
        )  # fmt: skip
        run.found.create(
            decision_id=decision.pk, subject_type="order", subject_id=order.pk,
            decided_at=decision.decided_at, before="hold", after="accept", codes=[],
        )  # fmt: skip
    ada = browser(north)
    page = f"/policies/simulations/{run.pk}/"
    assert f'<a href="/orders/{order.pk}/">{order.number}</a>' in shown(ada, page)
    assert str(order.pk) in shown(ada, f"{page}?q={order.number.lstrip('#')}")
    assert f"Nothing fits “9{order.pk}”" in shown(ada, f"{page}?q=9{order.pk}")


def test_a_ticket_leads_to_the_decisions_on_it_and_on_its_answer(
    north: Tenant, browser: Browser
) -> None:
    with inside(north):
        make_workspace()
        ticket = make_ticket()
        answer = make_answer(ticket)
        of_answer = Decision.objects.create(
            pk=answer.decision_id, context="answer", subject_type="answer", subject_id=answer.pk,
            verdict="accept", input_sha256="0",
        )  # fmt: skip
        of_ticket = Decision.objects.create(
            context="ticket", subject_type="ticket", subject_id=ticket.pk, verdict="hold",
            input_sha256="0",
        )  # fmt: skip
    ada = browser(north)
    page = shown(ada, f"/tickets/{ticket.pk}/")
    for decision in (of_answer, of_ticket):
        assert f"/decisions/{decision.pk}/" in page
    assert f"Decision on ticket {ticket.number}" in shown(ada, f"/decisions/{of_ticket.pk}/")
    assert f"/knowledge/answers/{answer.pk}/" in shown(ada, f"/decisions/{of_answer.pk}/")


def test_the_list_is_narrowed_to_what_it_is_about(
    north: Tenant, browser: Browser, order: Any
) -> None:
    ada = browser(north)
    assert str(order.decision_id) in shown(ada, "/decisions/?about=order")
    page = shown(ada, "/decisions/?about=invoice")
    assert str(order.decision_id) not in page
    assert '<option value="invoice" selected>' in page
    assert str(order.decision_id) in shown(ada, "/decisions/?about=nonsense")
