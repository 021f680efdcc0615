"""What became of an invoice: recorded once, and accepted only where somebody may say so."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from controlplane.approvals import services as approvals
from controlplane.approvals.models import Approval
from controlplane.approvals.subjects import SubjectUnknown, describe_subject
from controlplane.audit.models import Entry
from controlplane.audit.services import (
    ActionReserved,
    record_from_workflow,
    verify_chain,
)
from controlplane.core.actor import Actor, system
from controlplane.invoices import services
from controlplane.invoices.models import Invoice, PurchaseOrder
from tenants.models import Tenant
from tests.factories.invoices import (
    ADA,
    make_goods_receipt,
    make_invoice,
    make_matched,
    make_purchase_order,
)


def record(invoice: Invoice, outcome: str = "accepted", note: str = "") -> Invoice:
    return services.record_outcome(invoice_id=invoice.pk, outcome=outcome, note=note, by=ADA)


def approve(invoice: Invoice, by: Actor, decision: str = "approve") -> Approval:
    approval = approvals.request_approval(
        subject_type="invoice",
        subject_id=invoice.pk,
        note="",
        expires_in=timedelta(hours=1),
        resume_url="",
        by=system("the workflow"),
    )
    if decision:
        approvals.decide(approval_id=approval.pk, decision=decision, comment="", by=by)
    return approval


@pytest.fixture
def accepted(tenant: Tenant) -> Invoice:
    make_purchase_order()
    make_goods_receipt()
    return make_matched()


@pytest.fixture
def held(tenant: Tenant) -> Invoice:
    make_purchase_order()
    return make_matched()


def test_an_accepted_one_is_recorded_with_its_entry(accepted: Invoice) -> None:
    invoice = record(accepted, note="paid on Friday")

    assert (invoice.status, invoice.outcome, invoice.outcome_note) == (
        "accepted", "accepted", "paid on Friday",
    )  # fmt: skip
    entry = Entry.objects.get(action="invoice.accepted")
    assert entry.sequence == invoice.outcome_sequence
    assert entry.data["decision_id"] == str(invoice.decision_id)
    assert verify_chain().broken_at is None


def test_the_same_again_is_answered_with_what_was_recorded(accepted: Invoice) -> None:
    first = record(accepted)
    again = record(accepted, note="later")

    assert (again.outcome_at, again.outcome_note) == (first.outcome_at, "")
    assert Entry.objects.filter(action="invoice.accepted").count() == 1


def test_another_outcome_is_refused(accepted: Invoice) -> None:
    record(accepted)

    with pytest.raises(services.OutcomeRecorded, match="was accepted on"):
        record(accepted, "rejected")


def test_a_held_one_needs_an_approval_of_this_very_decision(
    held: Invoice, member_actor: Actor
) -> None:
    with pytest.raises(services.OutcomeNotAllowed, match="nobody was asked"):
        record(held)
    approve(held, member_actor, decision="")
    with pytest.raises(services.OutcomeNotAllowed, match="its approval is pending"):
        record(held)

    approve(held, member_actor)

    assert record(held).status == "accepted"


def test_an_approval_of_an_earlier_decision_does_not_count(
    held: Invoice, member_actor: Actor
) -> None:
    approve(held, member_actor)
    make_goods_receipt(received=[("1", "1")])
    services.match_invoice(invoice_id=held.pk, by=ADA)

    with pytest.raises(services.OutcomeNotAllowed, match="matched again"):
        record(held)


def test_an_approval_stands_where_nothing_changed(held: Invoice, member_actor: Actor) -> None:
    approve(held, member_actor)
    services.match_invoice(invoice_id=held.pk, by=ADA)

    assert record(held).status == "accepted"


class TestWhatHasComeUpSince:
    @pytest.fixture
    def waiting(self, tenant: Tenant, terms: dict[str, Any]) -> list[Invoice]:
        """Two for the same goods: each alone is as ordered, and both are for a person."""
        terms["approve_above"] = {"minor": 1, "currency": "EUR"}
        make_purchase_order()
        make_goods_receipt()
        return [make_matched(number="R-1"), make_matched(number="R-2")]

    def test_of_two_for_the_same_goods_one_is_accepted(
        self, waiting: list[Invoice], member_actor: Actor
    ) -> None:
        for invoice in waiting:
            approve(invoice, member_actor)
        first, second = waiting

        assert record(first).status == "accepted"
        with pytest.raises(services.OutcomeNotAllowed, match="100 invoiced after 100 before"):
            record(second)

        again = services.match_invoice(invoice_id=second.pk, by=ADA)
        assert {"over_ordered", "over_received"} <= {reason["code"] for reason in again.reasons}
        assert record(second, "rejected").status == "rejected"

    def test_an_order_that_was_cancelled_is_not_paid(self, accepted: Invoice) -> None:
        PurchaseOrder.objects.update(status="cancelled")

        with pytest.raises(services.OutcomeNotAllowed, match="cancelled"):
            record(accepted)

    def test_what_was_wrong_when_it_was_approved_stands_in_no_ones_way(
        self, held: Invoice, member_actor: Actor
    ) -> None:
        approve(held, member_actor)
        make_goods_receipt()

        assert record(held).status == "accepted"


def test_what_was_refused_cannot_be_accepted(held: Invoice, member_actor: Actor) -> None:
    approve(held, member_actor, decision="reject")

    with pytest.raises(services.OutcomeNotAllowed, match="its approval is rejected"):
        record(held)
    assert record(held, "rejected").status == "rejected"


def test_one_that_was_not_matched_can_only_be_rejected(tenant: Tenant) -> None:
    invoice = make_invoice()

    with pytest.raises(services.OutcomeNotAllowed, match="not matched yet"):
        record(invoice)
    assert record(invoice, "rejected").outcome == "rejected"


def test_an_unknown_one(tenant: Tenant, accepted: Invoice) -> None:
    accepted.pk = Invoice().pk

    with pytest.raises(services.InvoiceUnknown):
        record(accepted)


def test_an_outcome_is_whole_or_not_there(accepted: Invoice) -> None:
    with pytest.raises(IntegrityError, match="invoice_outcome_is_whole"), transaction.atomic():
        Invoice.objects.update(outcome="accepted")


def test_what_the_approver_is_shown(held: Invoice) -> None:
    subject = describe_subject("invoice", held.pk)

    assert subject.title == "Invoice R-1001 from Nordwind Seile GmbH"
    assert subject.revision == str(held.decision_id)
    assert str(subject.amount) == "535.5000 EUR"
    assert subject.summary.splitlines() == [
        "Supplier: Nordwind Seile GmbH, DE123456789",
        "To be paid: 535.50 EUR",
        "Due on 2026-03-31",
        "Account: DE89370400440532013000",
        "Purchase order: PO-1",
        "100 × Mooring rope 10 mm: 400",
        "20 × Steel hook: 50",
    ]
    assert [reason["code"] for reason in subject.reasons] == ["no_receipt"]


def test_an_approver_is_shown_nothing_that_is_not_there(tenant: Tenant) -> None:
    with pytest.raises(SubjectUnknown):
        describe_subject("invoice", Invoice().pk)


@pytest.mark.parametrize(
    "action", ["invoice.accepted", "purchase_order.imported", "goods_receipt.imported"]
)
def test_a_workflow_cannot_make_the_trail_say_so(tenant: Tenant, action: str) -> None:
    with pytest.raises(ActionReserved):
        record_from_workflow(action=action, subject_type="invoice", subject_id="1", data={}, by=ADA)
