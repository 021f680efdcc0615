"""What the match says where lines, orders and receipts differ in one thing at a time."""

from dataclasses import replace
from decimal import Decimal

import pytest

from controlplane.invoices.matching.papers import Item, Terms
from controlplane.invoices.matching.result import CODES
from controlplane.invoices.normal import InvoiceLine
from tests.factories.matching import (
    TWO_WAY,
    D,
    codes,
    freight,
    invoice,
    line,
    matched,
    message,
    order,
    ordered,
    received,
)


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
            "Line 1 (Beeswax): 1.1 GBP each, ordered at 1 GBP; 10 GBP (+10.00%) more than agreed."
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


def test_a_line_with_nothing_in_it_is_held_not_crashed() -> None:
    found = matched(invoice(InvoiceLine()), order(ordered()))

    assert found.verdict == "hold"
    assert set(codes(found)) <= set(CODES)


def test_an_order_line_key_never_shows() -> None:
    told = matched(invoice(line()), order(ordered())).to_json()

    assert "order_key" not in told["lines"][0]
    assert isinstance(Decimal(told["lines"][0]["invoiced"]), Decimal)


def test_many_lines_of_one_order_line_are_told_shortly() -> None:
    lines = [line(str(number), "10", order_line_ref="1") for number in range(1, 31)]

    told = message(matched(invoice(*lines), order(ordered())), "over_ordered")

    assert told == (
        "Lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 20 more (Beeswax): 300 invoiced, 100 ordered."
    )


def test_descriptions_are_compared_only_where_there_are_few() -> None:
    """Thousands of lines without a number would take minutes; they are held as not ordered."""
    lines = [freight(str(number)) for number in range(210)]
    papers = [
        ordered(str(number), "1", "25", item=Item(description="Freight" if number == 0 else "Wax"))
        for number in range(200)
    ]

    few = matched(invoice(*lines[:3]), order(*papers))
    many = matched(invoice(*lines), order(*papers))

    assert few.lines[0].basis == "description"
    assert set(codes(many)) == {"charge_not_ordered"}
