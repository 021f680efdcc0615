"""Sums, and what a credit note gives back."""

from dataclasses import replace
from typing import Any

import pytest

from controlplane.invoices.matching.papers import Terms
from controlplane.invoices.normal import NormalInvoice, Totals, VatBreakdown
from tests.factories.matching import (
    TWO_WAY,
    D,
    codes,
    invoice,
    line,
    matched,
    message,
    order,
    ordered,
)


class TestTotals:
    def totals(self, **more: str) -> Totals:
        given = {
            "line_net": "100", "without_vat": "100", "vat": "20", "with_vat": "120", "due": "120",
        } | more  # fmt: skip
        return Totals(**{name: D(value) for name, value in given.items()})

    def test_everything_fits(self) -> None:
        vat = (VatBreakdown(taxable_amount=D(100), tax_amount=D(20), rate=D(20)),)
        bill = invoice(line(), totals=self.totals(), vat=vat)

        assert matched(bill, order(ordered())).verdict == "accept"

    @pytest.mark.parametrize(
        ("name", "value"),
        [("line_net", "90"), ("without_vat", "101"), ("with_vat", "121"), ("due", "110")],
    )
    def test_each_sum_is_checked(self, name: str, value: str) -> None:
        found = matched(invoice(line(), totals=self.totals(**{name: value})), order(ordered()))

        assert "totals_wrong" in codes(found)

    def test_allowances_prepayment_and_rounding_are_in_the_sums(self) -> None:
        totals = self.totals(
            allowances="10", without_vat="90", vat="18", with_vat="108", paid="8.40",
            rounding="0.40", due="100",
        )  # fmt: skip

        assert matched(invoice(line(), totals=totals), order(ordered())).verdict == "accept"

    def test_tax_that_does_not_follow_from_its_rate(self) -> None:
        vat = (VatBreakdown(taxable_amount=D(100), tax_amount=D(25), rate=D(20)),)
        bill = invoice(line(), totals=self.totals(), vat=vat)

        assert len(matched(bill, order(ordered())).messages_of("totals_wrong")) == 2

    @pytest.mark.parametrize(
        ("disguise", "code"),
        [
            ({"rounding": "15", "due": "135"}, "charge_not_ordered"),
            ({"paid": "-15", "due": "135"}, "charge_not_ordered"),
            (
                {"allowances": "-15", "without_vat": "115", "with_vat": "135", "due": "135"},
                "charge_not_ordered",
            ),
            ({"vat": "99", "with_vat": "199", "due": "199"}, "totals_wrong"),
        ],
    )
    def test_a_charge_under_another_name_is_one(self, disguise: dict[str, str], code: str) -> None:
        found = matched(invoice(line(), totals=self.totals(**disguise)), order(ordered()))

        assert code in codes(found)

    @pytest.mark.parametrize(
        "totals",
        [
            Totals(due=D(900)),
            Totals(with_vat=D(900)),
            Totals(line_net=D(100), due=D(900)),
            Totals(without_vat=D(100), due=D(900)),
        ],
    )
    def test_what_is_to_be_paid_has_to_come_from_the_lines(self, totals: Totals) -> None:
        found = matched(invoice(line(), totals=totals), order(ordered()))

        assert "900 GBP is to be paid for 100 GBP before tax" in message(found, "totals_wrong")

    def test_a_credit_note_that_asks_for_money_is_held(self) -> None:
        bill = invoice(line(quantity="-100"), is_credit_note=True, preceding_invoices=("R-1",))
        found = matched(bill, order(ordered()), preceding_known=True)

        assert "asks for money" in message(found, "totals_wrong")

    def test_a_charge_on_the_whole_invoice_is_held_unless_tolerated(self) -> None:
        totals = self.totals(charges="15", without_vat="115", vat="23", with_vat="138", due="138")
        bill = invoice(line(), totals=totals)
        terms = replace(TWO_WAY, price_amount=D(15), price_currency="GBP")

        assert codes(matched(bill, order(ordered()))) == ["charge_not_ordered"]
        assert matched(bill, order(ordered()), terms=terms).verdict == "accept"

    def test_an_invoice_without_lines(self) -> None:
        bill = NormalInvoice(number="1", currency="GBP", order_ref="PO-1")

        assert codes(matched(bill, order(ordered()))) == ["no_lines"]


class TestCreditNotes:
    def credit(self, quantity: str = "40", price: str = "1", **more: Any) -> NormalInvoice:
        given: dict[str, Any] = {"is_credit_note": True, "preceding_invoices": ("R-1",)}
        return invoice(line(quantity=quantity, price=price), **(given | more))

    def test_what_was_invoiced_can_be_credited(self) -> None:
        found = matched(
            self.credit(), order(ordered()), invoiced_before={"key 1": D(100)},
            preceding_known=True, terms=Terms(),
        )  # fmt: skip

        assert found.verdict == "accept", codes(found)
        assert found.lines[0].invoiced == -40

    def test_never_more_than_was_invoiced(self) -> None:
        found = matched(
            self.credit(), order(ordered()), invoiced_before={"key 1": D(30)}, preceding_known=True
        )

        assert message(found, "over_credited") == (
            "Line 1 (Beeswax): 40 credited, 30 invoiced before."
        )

    def test_less_money_back_than_was_paid(self) -> None:
        found = matched(
            self.credit(price="0.80"), order(ordered()), invoiced_before={"key 1": D(100)},
            preceding_known=True,
        )  # fmt: skip

        assert message(found, "price_above").endswith("8 GBP (+20.00%) credited with less.")

    def test_it_has_to_name_an_invoice_that_is_known(self) -> None:
        unnamed = matched(
            self.credit(preceding_invoices=()), order(ordered()), invoiced_before={"key 1": D(100)}
        )
        unknown = matched(self.credit(), order(ordered()), invoiced_before={"key 1": D(100)})

        assert codes(unnamed) == codes(unknown) == ["no_preceding_invoice"]
        assert "R-1" in message(unknown, "no_preceding_invoice")

    def test_without_an_order_of_its_own_it_is_of_the_invoices_order(self) -> None:
        found = matched(
            self.credit(order_ref=""), order(ordered(), status="closed"),
            invoiced_before={"key 1": D(100)}, preceding_known=True,
        )  # fmt: skip

        assert found.verdict == "accept", codes(found)
        assert found.order_numbers == ("PO-1",)

    def test_a_return_on_an_invoice_counts_as_a_credit(self) -> None:
        bill = invoice(line("1", "-10"))

        over = matched(bill, order(ordered()))
        fine = matched(bill, order(ordered()), invoiced_before={"key 1": D(10)})

        assert (codes(over), fine.verdict) == (["over_credited"], "accept")
