"""The same invoice a second time, in another document: it must not be paid twice."""

import pytest

from controlplane.invoices import services
from controlplane.invoices.models import Invoice
from controlplane.invoices.services.duplicates import number_key
from tenants.models import Tenant
from tests.factories.invoices import (
    ADA,
    make_goods_receipt,
    make_matched,
    make_purchase_order,
)

# Less than half of what was ordered and received, so that only its number tells a second one.
SOME = (("ROPE-10", "40", "4.00"),)


@pytest.fixture
def goods(tenant: Tenant) -> None:
    make_purchase_order()
    make_goods_receipt()


def invoiced(number: str, note: str = "", **fields: str) -> Invoice:
    return make_matched(SOME, number=number, note=note, **fields)


def codes(invoice: Invoice) -> list[str]:
    return [reason["code"] for reason in invoice.reasons]


@pytest.mark.parametrize("again", ["R-1001", "r-1001", "R1001", "R 1001", "R-01001"])
def test_a_number_written_in_another_way_is_the_same_number(goods: None, again: str) -> None:
    first = invoiced("R-1001")

    second = invoiced(again, note="once more")

    assert (first.verdict, second.verdict, codes(second)) == ("accept", "hold", ["duplicate"])


def test_a_supplier_that_leaves_out_its_vat_number_is_the_same_supplier(goods: None) -> None:
    first = invoiced("R-1001")
    Invoice.objects.filter(pk=first.pk).update(supplier_key="nordwindseilegmbh", supplier_vat_id="")

    assert "duplicate" in codes(invoiced("R-1001", note="once more"))


def test_other_numbers_are_other_invoices(goods: None) -> None:
    invoiced("2026-1-12")

    assert codes(invoiced("2026-11-2")) == []


def test_of_those_that_are_left_when_the_first_is_rejected_one_is_paid(goods: None) -> None:
    first, second, third = (invoiced("R-1", note=note) for note in ("", "b", "c"))
    services.record_outcome(invoice_id=first.pk, outcome="rejected", note="", by=ADA)

    third = services.match_invoice(invoice_id=third.pk, by=ADA)
    second = services.match_invoice(invoice_id=second.pk, by=ADA)

    assert (codes(second), codes(third)) == ([], ["duplicate"])


@pytest.mark.parametrize(
    ("number", "key"),
    [("R-001", "r-1"), ("r1", "r-1"), ("000", "0"), ("2026/0007", "2026-7"), ("#", "#")],
)
def test_a_number_has_one_form(number: str, key: str) -> None:
    assert number_key(number) == key
