"""The four operations as n8n calls them, one after the other."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from controlplane.core import sandbox
from controlplane.invoices.models import Invoice
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.invoices import (
    make_goods_receipt,
    make_invoice,
    make_purchase_order,
    ubl_invoice,
)


@pytest.fixture
def call(north: Tenant, machine: Callable[..., Client]) -> Callable[..., Any]:
    client = machine(north)

    def ask(name: str, **data: Any) -> Any:
        return client.post(f"/api/v1/operations/invoice/{name}", data, "application/json")

    return ask


def test_from_the_event_to_the_outcome(north: Tenant, call: Callable[..., Any]) -> None:
    with inside(north):
        make_purchase_order()
        make_goods_receipt(received=[("1", "90"), ("2", "20")])
        invoice = make_invoice(read=False)
    url = f"http://{north.host}"

    extracted = call("extract", event_id=str(invoice.event_id)).json()
    validated = call("validate", invoice_id=extracted["invoice_id"]).json()
    held = call("match", invoice_id=extracted["invoice_id"]).json()
    refused = call("record_outcome", invoice_id=extracted["invoice_id"], outcome="accepted")

    assert extracted == {
        "invoice_id": str(invoice.pk),
        "number": "R-1001",
        "format": "ubl",
        "status": "read",
        "verdict": "accept",
        "supplier": "Nordwind Seile GmbH",
        "total": {"amount": "535.50", "currency": "EUR"},
        "issue_date": "2026-03-01",
        "order_reference": "PO-1",
        "is_credit_note": False,
        "duplicate_of": None,
        "problems": [],
        "url": extracted["url"],
    }
    assert extracted["url"].endswith(f"/invoices/{invoice.pk}/")
    assert url.split(":")[1] in extracted["url"]
    assert (validated["valid"], validated["errors"], validated["findings"]) == (True, 0, [])
    assert validated["rule_set"].startswith("EN 16931")
    assert (held["verdict"], held["mode"], held["order_numbers"]) == (
        "hold", "three_way", ["PO-1"],
    )  # fmt: skip
    assert [(reason["code"], reason["lines"]) for reason in held["reasons"]] == [
        ("over_received", ["1"])
    ]
    assert held["lines"][0] == {
        "line": "1",
        "item": "Mooring rope 10 mm",
        "invoiced": "100",
        "ordered": "100",
        "received": "90",
        "unit_price": "4",
        "ordered_price": "4",
        "verdict": "hold",
        "reasons": ["over_received"],
    }
    assert (refused.status_code, refused.json()["code"]) == (409, "outcome_not_allowed")
    with inside(north):
        make_goods_receipt("GR-2", received=[("1", "10")])

    assert call("match", invoice_id=extracted["invoice_id"]).json()["verdict"] == "accept"
    recorded = call("record_outcome", invoice_id=extracted["invoice_id"], outcome="accepted").json()

    assert (recorded["outcome"], recorded["number"]) == ("accepted", "R-1001")
    assert recorded["audit_sequence"] > 0


def test_a_document_that_is_quarantined(north: Tenant, call: Callable[..., Any]) -> None:
    with inside(north):
        invoice = make_invoice(content=b"MZ not an invoice", read=False)

    extracted = call("extract", event_id=str(invoice.event_id)).json()
    validated = call("validate", invoice_id=str(invoice.pk)).json()
    matched = call("match", invoice_id=str(invoice.pk)).json()

    assert (extracted["status"], extracted["verdict"]) == ("quarantined", "reject")
    assert extracted["problems"][0]["code"] == "not_an_invoice"
    assert extracted["total"] == {"amount": "0", "currency": "XXX"}
    assert (validated["valid"], validated["rule_set"]) == (False, "")
    assert validated["findings"][0]["rule_id"] == "PERGOLA-NO-XML"
    assert (matched["verdict"], matched["lines"]) == ("reject", [])
    assert matched["reasons"][0]["code"] == "quarantined"


def test_rules_that_are_broken_are_told(north: Tenant, call: Callable[..., Any]) -> None:
    with inside(north):
        content = ubl_invoice().replace(b">535.50</cbc:Payable", b">535.51</cbc:Payable")
        invoice = make_invoice(content=content)

    told = call("validate", invoice_id=str(invoice.pk)).json()

    assert (told["valid"], told["errors"]) == (False, 1)
    [finding] = told["findings"]
    assert (finding["rule_id"], finding["severity"]) == ("BR-CO-16", "fatal")
    assert "Amount due for payment" in finding["message"]
    assert finding["element"]


def test_the_same_key_has_one_effect(north: Tenant, machine: Callable[..., Client]) -> None:
    with inside(north):
        invoice = make_invoice()
    client = machine(north)

    def reject() -> Any:
        return client.post(
            "/api/v1/operations/invoice/record_outcome",
            {"invoice_id": str(invoice.pk), "outcome": "rejected"},
            "application/json",
            headers={"Idempotency-Key": "once"},
        )

    assert reject().json() == reject().json()


@pytest.mark.parametrize("name", ["validate", "match"])
def test_what_was_not_read_yet(north: Tenant, call: Callable[..., Any], name: str) -> None:
    with inside(north):
        invoice = make_invoice(read=False)

    answer = call(name, invoice_id=str(invoice.pk))

    assert (answer.status_code, answer.json()["code"]) == (409, "invoice_not_read")


@pytest.mark.parametrize("name", ["validate", "match", "record_outcome"])
def test_another_tenants_invoice_is_none(
    south: Tenant, call: Callable[..., Any], name: str
) -> None:
    with inside(south):
        invoice = make_invoice()
    more = {"outcome": "rejected"} if name == "record_outcome" else {}

    answer = call(name, invoice_id=str(invoice.pk), **more)

    assert (answer.status_code, answer.json()["code"]) == (404, "invoice_unknown")
    with inside(south):
        assert Invoice.objects.get().outcome == ""


def test_each_needs_its_scope(north: Tenant, machine: Callable[..., Client]) -> None:
    client = machine(north, scopes=["invoices:read"])

    for name in ("validate", "match", "record_outcome"):
        answer = client.post(
            f"/api/v1/operations/invoice/{name}",
            {"invoice_id": str(uuid.uuid4()), "outcome": "rejected"},
            "application/json",
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_a_call_that_comes_again_is_answered_as_the_first_and_a_busy_one_is_done(
    north: Tenant, machine: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    with inside(north):
        invoice = make_invoice(read=False)
    run = {
        "X-N8N-Workflow-Id": "wf1",
        "X-N8N-Execution-Id": "71",
        "X-N8N-Node": "Extract",
        "X-N8N-Item": "0:0",
    }
    path, data = "/api/v1/operations/invoice/extract", {"event_id": str(invoice.event_id)}
    client = machine(north)

    def late(*_a: Any, **_k: Any) -> Any:
        raise sandbox.Late("time")

    with monkeypatch.context() as patched:
        patched.setattr(sandbox, "run", late)
        busy = client.post(path, data, "application/json", headers=run)
    first = client.post(path, data, "application/json", headers=run)
    again = client.post(path, data, "application/json", headers=run)

    assert (busy.status_code, busy.json()["code"]) == (503, "server_busy")
    assert (first.status_code, first.json()["status"]) == (200, "read")
    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
