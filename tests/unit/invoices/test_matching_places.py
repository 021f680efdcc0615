"""Where lines are found: on which order, on which of its lines."""

from typing import Any

import pytest

from controlplane.invoices.matching.papers import Item, Terms
from controlplane.invoices.normal import Party
from tests.factories.matching import (
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
