"""A person confirms what was found in a document, and approves what came of it."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from controlplane.approvals.services import request_approval
from controlplane.invoices import services
from controlplane.invoices.models import Invoice, PurchaseOrder
from tenants.context import inside
from tenants.models import Member, Tenant
from tests.factories.invoices import ADA, make_goods_receipt, make_purchase_order
from tests.integration.portal.test_invoices import Browser, held, page_of, unread

__all__ = ["held", "unread"]

TYPED = {
    "number": "R-77",
    "issue_date": "2026-03-01",
    "currency": "EUR",
    "supplier_name": "Nordwind Seile GmbH",
    "supplier_vat_id": "DE123456789",
    "order_reference": "PO-1",
    "net": "400.00",
    "tax": "76.00",
    "gross": "476.00",
    "line": ["0", "1"],
    "line-0-name": "Mooring rope 10 mm",
    "line-0-seller_item_id": "ROPE-10",
    "line-0-quantity": "100",
    "line-0-unit_price": "4.00",
    "line-0-net": "400.00",
    "line-1-name": "",
}


def test_correcting_keeps_what_was_typed(north: Tenant, browser: Browser, unread: Invoice) -> None:
    client = browser(north, role="manager")
    page = page_of(client, f"/invoices/{unread.pk}/")
    assert "Confirm the fields" in page
    assert 'data-points-at="BT-1"' in page
    wrong = TYPED | {"iban": "DE00 1234", "number": "<b>7</b>", "line-0-quantity": "many"}
    answer = client.post(f"/invoices/{unread.pk}/fields/", wrong)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "&lt;b&gt;7&lt;/b&gt;" in page
    assert "Mooring rope 10 mm" in page
    assert "Enter an amount as 1,234.50" in page
    again = client.post(f"/invoices/{unread.pk}/fields/", TYPED | {"iban": "DE00 1234"})
    assert again.status_code == 422
    assert "Account (IBAN)" in again.content.decode()
    with inside(north):
        unread.refresh_from_db()
    assert unread.status == "to_check"


def test_confirmed_fields_count_and_can_be_matched(
    north: Tenant, browser: Browser, unread: Invoice
) -> None:
    client = browser(north, role="manager")
    answer = client.post(f"/invoices/{unread.pk}/fields/", TYPED, follow=True)
    assert answer.redirect_chain == [(f"/invoices/{unread.pk}/", 302)]
    assert "the invoice was matched: it is held for a person" in answer.content.decode()
    with inside(north):
        unread.refresh_from_db()
        assert unread.status == "held"
        assert unread.number == "R-77"
        assert [line.seller_item_id for line in unread.lines.all()] == ["ROPE-10"]
        make_purchase_order(lines=[("ROPE-10", "100", "4.00")])
        make_goods_receipt(received=(("1", "100"),))
    client.post(f"/invoices/{unread.pk}/match/")
    page = page_of(client, f"/invoices/{unread.pk}/")
    assert page.count('data-testid="match-line"') == 1
    assert "Fields, as confirmed" in page


def test_amounts_are_typed_as_the_reader_writes_them(
    north: Tenant, browser: Browser, unread: Invoice, make_member: Callable[..., Member]
) -> None:
    member = make_member(north, role=Member.Role.MANAGER)
    Member.objects.filter(pk=member.pk).update(language="de")
    member.refresh_from_db()
    client = browser(north, member=member)
    german = TYPED | {
        "net": "1.400,50",
        "tax": "76,00",
        "gross": "1.476,50",
        "line-0-unit_price": "4,00",
        "line-0-net": "400,00",
    }
    assert client.post(f"/invoices/{unread.pk}/fields/", german).status_code == 302
    with inside(north):
        unread.refresh_from_db()
    assert str(unread.gross) == "1476.5000"
    page = page_of(client, f"/invoices/{unread.pk}/")
    assert "1.476,50" in page
    assert "Felder, wie bestätigt" in page


def test_more_lines_for_the_form(north: Tenant, browser: Browser, unread: Invoice) -> None:
    client = browser(north, role="manager")
    part = page_of(client, f"/invoices/{unread.pk}/fields/lines/?after=3")
    assert 'value="3"' in part
    assert "line-5-name" in part
    assert "after=6" in part
    assert page_of(client, f"/invoices/{unread.pk}/fields/lines/?after=x")


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("approver", 302)])
def test_who_may_decide_may_confirm(
    north: Tenant, browser: Browser, unread: Invoice, role: str, status: int
) -> None:
    client = browser(north, role=role)
    page = page_of(client, f"/invoices/{unread.pk}/")
    assert ("Approvers and managers of your workspace may confirm them" in page) is (status == 403)
    assert client.post(f"/invoices/{unread.pk}/fields/", TYPED).status_code == status


def test_an_unread_one_cannot_be_approved(north: Tenant, browser: Browser, unread: Invoice) -> None:
    with inside(north):
        services.match_invoice(invoice_id=unread.pk, by=ADA)
        approval = request_approval(
            subject_type="invoice",
            subject_id=unread.pk,
            note="",
            expires_in=timedelta(hours=72),
            resume_url="",
            by=ADA,
        )
    client = browser(north)
    page = page_of(client, f"/approvals/{approval.pk}/")
    assert "Confirm the fields of the invoice first" in page
    assert f'href="/invoices/{unread.pk}/#fields"' in page
    assert 'value="approve"' not in page
    assert 'value="reject"' in page
    answer = client.post(f"/approvals/{approval.pk}/decision/", {"decision": "approve"})
    assert answer.status_code == 409
    assert "Confirm the fields of the invoice first" in answer.content.decode()
    problem = client.post(
        f"/api/v1/approvals/{approval.pk}/decision", {"decision": "approve"}, "application/json"
    )
    assert (problem.status_code, problem.json()["code"]) == (409, "approval_not_ready")
    assert "Confirm the fields of invoice" in problem.json()["detail"]

    client.post(f"/invoices/{unread.pk}/fields/", TYPED)

    page = page_of(client, f"/approvals/{approval.pk}/")
    assert "R-77" in page
    assert "Confirm the fields" not in page
    assert client.post(f"/approvals/{approval.pk}/decision/", {"decision": "approve"}).headers[
        "Location"
    ]
    with inside(north):
        done = services.record_outcome(invoice_id=unread.pk, outcome="accepted", note="", by=ADA)
    assert done.status == "accepted"


def test_an_approval_that_needs_no_person_more_says_so(
    north: Tenant, browser: Browser, held: Invoice
) -> None:
    with inside(north):
        approval = request_approval(
            subject_type="invoice",
            subject_id=held.pk,
            note="",
            expires_in=timedelta(hours=72),
            resume_url="",
            by=ADA,
        )
        PurchaseOrder.objects.get().lines.filter(line_id="1").update(unit_price="4.40")
        make_goods_receipt("GR-2", received=(("1", "10"),))
    client = browser(north, role="manager")
    client.post(f"/invoices/{held.pk}/match/")
    page = page_of(client, f"/approvals/{approval.pk}/")
    assert "Pergola (policies)" in page
    assert "nothing holds it any more" in page
