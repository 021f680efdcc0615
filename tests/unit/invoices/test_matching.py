"""What the match says where lines, orders and receipts differ in one thing at a time."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from controlplane.invoices.matching.engine import match
from controlplane.invoices.matching.papers import Item, Papers, Terms
from controlplane.invoices.matching.result import CODES, Match
from controlplane.invoices.normal import InvoiceLine, NormalInvoice, Party, Totals, VatBreakdown
from tests.factories.matching import (
    D,
    codes,
    freight,
    invoice,
    line,
    message,
    order,
    ordered,
    received,
)

TWO_WAY = Terms(mode="two_way")


def matched(
    bill: NormalInvoice,
    *orders: Any,
    got: tuple[Any, ...] = (),
    terms: Terms = TWO_WAY,
    **more: Any,
) -> Match:
    return match(bill, Papers(orders=orders, receipts=got, **more), terms)


def test_ordered_received_and_invoiced_alike_is_accepted() -> None:
    found = matched(invoice(line()), order(ordered()), got=(received(),), terms=Terms())

    assert found.verdict == "accept", codes(found)
    assert found.lines[0].basis == "item"
    assert found.order_numbers == ("PO-1",)
    assert found.mode == "three_way"


def test_less_received_than_invoiced_is_held_and_names_the_line() -> None:
    """The published chain of OASIS: ordered 100, received 90, invoiced 100."""
    found = matched(
        invoice(line(order_line_ref="1")),
        order(ordered()),
        got=(received("90"), received("90", is_announced=True)),
        terms=Terms(),
    )

    assert codes(found) == ["over_received"]
    assert message(found, "over_received") == (
        "Line 1 (Beeswax): 100 invoiced, 90 received (90 announced by the supplier)."
    )
    assert found.lines_with("over_received") == ["1"]
    assert found.lines[0].to_json() | {"reasons": []} == {
        "line": "1",
        "position": 1,
        "item": "Beeswax",
        "item_id": "17589683",
        "order_number": "PO-1",
        "order_line": "1",
        "basis": "order_line",
        "unit": "KGM",
        "ordered_unit": "KGM",
        "verdict": "hold",
        "invoiced": "100",
        "ordered": "100",
        "received": "90",
        "despatched": "90",
        "invoiced_before": "0",
        "unit_price": "1",
        "ordered_price": "1",
        "net": "100",
        "expected_net": "100",
        "reasons": [],
    }


def test_two_way_shows_receipts_and_does_not_ask_for_them() -> None:
    found = matched(invoice(line()), order(ordered()), got=(received("90"),))

    assert found.verdict == "accept"
    assert found.lines[0].received == 90


def test_what_the_supplier_announced_is_not_received() -> None:
    found = matched(
        invoice(line()), order(ordered()), got=(received(is_announced=True),), terms=Terms()
    )

    assert message(found, "no_receipt") == (
        "Line 1 (Beeswax): 100 invoiced, nothing received (100 announced by the supplier)."
    )


def test_receipts_of_several_deliveries_count_together() -> None:
    got = (received("40"), received("50", line_id=""), received("10"))

    assert matched(invoice(line()), order(ordered()), got=got, terms=Terms()).verdict == "accept"


def test_receipts_of_another_order_do_not_count() -> None:
    got = (received(order_number="PO-2"),)

    found = matched(invoice(line()), order(ordered()), got=got, terms=Terms())

    assert codes(found) == ["no_receipt"]


class TestQuantities:
    def test_more_than_ordered(self) -> None:
        found = matched(invoice(line(quantity="101")), order(ordered()))

        assert message(found, "over_ordered") == "Line 1 (Beeswax): 101 invoiced, 100 ordered."

    def test_a_part_of_the_order_is_fine(self) -> None:
        assert matched(invoice(line(quantity="40")), order(ordered())).verdict == "accept"

    def test_what_was_invoiced_before_counts(self) -> None:
        before = {"key 1": D(60)}

        fits = matched(invoice(line(quantity="40")), order(ordered()), invoiced_before=before)
        over = matched(invoice(line(quantity="41")), order(ordered()), invoiced_before=before)

        assert fits.verdict == "accept"
        assert message(over, "over_ordered") == (
            "Line 1 (Beeswax): 41 invoiced after 60 before, 100 ordered."
        )

    def test_two_lines_of_one_order_line_count_together(self) -> None:
        both = invoice(line("1", "60", order_line_ref="1"), line("2", "60", order_line_ref="1"))

        found = matched(both, order(ordered()))

        assert found.lines_with("over_ordered") == ["1", "2"]
        assert message(found, "over_ordered").startswith("Lines 1 and 2 (Beeswax): 120 invoiced")

    @pytest.mark.parametrize(("percent", "expected"), [("4.9", "hold"), ("5", "accept")])
    def test_the_tolerance_is_of_what_was_ordered_and_received(
        self, percent: str, expected: str
    ) -> None:
        terms = Terms(quantity_percent=D(percent))

        found = matched(
            invoice(line(quantity="105")), order(ordered()), got=(received("100"),), terms=terms
        )

        assert found.verdict == expected

    def test_a_line_without_quantity_is_held(self) -> None:
        found = matched(invoice(replace(line(), quantity=None)), order(ordered()))

        assert "incomplete_line" in codes(found)


class TestPrices:
    def test_a_higher_price_is_held(self) -> None:
        found = matched(invoice(line(price="1.10")), order(ordered()))

        assert message(found, "price_above") == (
            "Line 1 (Beeswax): 1.1 GBP each, ordered at 1 GBP; 10 GBP (+10.00 %) more than agreed."
        )

    def test_a_lower_price_is_fine(self) -> None:
        assert matched(invoice(line(price="0.90")), order(ordered())).verdict == "accept"

    @pytest.mark.parametrize(
        ("percent", "amount", "expected"),
        [
            ("0", "0", "hold"),
            ("10", "0", "accept"),
            ("9.9", "0", "hold"),
            ("0", "10", "accept"),
            ("0", "9.99", "hold"),
            ("10", "10", "accept"),
            ("50", "9", "hold"),  # both limits that are set have to be kept
            ("5", "500", "hold"),
        ],
    )
    def test_within_every_limit_that_is_set(self, percent: str, amount: str, expected: str) -> None:
        terms = replace(
            TWO_WAY, price_percent=D(percent), price_amount=D(amount), price_currency="GBP"
        )

        found = matched(invoice(line(price="1.10")), order(ordered()), terms=terms)

        assert found.verdict == expected

    def test_an_amount_in_another_currency_tolerates_nothing(self) -> None:
        terms = replace(TWO_WAY, price_amount=D(1000), price_currency="EUR")

        assert matched(invoice(line(price="1.10")), order(ordered()), terms=terms).verdict == "hold"

    def test_prices_are_compared_for_one_unit(self) -> None:
        bill = invoice(line(price="10", price_base_quantity=D(10), net_amount=D(100)))

        assert matched(bill, order(ordered(price="100", base=D(100)))).verdict == "accept"
        assert codes(matched(bill, order(ordered(price="99", base=D(100))))) == ["price_above"]

    def test_an_allowance_on_the_line_lowers_what_is_charged(self) -> None:
        bill = invoice(line(price="1.10", net_amount=D(100)))

        assert matched(bill, order(ordered())).verdict == "accept"

    def test_a_charge_on_the_line_is_found_in_its_amount(self) -> None:
        found = matched(invoice(line(net_amount=D(120))), order(ordered()))

        assert codes(found) == ["line_wrong", "price_above"]

    def test_rounding_a_line_to_cents_is_no_difference(self) -> None:
        bill = invoice(line(quantity="3", price="0.3333", net_amount=D("1.00")))

        assert matched(bill, order(ordered(price="0.3333"))).verdict == "accept"

    def test_yen_have_no_cents(self) -> None:
        bill = invoice(line(quantity="3", price="33.4", net_amount=D(100)), currency="JPY")

        assert matched(bill, order(ordered(price="33.4"), currency="JPY")).verdict == "accept"

    def test_an_order_without_a_price_holds(self) -> None:
        assert codes(matched(invoice(line()), order(ordered(price=None)))) == ["no_order_price"]


class TestLines:
    def test_the_order_line_that_is_named_wins_over_the_item(self) -> None:
        papers = order(ordered("1"), ordered("2", quantity="5"))

        found = matched(invoice(line(quantity="5", order_line_ref="2")), papers)

        assert found.lines[0].order_line == "2"
        assert found.verdict == "accept"

    def test_leading_zeros_of_a_line_number_do_not_matter(self) -> None:
        bill = invoice(line(order_line_ref="10"))

        found = matched(bill, order(ordered("00010")))

        assert found.lines[0].basis == "order_line"

    def test_a_named_line_of_another_item_is_held(self) -> None:
        bill = invoice(line(order_line_ref="1", seller_item_id="OTHER"))

        assert codes(matched(bill, order(ordered()))) == ["item_differs"]

    def test_one_identifier_that_agrees_is_enough(self) -> None:
        item = Item(seller_id="ANOTHER", buyer_id="6578489", description="Beeswax")
        bill = invoice(line(order_line_ref="1", buyer_item_id="6578489"))

        assert matched(bill, order(ordered(item=item))).verdict == "accept"

    def test_identifiers_of_different_kinds_are_not_compared(self) -> None:
        item = Item(buyer_id="17589683", description="Candles")

        found = matched(invoice(line()), order(ordered(item=item)))

        assert codes(found) == ["not_ordered"]
        assert "item 17589683" in message(found, "not_ordered")

    def test_a_description_alone_is_a_weak_match(self) -> None:
        bill = invoice(line(seller_item_id="", name="Beeswax, yellow, grade A"))
        item = Item(description="Beeswax yellow grade A")

        found = matched(bill, order(ordered(item=item)))

        assert found.lines[0].basis == "description"
        assert codes(found) == ["weak_match"]

    def test_two_descriptions_alike_are_no_match(self) -> None:
        bill = invoice(line(seller_item_id="", name="Beeswax yellow"))
        papers = order(
            ordered("1", item=Item(description="Beeswax yellow")),
            ordered("2", item=Item(description="Beeswax yellow ")),
        )

        assert codes(matched(bill, papers)) == ["charge_not_ordered"]

    def test_a_line_is_never_given_to_another_item_because_its_own_is_used_up(self) -> None:
        papers = order(
            ordered("1", "10"),
            ordered("2", "90", item=Item(seller_id="OTHER", description="Beeswax")),
        )

        found = matched(invoice(line("1", "10"), line("2", "90")), papers)

        assert [each.order_line for each in found.lines] == ["1", "1"]
        assert "over_ordered" in codes(found)

    def test_an_item_on_two_order_lines_belongs_to_both(self) -> None:
        papers = order(ordered("1", "60"), ordered("2", "40"))
        got = (received("60", "1"), received("40", "2"))

        whole = matched(invoice(line(quantity="100")), papers, got=got, terms=Terms())
        split = matched(invoice(line("1", "40"), line("2", "60")), papers, got=got, terms=Terms())
        over = matched(invoice(line(quantity="101")), papers, got=got, terms=Terms())

        assert (whole.verdict, split.verdict, over.verdict) == ("accept", "accept", "hold")
        assert {each.order_line for each in split.lines} == {"1", "2"}
        assert codes(over) == ["over_ordered", "over_received"]

    def test_of_two_order_lines_of_one_item_the_one_at_that_price(self) -> None:
        papers = order(ordered("1", price="1"), ordered("2", price="2"))

        found = matched(invoice(line(price="2")), papers)

        assert (found.lines[0].order_line, found.verdict) == ("2", "accept")

    def test_freight_that_nobody_ordered_is_held(self) -> None:
        found = matched(invoice(line(), freight()), order(ordered()))

        assert codes(found) == ["charge_not_ordered"]
        assert found.lines_with("charge_not_ordered") == ["9"]

    def test_freight_that_was_ordered_is_matched_by_its_line(self) -> None:
        papers = order(
            ordered(), ordered("2", "1", "25", item=Item(description="Freight"), unit="")
        )

        found = matched(invoice(line(), freight(order_line_ref="2")), papers)

        assert found.verdict == "accept"

    @pytest.mark.parametrize(("unit", "expected"), [("GRM", "hold"), ("", "accept")])
    def test_another_unit_is_held(self, unit: str, expected: str) -> None:
        assert matched(invoice(line(unit=unit)), order(ordered())).verdict == expected

    def test_codes_for_a_piece_are_one_unit(self) -> None:
        bill = invoice(line(unit="C62"))

        assert matched(bill, order(ordered(unit="EA"))).verdict == "accept"

    def test_what_was_received_in_another_unit_is_held(self) -> None:
        got = (received("100", unit="XBX"),)

        found = matched(invoice(line()), order(ordered()), got=got, terms=Terms())

        assert "unit_differs" in codes(found)

    def test_lines_nobody_invoiced_are_told(self) -> None:
        papers = order(ordered(), ordered("2", "5", item=Item(seller_id="X", description="Wick")))

        found = matched(invoice(line()), papers)

        assert [each.to_json()["item"] for each in found.not_invoiced] == ["Wick"]
        assert found.verdict == "accept"


class TestOrders:
    def test_no_order(self) -> None:
        found = matched(invoice(line(), order_ref=""))

        assert codes(found) == ["no_order"]
        assert found.lines[0].reasons == ()

    def test_an_order_that_is_not_known(self) -> None:
        found = matched(invoice(line(), order_ref="PO-9"), order(ordered()))

        assert message(found, "order_not_found") == "Purchase order PO-9 is not known."
        assert found.order_numbers == ("PO-9",)

    def test_several_orders_in_one_invoice(self) -> None:
        bill = invoice(
            line("1", order_ref="PO-1", order_line_ref="1"),
            line("2", "5", "2", order_ref="po-2", order_line_ref="1"),
            order_ref="",
        )
        other = order(ordered("1", "5", "2", key="other"), number="PO-2")

        found = matched(bill, order(ordered()), other)

        assert found.verdict == "accept", codes(found)
        assert [each.order_number for each in found.lines] == ["PO-1", "PO-2"]

    def test_several_orders_in_one_reference(self) -> None:
        other = order(
            ordered("2", "5", item=Item(seller_id="W", description="Wick"), key="w"), number="PO-2"
        )
        wick = line("2", "5", seller_item_id="W", name="Wick")

        found = matched(invoice(line(), wick, order_ref="PO-1; PO-2"), order(ordered()), other)

        assert found.verdict == "accept", codes(found)

    def test_a_line_number_in_several_orders_is_told_apart_by_the_item(self) -> None:
        wick = Item(seller_id="W", description="Wick")
        other = order(ordered("1", "5", item=wick, key="w"), number="PO-2")
        bill = invoice(
            line("1", "5", seller_item_id="W", name="Wick", order_line_ref="1"),
            order_ref="PO-1, PO-2",
        )

        assert matched(bill, order(ordered()), other).lines[0].order_number == "PO-2"

    @pytest.mark.parametrize("status", ["closed", "cancelled"])
    def test_an_order_that_is_over(self, status: Any) -> None:
        found = matched(invoice(line()), order(ordered(), status=status))

        assert codes(found) == [f"order_{status}"]

    def test_another_currency(self) -> None:
        found = matched(invoice(line()), order(ordered(), currency="EUR"))

        assert message(found, "currency_differs") == (
            "Purchase order PO-1 is in EUR, the invoice in GBP."
        )

    @pytest.mark.parametrize(
        ("name", "vat_id", "expected"),
        [
            ("Consortial", "", "accept"),
            ("CONSORTIAL Ltd.", "", "accept"),
            ("The Terminus", "", "hold"),
            ("The Terminus", "GB175269355", "accept"),
            ("Consortial", "GB000000000", "hold"),
            ("", "", "accept"),
        ],
    )
    def test_another_supplier(self, name: str, vat_id: str, expected: str) -> None:
        bill = invoice(line(), seller=Party(name="Consortial", vat_id="GB 175269355"))

        found = matched(bill, order(ordered(), supplier_name=name, supplier_vat_id=vat_id))

        assert found.verdict == expected, codes(found)

    def test_another_buyer(self) -> None:
        bill = invoice(line(), buyer=Party(name="Somebody Else"))

        assert codes(matched(bill, order(ordered(), buyer_name="IYT Corporation"))) == [
            "buyer_differs"
        ]


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

        assert message(found, "price_above").endswith("8 GBP (+20.00 %) credited with less.")

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


def test_a_line_with_nothing_in_it_is_held_not_crashed() -> None:
    found = matched(invoice(InvoiceLine()), order(ordered()))

    assert found.verdict == "hold"
    assert set(codes(found)) <= set(CODES)


def test_an_order_line_key_never_shows() -> None:
    told = matched(invoice(line()), order(ordered())).to_json()

    assert "order_key" not in told["lines"][0]
    assert isinstance(Decimal(told["lines"][0]["invoiced"]), Decimal)
