"""Invoices, orders and receipts over HTTP, by a key and by a member."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from controlplane.invoices.models import GoodsReceipt, Invoice, PurchaseOrder
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.invoices import make_matched, make_purchase_order, ubl_invoice

DATA = Path("tests/data/procurement")
URL = "/api/v1/invoices"


@pytest.fixture
def client(north: Tenant, machine: Callable[..., Client]) -> Client:
    return machine(north)


def form(content: bytes, name: str = "bill.xml") -> dict[str, SimpleUploadedFile]:
    return {"file": SimpleUploadedFile(name, content, "application/xml")}


class TestHandIn:
    def test_a_form(self, client: Client, north: Tenant) -> None:
        answer = client.post(URL, form(ubl_invoice()))

        assert answer.status_code == 202
        with inside(north):
            invoice = Invoice.objects.get()
            assert (invoice.filename, invoice.channel) == ("bill.xml", "api")
            assert answer.json() == {
                "invoice_id": str(invoice.pk),
                "event_id": str(invoice.event_id),
                "duplicate": False,
            }

    def test_a_raw_body_larger_than_what_is_held_in_memory(
        self, client: Client, north: Tenant, settings: Any
    ) -> None:
        body = b"%PDF-1.7" + bytes(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)

        answer = client.post(URL, body, "application/pdf", headers={"Filename": "R%201.pdf"})

        assert answer.status_code == 202
        with inside(north):
            assert Invoice.objects.get().filename == "R 1.pdf"
            assert Invoice.objects.get().size == len(body)

    def test_the_same_again(self, client: Client) -> None:
        first = client.post(URL, form(ubl_invoice())).json()
        again = client.post(URL, ubl_invoice(), "application/xml").json()

        assert again == first | {"duplicate": True}

    @pytest.mark.parametrize("kind", ["form", "raw"])
    def test_one_that_is_too_large(self, client: Client, settings: Any, kind: str) -> None:
        settings.DOCUMENT_MAX_BYTES = 100
        content = bytes(100_000)

        answer = (
            client.post(URL, form(content))
            if kind == "form"
            else client.post(URL, content, "application/pdf")
        )

        assert (answer.status_code, answer.json()["code"]) == (413, "file_too_large")

    @pytest.mark.parametrize(
        "given", [{"data": {"other": "x"}}, {"data": b"", "content_type": "application/pdf"}]
    )
    def test_nothing(self, client: Client, given: dict[str, Any]) -> None:
        answer = client.post(URL, **given)

        assert (answer.status_code, answer.json()["code"]) == (422, "document_empty")

    def test_a_manager_may_and_a_viewer_may_not(
        self, north: Tenant, browser: Callable[..., Client]
    ) -> None:
        manager = browser(north, role="manager", name="max").post(URL, form(ubl_invoice()))
        viewer = browser(north, role="viewer", name="vera").post(URL, form(ubl_invoice()))

        assert (manager.status_code, viewer.status_code) == (202, 403)

    def test_a_session_without_its_token_does_nothing(
        self, north: Tenant, browser: Callable[..., Client]
    ) -> None:
        client = browser(north, role="manager", name="max")
        client.handler.enforce_csrf_checks = True

        answers = [
            client.post(URL, form(ubl_invoice())),
            client.post(URL, ubl_invoice(), "application/xml"),
        ]

        assert [answer.status_code for answer in answers] == [403, 403]
        with inside(north):
            assert not Invoice.objects.exists()


class TestLook:
    @pytest.fixture
    def invoice(self, north: Tenant) -> Invoice:
        with inside(north):
            make_purchase_order()
            return make_matched()

    def test_a_list_by_status(self, client: Client, invoice: Invoice) -> None:
        held = client.get(URL, {"status": "held"}).json()["results"]
        read = client.get(URL, {"status": "read"}).json()["results"]

        assert [row["number"] for row in held] == ["R-1001"]
        assert read == []
        assert "normal" not in held[0]

    def test_one_with_everything(self, client: Client, invoice: Invoice) -> None:
        told = client.get(f"{URL}/{invoice.pk}").json()

        assert told["match"]["lines"][0]["ordered"] == "100"
        assert told["reasons"][0]["code"] == "no_receipt"
        assert told["normal"]["seller"]["name"] == "Nordwind Seile GmbH"

    def test_a_member_looks_too(
        self, north: Tenant, browser: Callable[..., Client], invoice: Invoice
    ) -> None:
        assert browser(north, role="viewer").get(f"{URL}/{invoice.pk}").status_code == 200

    def test_another_tenant_does_not(
        self, south: Tenant, machine: Callable[..., Client], invoice: Invoice
    ) -> None:
        client = machine(south)

        assert client.get(f"{URL}/{invoice.pk}").status_code == 404
        assert client.get(URL).json()["results"] == []

    @pytest.mark.parametrize(
        "path", [URL, f"{URL}/018f0000-0000-7000-8000-000000000000", "/api/v1/purchase-orders",
                 "/api/v1/goods-receipts"],
    )  # fmt: skip
    def test_a_key_needs_the_scope(
        self, north: Tenant, machine: Callable[..., Client], path: str
    ) -> None:
        client = machine(north, scopes=["invoices:submit", "procurement:submit"])

        assert client.get(path).json()["code"] == "scope_missing"


class TestProcurement:
    def test_an_order_as_json_and_listed(self, client: Client) -> None:
        order = {
            "number": "PO-9",
            "currency": "EUR",
            "lines": [{"line_id": "1", "quantity": "2", "unit_price": "1.5"}],
        }

        answer = client.post("/api/v1/purchase-orders", json.dumps(order), "application/json")

        assert answer.json() == {
            "created": 1, "updated": 0, "unchanged": 0, "numbers": ["PO-9"],
        }  # fmt: skip
        [listed] = client.get("/api/v1/purchase-orders").json()["results"]
        assert (listed["number"], listed["lines"][0]["unit_price"]) == ("PO-9", "1.5000000000")

    @pytest.mark.parametrize(
        ("path", "name", "content_type"),
        [
            ("purchase-orders", "order.xml", "application/xml"),
            ("purchase-orders", "orders.csv", "text/csv"),
            ("goods-receipts", "receipt_advice.xml", "application/xml"),
            ("goods-receipts", "despatch_advice.xml", "application/xml"),
            ("goods-receipts", "receipts.csv", "text/csv; charset=utf-8"),
        ],
    )
    def test_other_forms(
        self, client: Client, north: Tenant, path: str, name: str, content_type: str
    ) -> None:
        answer = client.post(f"/api/v1/{path}", (DATA / name).read_bytes(), content_type)

        assert answer.status_code == 200, answer.content
        with inside(north):
            model = PurchaseOrder if path == "purchase-orders" else GoodsReceipt
            assert model.objects.count() == len(answer.json()["numbers"])

    def test_bad_rows_are_named(self, client: Client) -> None:
        text = (DATA / "orders.csv").read_text().replace("1000.5", "plenty")

        answer = client.post("/api/v1/purchase-orders", text, "text/csv")

        assert (answer.status_code, answer.json()["code"]) == (422, "import_refused")
        assert answer.json()["errors"] == [
            {"field": "line 4.quantity", "message": "is plenty, not a number"}
        ]

    def test_it_needs_the_scope(self, north: Tenant, machine: Callable[..., Client]) -> None:
        client = machine(north, scopes=["invoices:submit"])

        for path in ("purchase-orders", "goods-receipts"):
            answer = client.post(f"/api/v1/{path}", "{}", "application/json")
            assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
