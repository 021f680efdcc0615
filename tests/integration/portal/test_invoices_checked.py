"""An invoice that was read: fields, rules, match, correction, approval; and the papers beside."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from controlplane.approvals.services import request_approval
from controlplane.invoices import services
from controlplane.invoices.models import GoodsReceipt, Invoice, PurchaseOrder
from tenants.context import inside
from tenants.models import Member, Tenant
from tests.factories.invoices import (
    ADA,
    make_goods_receipt,
    make_invoice,
    make_matched,
    make_purchase_order,
    ubl_invoice,
)
from tests.integration.portal.test_invoices import (
    QUERIES_OF_LIST,
    Browser,
    held,
    page_of,
    unread,
)
from tests.integration.portal.test_invoices_confirmed import TYPED

__all__ = ["held", "unread"]


def test_the_match_is_drawn_line_by_line(north: Tenant, browser: Browser, held: Invoice) -> None:
    page = page_of(browser(north), f"/invoices/{held.pk}/")
    assert page.count('data-testid="match-line"') == 2
    first = page.split('data-testid="match-line"')[1]
    assert "Mooring rope 10 mm" in first
    # Of 100 invoiced 90 have arrived: the last tenth of the bar stands out.
    assert re.search(
        r'class="bar-invoiced" x="0" width="90.00".*?class="bar-over" x="90.00"', first
    )
    assert "100 invoiced, 90 received" in first
    assert "€4.00" in first
    assert "€4.40" in first
    assert "+10" in first
    assert "Three-way" in page
    assert "Purchase order PO-1" in page
    assert "GR-1" in page
    assert "It is held because of the lines" in page


def test_fields_point_at_their_line_of_the_source(
    north: Tenant, browser: Browser, held: Invoice
) -> None:
    page = page_of(browser(north), f"/invoices/{held.pk}/")
    line = re.search(r'<li id="L(\d+)" data-term="BT-1"><code>(.*?)</code>', page)
    assert line
    assert "R-1001" in line[2]
    assert f'href="#L{line[1]}"' in page
    assert "&lt;cbc:ID&gt;R-1001" in page


def test_rules_are_told_with_the_line_that_breaks_them(north: Tenant, browser: Browser) -> None:
    broken = ubl_invoice().replace(b"<cbc:Percent>19</cbc:Percent>", b"", 1)
    with inside(north):
        invoice = make_matched(content=broken)
    page = page_of(browser(north), f"/invoices/{invoice.pk}/")
    assert "BR-48" in page
    assert "EN 16931" in page
    assert re.search(r"Invoice/TaxTotal/TaxSubtotal.*?#L\d+", page, re.S)


def test_an_invoice_that_fits(north: Tenant, browser: Browser) -> None:
    with inside(north):
        make_purchase_order()
        make_goods_receipt()
        invoice = make_matched()
    page = page_of(browser(north), f"/invoices/{invoice.pk}/")
    assert "it may be paid" in page
    assert "Every rule is kept" in page
    assert "bar-over" not in page


def test_matching_again_after_the_goods_came(
    north: Tenant, browser: Browser, held: Invoice
) -> None:
    with inside(north):
        make_goods_receipt("GR-2", received=(("1", "10"),))
    client = browser(north, role="manager")
    answer = client.post(f"/invoices/{held.pk}/match/", follow=True)
    assert "was matched again" in answer.content.decode()
    with inside(north):
        held.refresh_from_db()
    assert {reason["code"] for reason in held.reasons} == {"price_above"}


def test_xml_is_never_overruled(north: Tenant, browser: Browser, held: Invoice) -> None:
    client = browser(north, role="manager")
    assert "Confirm the fields" not in page_of(client, f"/invoices/{held.pk}/")
    answer = client.post(f"/invoices/{held.pk}/fields/", TYPED)
    assert answer.status_code == 422
    assert "only the fields of a document that is to be checked" in answer.content.decode()


def test_history_and_outcome(north: Tenant, browser: Browser, held: Invoice) -> None:
    with inside(north):
        services.record_outcome(invoice_id=held.pk, outcome="rejected", note="too dear", by=ADA)
    page = page_of(browser(north), f"/invoices/{held.pk}/")
    assert "too dear" in page
    for words in ("Received", "Checked by the rules", "Matched", "Rejected", "Ada Lovelace"):
        assert words in page


def test_an_approval_shows_the_invoice(north: Tenant, browser: Browser, held: Invoice) -> None:
    with inside(north):
        approval = request_approval(
            subject_type="invoice",
            subject_id=held.pk,
            note="",
            expires_in=timedelta(hours=72),
            resume_url="",
            by=ADA,
        )
    client = browser(north)
    assert "R-1001" in page_of(client, "/approvals/")
    page = page_of(client, f"/approvals/{approval.pk}/")
    assert f"/invoices/{held.pk}/" in page
    assert "€583.10" in page
    assert "€4.40 each, ordered at €4.00" in page
    assert page.count('data-testid="match-line"') == 2
    assert "matched again since" not in page
    assert f"/approvals/{approval.pk}/" in page_of(client, f"/invoices/{held.pk}/")
    with inside(north):
        make_goods_receipt("GR-2", received=(("1", "10"),))
        services.match_invoice(invoice_id=held.pk, by=ADA)
    page = page_of(client, f"/approvals/{approval.pk}/")
    assert "matched again since" not in page
    assert "it waits for a person" in page
    answer = client.post(
        f"/approvals/{approval.pk}/decision/",
        {"decision": "approve", "revision": approval.revision, "comment": "Seen"},
    )
    assert answer.status_code == 409
    assert "nothing was decided" in answer.content.decode()
    assert "Seen" in answer.content.decode()


@pytest.mark.parametrize(("language", "words"), [("en", "To be paid"), ("de", "Zu zahlen")])
def test_a_german_page(
    north: Tenant,
    browser: Browser,
    held: Invoice,
    make_member: Callable[..., Member],
    language: str,
    words: str,
) -> None:
    member = make_member(north)
    Member.objects.filter(pk=member.pk).update(language=language)
    member.refresh_from_db()
    client = browser(north, member=member)
    page = page_of(client, f"/invoices/{held.pk}/")
    assert words in page
    if language == "de":
        assert "583,10" in page
        assert 'width="90.00"' in page
        assert "Bestellungen an Lieferanten" in page_of(client, "/purchase-orders/")


def test_purchase_orders_and_receipts(north: Tenant, browser: Browser, held: Invoice) -> None:
    with inside(north):
        order, receipt = PurchaseOrder.objects.get(), GoodsReceipt.objects.get()
        announced = make_goods_receipt("LA-9", received=(("1", "10"),), kind="despatch")
    client = browser(north)
    assert "PO-1" in page_of(client, "/purchase-orders/?q=nordwind&sort=supplier")
    assert "PO-1" not in page_of(client, "/purchase-orders/?status=closed")
    assert "GR-1" in page_of(client, "/goods-receipts/?q=po-1&sort=-order")
    assert "GR-1" not in page_of(client, "/goods-receipts/?status=despatch")
    page = page_of(client, f"/purchase-orders/{order.pk}/")
    assert 'class="bar-received" x="0" width="90.00"' in page
    assert "10 announced by the supplier" in page
    assert f"/invoices/{held.pk}/" in page
    assert f"/goods-receipts/{receipt.pk}/" in page
    assert f"/purchase-orders/{order.pk}/" in page_of(client, f"/goods-receipts/{receipt.pk}/")
    assert "never counts as received" in page_of(client, f"/goods-receipts/{announced.pk}/")


def test_what_was_invoiced_is_shown_at_the_order(north: Tenant, browser: Browser) -> None:
    with inside(north):
        order = make_purchase_order()
        make_goods_receipt()
        make_matched([("ROPE-10", "40", "4.00")])
    page = page_of(browser(north), f"/purchase-orders/{order.pk}/")
    assert 'class="bar-invoiced" x="0" width="40.00"' in page


@pytest.mark.parametrize("noun", ["purchase-orders", "goods-receipts"])
def test_another_tenants_papers_are_not_there(
    north: Tenant, south: Tenant, browser: Browser, held: Invoice, noun: str
) -> None:
    with inside(north):
        model = PurchaseOrder if noun == "purchase-orders" else GoodsReceipt
        paper = model.objects.get()
    assert browser(south, role="manager").get(f"/{noun}/{paper.pk}/").status_code == 404


@pytest.mark.parametrize("noun", ["purchase-orders", "goods-receipts"])
def test_the_number_of_queries_does_not_grow_with_papers(
    north: Tenant, browser: Browser, django_assert_num_queries: Any, noun: str
) -> None:
    client = browser(north)
    client.get(f"/{noun}/")
    with inside(north):
        for number in range(4):
            make_purchase_order(f"PO-{number}")
            make_goods_receipt(f"GR-{number}", order=f"PO-{number}")
    client.get(f"/{noun}/")  # the first in an hour leaves an entry in the audit trail
    with django_assert_num_queries(QUERIES_OF_LIST - 1):
        client.get(f"/{noun}/")


@pytest.mark.parametrize("noun", ["purchase-orders", "goods-receipts"])
def test_the_example_can_be_imported(north: Tenant, browser: Browser, noun: str) -> None:
    client = browser(north, role="manager")
    example = client.get(f"/{noun}/example.csv")
    assert example.headers["Content-Disposition"].startswith("attachment;")
    file = SimpleUploadedFile("<b>example.csv", example.content)
    answer = client.post(f"/{noun}/import/", {"file": file}, follow=True)
    assert answer.redirect_chain == [(f"/{noun}/", 302)]
    assert "1 new, 0 brought up to date, 0 as they were." in answer.content.decode()


def test_an_import_with_errors_writes_nothing(north: Tenant, browser: Browser) -> None:
    client = browser(north, role="manager")
    table = b"order_number,currency,line_id,quantity\nPO-1,EUR,1,5\nPO-2,EUR,1,<b>many</b>\n"
    file = SimpleUploadedFile("<i>orders.csv", table)
    answer = client.post("/purchase-orders/import/", {"file": file})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "line 3.quantity" in page
    assert "&lt;b&gt;many&lt;/b&gt;" in page
    assert "&lt;i&gt;orders.csv" in page
    assert client.post("/purchase-orders/import/").status_code == 422
    with inside(north):
        assert not PurchaseOrder.objects.exists()


def test_an_invoice_that_was_only_received(north: Tenant, browser: Browser) -> None:
    with inside(north):
        invoice = make_invoice(read=False)
    page = page_of(browser(north), f"/invoices/{invoice.pk}/")
    assert "every 2s" in page
    assert "There is nothing to show yet" in page


def test_a_person_matches_by_the_limits_of_the_workflow(north: Tenant, browser: Browser) -> None:
    """An installation lets nothing above 100 euros pass; nobody gets round that by a button."""
    limit = {"approve_above": {"minor": 10000, "currency": "EUR"}}
    with inside(north):
        make_purchase_order()
        make_goods_receipt()
        with patch("controlplane.invoices.services.match.parameters_for", return_value=limit):
            invoice = make_matched()
        assert invoice.verdict == "hold"
    browser(north, role="manager").post(f"/invoices/{invoice.pk}/match/")
    with inside(north):
        invoice.refresh_from_db()
    assert invoice.verdict == "hold"


def test_what_was_found_in_a_text_starts_the_form(
    north: Tenant, browser: Browser, unread: Invoice
) -> None:
    found = {"page": 1, "box": [10, 20, 60.5, 31], "confidence": 0.9, "label": "Total"}
    with inside(north):
        Invoice.objects.filter(pk=unread.pk).update(
            fields=[
                {**found, "name": "total", "value": "1190.50"},
                {**found, "name": "order_number", "value": "PO-9", "confidence": 0.3},
                {**found, "name": "due_date", "value": "2026-04-01"},
            ]
        )
    form = page_of(browser(north, role="manager"), f"/invoices/{unread.pk}/")
    assert re.search(r'name="gross" value="1,?190.50"', form)
    assert 'name="order_reference" value="PO-9"' in form
    assert "unsure: please check" in form
    viewer = browser(north, role="viewer", name="vic")
    page = page_of(viewer, f"/invoices/{unread.pk}/")
    assert "Apr 1, 2026" in page
    drawn = page_of(viewer, f"/invoices/{unread.pk}/pages/1/")
    assert 'data-term="BT-112" x="8.5" y="18.5" width="53.5" height="14.0"' in drawn
