"""Orders and receipts: each number once, brought up to date, all of what is sent or nothing."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from controlplane.audit.models import Entry
from controlplane.invoices import services
from controlplane.invoices.models import (
    GoodsReceipt,
    PurchaseOrder,
    PurchaseOrderLine,
)
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.invoices import (
    ADA,
    make_goods_receipt,
    make_matched,
    make_purchase_order,
    ubl_invoice,
)

DATA = Path("tests/data/procurement")


def orders(name: str) -> services.Imported:
    return services.import_purchase_orders(content=(DATA / name).read_bytes(), by=ADA)


def receipts(name: str) -> services.Imported:
    return services.import_goods_receipts(content=(DATA / name).read_bytes(), by=ADA)


def test_a_chain_of_ubl_is_held_at_the_line_of_which_less_arrived(tenant: Tenant) -> None:
    orders("order.xml")
    receipts("despatch_advice.xml")
    receipts("receipt_advice.xml")
    bill = ubl_invoice([("ROPE-10", "100", "4.00"), ("HOOK-3", "20", "2.50")], order="HL-2026-7")
    content = bill.replace(b'unitCode="C62">100<', b'unitCode="MTR">100<')

    invoice = make_matched(content=content)

    assert invoice.verdict == "hold"
    [reason] = invoice.reasons
    assert (reason["code"], reason["lines"]) == ("over_received", ["1"])
    assert reason["message"] == (
        "Line 1 (Mooring rope 10 mm): 100 invoiced, 90 received (100 announced by the supplier)."
    )


def test_the_same_again_changes_nothing(tenant: Tenant) -> None:
    first = orders("orders.csv")
    again = orders("orders_german.csv")

    assert (first.created, first.numbers) == (2, ["HL-2026-7", "HL-2026-8"])
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)
    assert Entry.objects.filter(action="purchase_order.imported").count() == 2
    assert PurchaseOrderLine.objects.count() == 3


def test_a_changed_order_is_brought_up_to_date_and_noted(tenant: Tenant) -> None:
    order = make_purchase_order()
    rope = order.lines.get(line_id="1")

    make_purchase_order(lines=[("ROPE-10", "80", "4.10")])

    order.refresh_from_db()
    [line] = order.lines.all()
    assert (line.pk, line.quantity, str(line.unit_price)) == (rope.pk, 80, "4.1000000000")
    noted = Entry.objects.filter(action="purchase_order.imported").order_by("sequence")
    changes = [entry.data["change"] for entry in noted]
    assert changes == ["created", "updated"]


def test_a_line_that_was_invoiced_stays_with_nothing_ordered(tenant: Tenant) -> None:
    order = make_purchase_order()
    make_goods_receipt()
    invoice = make_matched()
    services.record_outcome(invoice_id=invoice.pk, outcome="accepted", note="", by=ADA)

    make_purchase_order(lines=[("ROPE-10", "100", "4.00")])

    assert [(line.line_id, line.quantity) for line in order.lines.all()] == [("1", 100), ("2", 0)]


def test_a_number_is_one_whatever_its_case(tenant: Tenant) -> None:
    make_purchase_order("PO-1")
    document = {
        "number": "po-1", "currency": "EUR", "lines": [{"line_id": "1", "quantity": 1}],
    }  # fmt: skip

    imported = services.import_purchase_orders(content=json.dumps(document).encode(), by=ADA)

    assert (imported.updated, PurchaseOrder.objects.count()) == (1, 1)


def test_an_order_is_cancelled_and_opened_again(tenant: Tenant) -> None:
    with pytest.raises(services.ImportRefused, match="no purchase order HL-2026-7"):
        orders("order_cancellation.xml")
    orders("order.xml")

    assert orders("order_cancellation.xml").updated == 1
    assert PurchaseOrder.objects.get().status == "cancelled"
    assert orders("order_cancellation.xml").unchanged == 1
    assert orders("order.xml").updated == 1
    assert PurchaseOrder.objects.get().status == "open"


def test_nothing_is_written_where_one_row_is_wrong(tenant: Tenant) -> None:
    text = (DATA / "orders.csv").read_text().replace("1000.5", "plenty")

    with pytest.raises(services.ImportRefused) as refused:
        services.import_purchase_orders(content=text.encode(), by=ADA)

    assert [fault.field for fault in refused.value.errors] == ["line 4.quantity"]
    assert PurchaseOrder.objects.count() == 0


def test_a_receipt_may_come_before_its_order(tenant: Tenant) -> None:
    make_goods_receipt()
    make_purchase_order()

    assert make_matched().verdict == "accept"


def test_a_receipt_put_right_counts_once(tenant: Tenant) -> None:
    make_purchase_order()
    make_goods_receipt(received=[("1", "50"), ("2", "20")])
    receipt = make_goods_receipt(received=[("1", "100"), ("2", "20")])

    assert (GoodsReceipt.objects.count(), receipt.lines.count()) == (1, 2)
    assert make_matched().verdict == "accept"


def test_what_was_refused_at_the_door_was_not_received(tenant: Tenant) -> None:
    make_purchase_order()
    lines = [
        {"order_line_id": "1", "quantity": "100", "rejected": "1"},
        {"order_line_id": "2", "quantity": "20"},
    ]
    make_goods_receipt(lines=lines)

    assert [reason["code"] for reason in make_matched().reasons] == ["over_received"]


def test_two_suppliers_may_number_their_despatches_alike(tenant: Tenant) -> None:
    for supplier in ("Nordwind", "Suedwind"):
        document: dict[str, Any] = {
            "number": "LS-1", "kind": "despatch", "supplier_name": supplier,
            "lines": [{"quantity": 1}],
        }  # fmt: skip
        services.import_goods_receipts(content=json.dumps(document).encode(), by=ADA)

    assert GoodsReceipt.objects.filter(kind="despatch").count() == 2


def test_another_tenants_order_is_none(tenant: Tenant, south: Tenant) -> None:
    make_purchase_order()
    make_goods_receipt()

    with inside(south):
        assert [reason["code"] for reason in make_matched().reasons] == ["order_not_found"]


def test_one_order_sent_by_two_at_once_is_one_order(yard: Tenant) -> None:
    ready, answers = threading.Barrier(2), []

    def work() -> None:
        with inside(yard):
            ready.wait(10)
            answers.append(orders("orders.csv"))
        connections.close_all()

    threads = [threading.Thread(target=work) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted((each.created, each.unchanged) for each in answers) == [(0, 2), (2, 0)]
    with inside(yard):
        assert PurchaseOrder.objects.count() == 2
