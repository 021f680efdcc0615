"""The list of invoices, taking them in, and the document as a member sees it."""

import re
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from controlplane.invoices.models import Invoice
from tenants.context import inside
from tenants.models import Member, Tenant
from tests.factories.invoices import (
    make_goods_receipt,
    make_invoice,
    make_matched,
    make_purchase_order,
    ubl_invoice,
)

Browser = Callable[..., Client]
PDF = Path(__file__).parents[2] / "data" / "demo" / "invoices" / "plain.pdf"
HOSTILE = "<img src=x alt=me>.xml"
# Who it is and where, then the number of invoices, the invoices, and the tabs.
QUERIES_OF_LIST = 13


@pytest.fixture
def held(north: Tenant) -> Invoice:
    """100 ordered, 90 received, 100 invoiced, and dearer than agreed."""
    with inside(north):
        make_purchase_order()
        make_goods_receipt(received=(("1", "90"), ("2", "20")))
        return make_matched([("ROPE-10", "100", "4.40"), ("HOOK-3", "20", "2.50")])


@pytest.fixture
def unread(north: Tenant) -> Invoice:
    with inside(north):
        return make_invoice(content=PDF.read_bytes(), filename="scan.pdf")


def page_of(client: Client, address: str, **kwargs: Any) -> str:
    answer = client.get(address, **kwargs)
    assert answer.status_code == 200, answer.content.decode()[:400]
    page = answer.content.decode()
    assert not re.search(r"<style|<script>|\sstyle=|\son\w+=|javascript:|hx-on", page)
    assert not re.search(r"\{[%{#]|[%#}]\}", page)
    return page


def test_an_empty_list_says_what_to_do(north: Tenant, browser: Browser) -> None:
    assert "Upload invoices" in page_of(browser(north, role="manager"), "/invoices/")
    seen = page_of(browser(north, role="viewer", name="vic"), "/invoices/")
    assert "No invoices yet" in seen
    assert "/invoices/upload/" not in seen


def test_list_shows_searches_counts_and_survives_nonsense(
    north: Tenant, browser: Browser, held: Invoice, unread: Invoice
) -> None:
    client = browser(north)
    page = page_of(client, "/invoices/")
    assert "R-1001" in page
    assert "€583.10" in page
    assert re.search(r'status=to_check[^>]*>To be checked<span class="tab-count">1', page)
    assert "R-1001" not in page_of(client, "/invoices/?status=to_check")
    assert "R-1001" in page_of(client, "/invoices/?q=nordwind+po-1")
    assert "Nothing fits" in page_of(client, "/invoices/?q=elephant")
    assert "R-1001" in page_of(client, "/invoices/?q=%00&sort=-password&status=x&page=-3")
    part = page_of(client, "/invoices/?sort=total", headers={"hx-request": "true"})
    assert "<html" not in part


def test_a_duplicate_is_marked(north: Tenant, browser: Browser, held: Invoice) -> None:
    with inside(north):
        twin = make_invoice(note="sent again")
    client = browser(north)
    assert "Duplicate" in page_of(client, "/invoices/")
    page = page_of(client, f"/invoices/{twin.pk}/")
    assert "has sent an invoice with this number before" in page
    assert f"/invoices/{held.pk}/" in page
    assert f"/invoices/{twin.pk}/" in page_of(client, f"/invoices/{held.pk}/")


def test_the_number_of_queries_does_not_grow_with_the_list(
    north: Tenant, browser: Browser, django_assert_num_queries: Any
) -> None:
    client = browser(north)
    with inside(north):
        make_invoice()
    client.get("/invoices/")
    with django_assert_num_queries(QUERIES_OF_LIST):
        client.get("/invoices/")
    with inside(north):
        for number in range(4):
            make_invoice(number=f"R-{number}")
    with django_assert_num_queries(QUERIES_OF_LIST):
        client.get("/invoices/")


def test_several_files_and_one_refused_keeps_the_others(north: Tenant, browser: Browser) -> None:
    client = browser(north, role="manager")
    files = [
        SimpleUploadedFile("good.xml", ubl_invoice()),
        SimpleUploadedFile("empty.xml", b""),
        SimpleUploadedFile(HOSTILE, ubl_invoice(number="R-2")),
        SimpleUploadedFile("again.xml", ubl_invoice()),
    ]
    page = client.post("/invoices/upload/", {"documents": files}).content.decode()
    assert page.count('data-testid="refused-file"') == 1
    assert "holds no byte" in page
    assert page.count('data-testid="known-file"') == 1
    assert page.count('data-testid="invoice"') == 2
    assert "Is being read" in page
    assert "&lt;img src=x" in page
    assert "<img" not in page
    with inside(north):
        assert Invoice.objects.count() == 2


def test_a_row_is_asked_for_until_it_is_read(
    north: Tenant, browser: Browser, held: Invoice
) -> None:
    client = browser(north)
    with inside(north):
        waiting = make_invoice(number="R-5", read=False)
    assert "every 2s" in page_of(client, f"/invoices/{waiting.pk}/state/")
    done = page_of(client, f"/invoices/{held.pk}/state/")
    assert "every 2s" not in done
    assert "Held" in done


def test_no_file_and_too_many(north: Tenant, browser: Browser) -> None:
    client = browser(north, role="manager")
    assert client.post("/invoices/upload/").status_code == 422
    many = [SimpleUploadedFile(f"{n}.xml", b"x") for n in range(51)]
    answer = client.post("/invoices/upload/", {"documents": many})
    assert answer.status_code == 422
    assert "at most 50 files" in answer.content.decode()
    with inside(north):
        assert not Invoice.objects.exists()


@pytest.mark.parametrize("role", [Member.Role.VIEWER, Member.Role.APPROVER])
def test_only_a_manager_takes_in_and_matches(
    north: Tenant, browser: Browser, unread: Invoice, role: str
) -> None:
    client = browser(north, role=role)
    page = page_of(client, f"/invoices/{unread.pk}/")
    assert "Match again" not in page
    file = SimpleUploadedFile("good.xml", ubl_invoice())
    for address, form in (
        ("/invoices/upload/", {"documents": file}),
        (f"/invoices/{unread.pk}/match/", {}),
        ("/purchase-orders/import/", {"file": file}),
        ("/goods-receipts/import/", {"file": file}),
    ):
        assert client.post(address, form).status_code == 403
    with inside(north):
        assert Invoice.objects.get().status == "to_check"


@pytest.mark.parametrize(
    "rest",
    ["", "state/", "document/", "pages/1/", "pages/1.png", "fields/", "fields/lines/", "match/"],
)
def test_another_tenants_invoice_is_not_there(
    south: Tenant, browser: Browser, unread: Invoice, rest: str
) -> None:
    client = browser(south, role="manager")
    for number in (unread.pk, uuid.uuid4()):
        assert client.get(f"/invoices/{number}/{rest}").status_code == 404
    assert client.post(f"/invoices/{unread.pk}/match/").status_code == 404


def test_the_original_is_saved_and_never_shown(
    north: Tenant, browser: Browser, held: Invoice
) -> None:
    answer = browser(north).get(f"/invoices/{held.pk}/document/")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.getvalue().startswith(b"<?xml")


def test_a_pdf_is_shown_as_pictures_of_its_pages(
    north: Tenant, browser: Browser, unread: Invoice
) -> None:
    client = browser(north)
    assert f"/invoices/{unread.pk}/pages/1/" in page_of(client, f"/invoices/{unread.pk}/")
    drawn = page_of(client, f"/invoices/{unread.pk}/pages/1/")
    assert f'href="/invoices/{unread.pk}/pages/1.png"' in drawn
    assert 'data-term="BT-' in drawn
    picture = client.get(f"/invoices/{unread.pk}/pages/1.png")
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    assert client.get(f"/invoices/{unread.pk}/pages/9.png").status_code == 404
    assert "has 1 page" in page_of(client, f"/invoices/{unread.pk}/pages/9/")


def test_nothing_is_drawn_for_pages_that_no_document_has(
    north: Tenant, browser: Browser, unread: Invoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    monkeypatch.setattr(
        "controlplane.portal.views.invoices.picture_of", lambda _invoice, page: drawn.append(page)
    )

    assert browser(north).get(f"/invoices/{unread.pk}/pages/51/").status_code == 404
    assert drawn == []


def test_xml_has_no_pictures(north: Tenant, browser: Browser, held: Invoice) -> None:
    assert browser(north).get(f"/invoices/{held.pk}/pages/1.png").status_code == 404


def test_what_was_refused_says_why_and_is_not_drawn(north: Tenant, browser: Browser) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><Invoice>&a;</Invoice>'
    with inside(north):
        invoice = make_invoice(content=bomb, filename=HOSTILE)
    page = page_of(browser(north), f"/invoices/{invoice.pk}/")
    assert "In quarantine" in page
    assert "DOCTYPE" in page
    assert "It is not shown" in page
    assert "<img" not in page


def test_a_receipt_that_names_no_supplier_shows_its_orders(north: Tenant, browser: Browser) -> None:
    with inside(north):
        supplier = make_purchase_order().supplier_name
        receipt = make_goods_receipt()
        type(receipt).objects.update(supplier_name="")
    client = browser(north)
    assert supplier
    for address in ("/goods-receipts/", f"/goods-receipts/{receipt.pk}/"):
        assert supplier in page_of(client, address)
