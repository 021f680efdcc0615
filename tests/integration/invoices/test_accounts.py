"""An invoice of a known supplier that is to be paid to an account that is not known."""

from typing import Any

import pytest

from controlplane.invoices import services
from controlplane.invoices.models import Invoice
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.invoices import (
    ADA,
    IBAN,
    make_goods_receipt,
    make_matched,
    make_purchase_order,
    ubl_invoice,
)

OTHER = "DE79100110012620017890"
TEN = [("ROPE-10", "10", "4.00")]


@pytest.fixture(autouse=True)
def ordered(tenant: Tenant) -> None:
    order_what_comes()


def order_what_comes() -> None:
    make_purchase_order()
    make_goods_receipt()


def from_account(iban: str, number: str, **fields: Any) -> Invoice:
    content = ubl_invoice(TEN, number=number, **fields).replace(IBAN.encode(), iban.encode())
    return make_matched(content=content, number=number)


def accepted(number: str = "R-1", iban: str = IBAN, **fields: Any) -> Invoice:
    invoice = from_account(iban, number, **fields)
    Invoice.objects.filter(pk=invoice.pk).update(verdict="accept")  # as if approved, where held
    return services.record_outcome(invoice_id=invoice.pk, outcome="accepted", note="", by=ADA)


def codes(invoice: Invoice) -> list[str]:
    return [reason["code"] for reason in invoice.reasons]


def test_a_known_supplier_with_a_new_account_is_held_and_says_what_to_do() -> None:
    accepted()

    invoice = from_account(OTHER, "R-2")

    assert invoice.verdict == "hold"
    [reason] = invoice.reasons
    assert reason["code"] == "bank_account_changed"
    assert "DE79 … 7890" in reason["message"]
    assert "call the supplier by a number that you know" in reason["message"]
    assert OTHER not in reason["message"]


def test_the_account_that_was_paid_before_is_no_news() -> None:
    accepted()
    spaced = "DE89 3704 0044 0532 0130 00"

    assert from_account(IBAN, "R-2").verdict == "accept"
    assert from_account(spaced, "R-3").verdict == "accept"
    assert from_account(IBAN.lower(), "R-4").verdict == "accept"


def test_a_new_account_is_known_once_an_invoice_with_it_was_accepted() -> None:
    accepted()
    accepted("R-2", OTHER)

    assert from_account(OTHER, "R-3").verdict == "accept"
    assert from_account(IBAN, "R-4").verdict == "accept"


def test_a_suppliers_first_invoice_and_one_without_an_account_are_not_held() -> None:
    first = from_account(IBAN, "R-1")
    second = from_account(OTHER, "R-2")  # nothing was accepted yet
    assert (first.verdict, second.verdict) == ("accept", "accept")

    accepted("R-3")
    without = ubl_invoice(TEN, number="R-4")
    start, end = without.index(b"<cac:PaymentMeans>"), without.index(b"<cac:PaymentTerms>")
    unpaid = make_matched(content=without[:start] + without[end:], number="R-4")

    assert unpaid.iban == ""
    assert "bank_account_changed" not in codes(unpaid)


def test_what_was_accepted_without_an_account_tells_of_none() -> None:
    first = from_account(IBAN, "R-1")
    services.record_outcome(invoice_id=first.pk, outcome="accepted", note="", by=ADA)
    Invoice.objects.filter(pk=first.pk).update(iban="")

    assert from_account(OTHER, "R-2").verdict == "accept"


def test_what_was_rejected_makes_no_account_known() -> None:
    accepted()
    forged = from_account(OTHER, "R-2")
    services.record_outcome(invoice_id=forged.pk, outcome="rejected", note="forged", by=ADA)

    assert codes(from_account(OTHER, "R-3")) == ["bank_account_changed"]


def test_leaving_out_the_vat_number_makes_no_other_supplier() -> None:
    accepted()

    forged = from_account(OTHER, "R-2", vat_id="")

    assert "bank_account_changed" in codes(forged)


def test_another_suppliers_account_says_nothing_of_this_one() -> None:
    accepted(supplier="Südwind Taue GmbH", vat_id="DE999999999", iban=OTHER)

    assert from_account(IBAN, "R-2").verdict == "accept"
    assert "bank_account_changed" not in codes(from_account(IBAN, "R-3"))


def test_one_tenants_payments_are_unknown_to_another(tenant: Tenant, south: Tenant) -> None:
    accepted()

    with inside(south):
        order_what_comes()
        assert from_account(OTHER, "R-2").verdict == "accept"
        accepted("R-3", OTHER)

    assert codes(from_account(OTHER, "R-4")) == ["bank_account_changed"]
