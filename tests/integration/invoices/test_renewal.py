"""An invoice changes while n8n waits for its approval: what is asked changes with it."""

import threading
import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from controlplane.approvals import services as approvals
from controlplane.approvals.models import Approval, Waiter
from controlplane.approvals.renewal import renew_approval
from controlplane.audit.models import Entry
from controlplane.audit.services import verify_chain
from controlplane.events.models import OutboxMessage
from controlplane.invoices import services
from controlplane.invoices.models import Invoice, PurchaseOrder
from tenants.context import inside, outside
from tenants.models import Tenant
from tests.factories.approvals import make_execution_actor
from tests.factories.events import NOWHERE, make_workspace
from tests.factories.invoices import (
    ADA,
    make_goods_receipt,
    make_invoice,
    make_matched,
    make_purchase_order,
)
from tests.integration.invoices.test_corrections import FIELDS, PDF

BEN = replace(ADA, id="2", label="Ben Okri", scopes=frozenset({approvals.DECIDE}))


def ask(invoice: Invoice, execution_id: str = "71") -> Approval:
    """As n8n's *Ask a Person* does, and waits."""
    return approvals.request_approval(
        subject_type="invoice",
        subject_id=invoice.pk,
        note="",
        expires_in=timedelta(hours=1),
        resume_url=f"{NOWHERE}/webhook-waiting/{execution_id}",
        by=make_execution_actor(execution_id),
    )


def decide(approval: Approval, decision: str = "approve", **more: str) -> Approval:
    return approvals.decide(approval_id=approval.pk, decision=decision, comment="", by=BEN, **more)


def confirm(invoice: Invoice, **changes: Any) -> Invoice:
    return services.correct_fields(invoice_id=invoice.pk, fields=FIELDS | changes, by=BEN)


def accept(invoice: Invoice, outcome: str = "accepted") -> Invoice:
    return services.record_outcome(
        invoice_id=invoice.pk, outcome=outcome, note="", by=make_execution_actor()
    )


def to_resume() -> list[uuid.UUID]:
    with outside():
        found = OutboxMessage.objects.filter(handler="approvals.resume")
        return list(found.values_list("reference", flat=True))


@pytest.fixture
def scan(tenant: Tenant) -> Invoice:
    """A PDF without XML that n8n has validated and matched."""
    make_workspace()
    invoice = make_invoice(content=Path(PDF).read_bytes())
    services.validate_invoice(invoice_id=invoice.pk, by=ADA)
    return services.match_invoice(invoice_id=invoice.pk, by=make_execution_actor())


@pytest.fixture
def asked(scan: Invoice) -> Approval:
    return ask(scan)


def test_what_nobody_has_read_cannot_be_approved(scan: Invoice, asked: Approval) -> None:
    with pytest.raises(approvals.ApprovalNotReady, match="Confirm the fields of invoice"):
        decide(asked)

    asked.refresh_from_db()
    assert asked.is_pending
    assert not asked.votes.exists()
    assert to_resume() == []
    assert decide(asked, "reject").status == "rejected"
    assert accept(scan, "rejected").status == "rejected"


def test_nor_accepted_whatever_was_approved(scan: Invoice, asked: Approval) -> None:
    Invoice.objects.update(verdict="accept")

    with pytest.raises(services.OutcomeNotAllowed, match="Nobody has confirmed the fields"):
        accept(scan)


def test_confirmed_fields_are_asked_about_in_the_same_request(
    scan: Invoice, asked: Approval
) -> None:
    invoice = confirm(scan)  # no such order: still held

    asked.refresh_from_db()
    assert asked.is_pending
    assert asked.revision == str(invoice.decision_id)
    assert asked.title == "Invoice R-7 from Nordwind Seile GmbH"
    assert "To be paid: 476.00 EUR" in asked.summary
    assert str(asked.money) == "476.0000 EUR"
    assert asked.reasons == invoice.reasons
    assert "to_check" not in {reason["code"] for reason in asked.reasons}
    entry = Entry.objects.get(action="approval.renewed")
    assert (entry.actor_label, entry.data["to"]) == ("Ben Okri", asked.revision)
    assert to_resume() == []

    assert decide(asked).status == "approved"
    assert to_resume() == [Waiter.objects.get().pk]
    assert accept(scan).status == "accepted"
    assert verify_chain().broken_at is None


def test_what_fits_then_needs_no_person_more(
    scan: Invoice, asked: Approval, terms: dict[str, Any]
) -> None:
    terms["matching"] = "two_way"
    make_purchase_order()

    invoice = confirm(scan)

    asked.refresh_from_db()
    assert invoice.verdict == "accept"
    assert (asked.status, asked.decided_by) == ("approved", "Pergola (policies)")
    assert "nothing holds it any more" in asked.comment
    assert to_resume() == [Waiter.objects.get().pk]
    assert Entry.objects.get(action="approval.approved").actor_kind == "system"
    services.match_invoice(invoice_id=scan.pk, by=BEN)
    assert len(to_resume()) == 1
    assert accept(scan).status == "accepted"
    with pytest.raises(approvals.AlreadyEnded, match="approved by Pergola"):
        decide(asked, "reject")


def test_what_policies_reject_then_ends_as_rejected(scan: Invoice, asked: Approval) -> None:
    Invoice.objects.update(verdict="reject", decision_id=uuid.uuid4())

    assert renew_approval(subject_type="invoice", subject_id=scan.pk, by=BEN) == [asked]

    asked.refresh_from_db()
    assert (asked.status, asked.decided_by) == ("rejected", "Pergola (policies)")
    assert len(to_resume()) == 1
    assert accept(scan, "rejected").status == "rejected"


def test_every_execution_that_waits_goes_on(scan: Invoice, asked: Approval) -> None:
    assert ask(scan, "72") == asked
    confirm(scan)
    assert ask(scan, "73") == asked

    decide(asked)

    assert set(to_resume()) == set(Waiter.objects.values_list("pk", flat=True))
    assert len(to_resume()) == 3


def test_goods_that_arrive_while_it_waits(tenant: Tenant) -> None:
    make_workspace()
    make_purchase_order()
    held = make_matched()
    asked = ask(held)
    before = asked.revision
    make_goods_receipt(received=[("1", "1")])

    services.match_invoice(invoice_id=held.pk, by=BEN)
    asked.refresh_from_db()
    assert asked.is_pending
    assert asked.revision != before
    assert "over_received" in {reason["code"] for reason in asked.reasons}
    with pytest.raises(approvals.ApprovalChanged, match="judged anew"):
        decide(asked, revision=before)

    make_goods_receipt("GR-2", received=[("1", "99"), ("2", "20")])
    services.match_invoice(invoice_id=held.pk, by=BEN)
    asked.refresh_from_db()
    assert asked.status == "approved"
    assert accept(held).status == "accepted"


def test_nothing_is_asked_anew_where_nothing_changed(tenant: Tenant) -> None:
    make_workspace()
    make_purchase_order()
    held = make_matched()
    asked = ask(held)

    services.match_invoice(invoice_id=held.pk, by=BEN)

    assert renew_approval(subject_type="invoice", subject_id=held.pk, by=BEN) == []
    assert not Entry.objects.filter(action="approval.renewed").exists()
    assert Approval.objects.get() == asked


def test_what_no_policy_held_stays_with_the_person_who_is_asked(tenant: Tenant) -> None:
    make_workspace()
    make_purchase_order()
    make_goods_receipt()
    fitting = make_matched()
    asked = ask(fitting)
    PurchaseOrder.objects.update(supplier_name="Nordwind")
    Invoice.objects.update(decision_id=None)

    invoice = services.match_invoice(invoice_id=fitting.pk, by=BEN)

    asked.refresh_from_db()
    assert (asked.is_pending, asked.revision) == (True, str(invoice.decision_id))


def test_an_answer_for_the_new_match_ends_an_older_request(tenant: Tenant) -> None:
    make_workspace()
    make_purchase_order()
    held = make_matched()
    older = ask(held)
    Approval.objects.update(revision="older")
    assert decide(ask(held, "72")).status == "approved"

    services.match_invoice(invoice_id=held.pk, by=BEN)

    older.refresh_from_db()
    assert (older.status, older.decided_by) == ("approved", "Ben Okri")
    assert len(to_resume()) == 2


def test_confirming_and_rejecting_at_once(yard: Tenant) -> None:
    with inside(yard):
        make_workspace()
        invoice = make_invoice(content=Path(PDF).read_bytes())
        services.match_invoice(invoice_id=invoice.pk, by=ADA)
        asked = ask(invoice)
    ready = threading.Barrier(2)
    failed: list[BaseException] = []

    def at_once(act: Any) -> None:
        with inside(yard):
            ready.wait(timeout=10)
            try:
                act()
            except Exception as error:
                failed.append(error)
        connections.close_all()

    threads = [
        threading.Thread(target=at_once, args=(act,))
        for act in (lambda: confirm(invoice), lambda: decide(asked, "reject"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)

    assert failed == []
    with inside(yard):
        asked.refresh_from_db()
        invoice.refresh_from_db()
        assert asked.status == "rejected"
        assert invoice.needs_check is False
        assert len(to_resume()) == 1
        assert verify_chain().broken_at is None
        assert accept(invoice, "rejected").status == "rejected"
