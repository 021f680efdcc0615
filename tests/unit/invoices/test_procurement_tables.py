"""CSV in all its dialects, and every bad row by its line and column."""

from pathlib import Path

import pytest

from controlplane.invoices.procurement.parsing import parse_orders, parse_receipts
from controlplane.invoices.procurement.typed import ImportRefused, PurchaseOrderIn

DATA = Path("tests/data/procurement")
HEAD = "order_number,currency,line_id,quantity,unit_price\n"


def faults(content: str | bytes) -> dict[str, str]:
    raw = content.encode() if isinstance(content, str) else content
    with pytest.raises(ImportRefused) as refused:
        parse_orders(raw)
    return {fault.field: fault.message for fault in refused.value.errors}


def prices(content: str) -> list[str]:
    [order] = parse_orders(content.encode())
    assert isinstance(order, PurchaseOrderIn)
    return [str(line.unit_price) for line in order.lines]


def test_rows_of_one_number_are_one_order() -> None:
    orders = parse_orders((DATA / "orders.csv").read_bytes())

    assert [(order.number, len(order.lines)) for order in orders] == [
        ("HL-2026-7", 2),
        ("HL-2026-8", 1),
    ]
    assert orders[0].lines[1].description == "Steel hook, galvanised"


def test_a_german_spreadsheet_says_the_same() -> None:
    plain = parse_orders((DATA / "orders.csv").read_bytes())
    german = parse_orders((DATA / "orders_german.csv").read_bytes())

    assert german == plain
    assert [each.digest() for each in german] == [each.digest() for each in plain]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(encoding: str) -> None:
    text = (DATA / "orders.csv").read_text()

    assert parse_orders(text.encode(encoding))[1].supplier_name == "Blech & Söhne"


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_delimiters_and_line_ends(sign: str) -> None:
    text = (HEAD + 'PO-1,EUR,1,"10","2.50"\n').replace(",", sign).replace("\n", "\r\n")

    assert prices(text) == ["2.50"]


def test_tabs_with_receipts() -> None:
    [receipt] = parse_receipts((DATA / "receipts.csv").read_bytes())

    assert [(str(line.quantity), str(line.rejected)) for line in receipt.lines] == [
        ("95", "5"),
        ("20", "0"),
    ]
    assert receipt.lines[0].order_number == "HL-2026-7"


def test_columns_by_the_names_of_other_programs() -> None:
    text = "PO Number;Currency;line_id;Qty;Price;SKU\nPO-1;EUR;1;10;2.5;A-1\n"

    [order] = parse_orders(text.encode())

    assert order.lines[0].buyer_item_id == "A-1"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("1,5", "1.5"),
        ("1.234,50", "1234.50"),
        ("0,125", "0.125"),
        ("12,3456", "12.3456"),
    ],
)
def test_decimal_commas(given: str, read: str) -> None:
    assert prices(HEAD.replace(",", ";") + f"PO-1;EUR;1;10;{given}\n") == [read]


def test_one_number_tells_how_the_others_are_meant() -> None:
    rows = "PO-1;EUR;1;10;1,234\nPO-1;EUR;2;1.000;0,5\n"

    [order] = parse_orders((HEAD.replace(",", ";") + rows).encode())

    assert [str(line.unit_price) for line in order.lines] == ["1.234", "0.5"]
    assert str(order.lines[1].quantity) == "1000"


def test_points_with_thousands() -> None:
    assert prices(HEAD + 'PO-1,EUR,1,10,"1,234.50"\nPO-1,EUR,2,1,"2,000"\n') == [
        "1234.50",
        "2000",
    ]


def test_what_can_be_read_in_two_ways_is_refused() -> None:
    found = faults(HEAD + 'PO-1,EUR,1,10,"1,234"\n')

    assert "may be 1234 or 1.234" in found["line 2.unit_price"]


def test_two_decimal_signs_in_one_file_are_refused() -> None:
    found = faults(HEAD.replace(",", ";") + "PO-1;EUR;1;10;1,50\nPO-1;EUR;2;10;1.50\n")

    assert list(found) == ["line 3.unit_price"]


def test_every_bad_row_is_named_with_line_and_column() -> None:
    text = (
        HEAD
        + "PO-1,EUR,1,ten,1\n"
        + "PO-1,EUR,2,-5,1\n"
        + "\n"
        + "PO-2,Euro,1,5,1\n"
        + ",EUR,1,5,1\n"
        + "PO-3,EUR,1,5\n"
    )

    assert set(faults(text)) == {"line 2.quantity", "line 7"}
    without = text.replace("ten", "10").replace("PO-3,EUR,1,5\n", "")
    assert set(faults(without)) == {"line 6.order_number"}
    assert set(faults(without.replace(",EUR,1,5,1\n", "", 1).replace("\n,", "\nPO-4,"))) >= {
        "line 3.quantity"
    }


def test_rows_of_one_order_must_not_contradict_one_another() -> None:
    found = faults(HEAD + "PO-1,EUR,1,10,1\nPO-1,USD,2,10,1\n")

    assert found == {"line 3.currency": "is USD, but EUR in an earlier row of PO-1"}


def test_two_rows_with_one_line_number_are_refused() -> None:
    found = faults(HEAD + "PO-1,EUR,1,10,1\nPO-1,EUR,1,10,1\n")

    assert found == {"line 2": "has two lines with the number 1"}


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("order_number,line_id\nPO-1,1\n", "line 1.currency"),
        (HEAD.replace("unit_price", "prise") + "PO-1,EUR,1,1,1\n", "line 1.prise"),
        (HEAD.replace("unit_price", "quantity") + "PO-1,EUR,1,1,1\n", "line 1.quantity"),
        (HEAD, "line 2"),
        (HEAD + 'PO-1,EUR,1,1,"1\n', "line 2"),
        (HEAD + "PO-1,EUR,1,1,1e400\n", "line 2.unit_price"),
        (HEAD + "PO-1,EUR,1,٣,1\n", "line 2.quantity"),
    ],
)
def test_what_is_wrong_with_the_table_is_named(content: str, field: str) -> None:
    assert field in faults(content)


@pytest.mark.parametrize("content", [b"", b"\0\1\2", b"\n\n"])
def test_what_is_no_table(content: bytes) -> None:
    with pytest.raises(ImportRefused):
        parse_orders(content)


class TestJson:
    LINE = '{"line_id": "1", "quantity": 10, "unit_price": 0.1}'

    def test_one_or_a_list_or_named(self) -> None:
        one = f'{{"number": "PO-1", "currency": "eur", "lines": [{self.LINE}]}}'

        found = [
            parse_orders(text.encode()) for text in (one, f"[{one}]", f'{{"orders": [{one}]}}')
        ]

        assert found[0] == found[1] == found[2]
        assert found[0][0].currency == "EUR"
        assert str(found[0][0].lines[0].unit_price) == "0.1"

    def test_fields_at_fault_by_their_path(self) -> None:
        text = '[{"number": "PO-1", "currency": "EUR", "lines": [{"line_id": "1", "prize": 1}]}]'

        assert faults(text) == {
            "0.lines.0.quantity": "is missing",
            "0.lines.0.prize": "is not a field that is known",
        }

    @pytest.mark.parametrize("text", ["[]", "{", "[" * 5000, '{"orders": []}'])
    def test_what_cannot_be_used(self, text: str) -> None:
        with pytest.raises(ImportRefused):
            parse_orders(text.encode())

    def test_one_number_twice(self) -> None:
        one = f'{{"number": "PO-1", "currency": "EUR", "lines": [{self.LINE}]}}'

        assert faults(f"[{one}, {one.replace('PO-1', 'po-1')}]") == {"po-1": "stands there twice"}

    def test_characters_that_cannot_be_kept(self) -> None:
        text = f'{{"number": "PO\\u0000", "currency": "EUR", "lines": [{self.LINE}]}}'

        assert "0.number" in faults(text)


class TestUbl:
    def test_an_order(self) -> None:
        [order] = parse_orders((DATA / "order.xml").read_bytes())

        assert isinstance(order, PurchaseOrderIn)
        assert (order.number, order.currency, order.supplier_vat_id) == (
            "HL-2026-7",
            "EUR",
            "DE123456789",
        )
        rope, hook = order.lines
        assert (rope.buyer_item_id, rope.seller_item_id, rope.unit) == ("HL-0815", "ROPE-10", "MTR")
        assert rope.unit_price is not None
        assert rope.unit_price / rope.price_base_quantity == 4
        assert hook.unit_price is not None  # from the line's amount
        assert hook.unit_price == 50 / hook.quantity

    def test_a_receipt_and_what_was_announced(self) -> None:
        [receipt] = parse_receipts((DATA / "receipt_advice.xml").read_bytes())
        [despatch] = parse_receipts((DATA / "despatch_advice.xml").read_bytes())

        assert (receipt.kind, despatch.kind) == ("receipt", "despatch")
        assert [int(line.quantity - line.rejected) for line in receipt.lines] == [90, 20]
        assert receipt.lines[0].order_line_id == "1"
        assert [int(line.quantity) for line in despatch.lines] == [100, 20]

    def test_a_document_of_another_kind(self) -> None:
        with pytest.raises(ImportRefused, match="/api/v1/goods-receipts"):
            parse_orders((DATA / "receipt_advice.xml").read_bytes())
        with pytest.raises(ImportRefused, match="another kind"):
            parse_orders(b"<Order/>")

    def test_entities_are_never_read(self) -> None:
        order = (DATA / "order.xml").read_text()
        hostile = order.replace(
            "<Order ", '<!DOCTYPE Order [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<Order ', 1
        ).replace("HL-2026-7", "&x;")

        with pytest.raises(ImportRefused, match="DOCTYPE"):
            parse_orders(hostile.encode())

    def test_a_quantity_that_is_none(self) -> None:
        order = (DATA / "order.xml").read_text().replace(">100<", ">many<")

        assert "0.lines.0.quantity" in faults(order)
