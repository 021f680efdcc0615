"""Rows of a CSV table put together to orders and receipts."""

from collections.abc import Mapping, Sequence
from typing import Any

from controlplane.core.errors import FieldError
from controlplane.invoices.procurement.table import Row, read_rows
from controlplane.invoices.procurement.typed import refused

_ITEM = ("seller_item_id", "buyer_item_id", "standard_item_id", "description", "unit")
ORDER_HEADER = (
    "supplier_name", "supplier_vat_id", "buyer_name", "currency", "ordered_at", "status",
)  # fmt: skip
ORDER_LINE = ("line_id", *_ITEM, "quantity", "unit_price", "price_base_quantity")
ORDER_COLUMNS = ("order_number", *ORDER_HEADER, *ORDER_LINE)
RECEIPT_HEADER = ("kind", "supplier_name", "received_at")
RECEIPT_LINE = ("line_id", "order_number", "order_line_id", *_ITEM, "quantity", "rejected")
RECEIPT_COLUMNS = ("receipt_number", *RECEIPT_HEADER, *RECEIPT_LINE)

Places = dict[tuple[str | int, ...], str]
"""Where in the table each value of the result stands."""


def orders_in(content: bytes) -> tuple[list[dict[str, Any]], Places]:
    """Raises ImportRefused."""
    rows = read_rows(
        content,
        columns=ORDER_COLUMNS,
        required=("order_number", "currency", "line_id", "quantity"),
        numbers=("quantity", "unit_price", "price_base_quantity"),
    )
    return _grouped(rows, "order_number", ORDER_HEADER, ORDER_LINE)


def receipts_in(content: bytes) -> tuple[list[dict[str, Any]], Places]:
    """Raises ImportRefused."""
    rows = read_rows(
        content,
        columns=RECEIPT_COLUMNS,
        required=("receipt_number", "order_number", "quantity"),
        numbers=("quantity", "rejected"),
    )
    return _grouped(rows, "receipt_number", RECEIPT_HEADER, RECEIPT_LINE)


def _grouped(
    rows: Sequence[Row], key: str, header: Sequence[str], line: Sequence[str]
) -> tuple[list[dict[str, Any]], Places]:
    """Rows with one number are one document; what they say of it as a whole must not differ."""
    found: dict[str, dict[str, Any]] = {}
    places: Places = {}
    faults: list[FieldError] = []
    for row in rows:
        number = row.values[key]
        if not number:
            faults.append(FieldError(f"line {row.at}.{key}", "is missing"))
            continue
        document = found.setdefault(number, {"number": number, "lines": []})
        index = list(found).index(number) if not document["lines"] else document["_index"]
        document["_index"] = index
        for name in header:
            value = row.values.get(name, "")
            if value and document.setdefault(name, value) != value:
                faults.append(
                    FieldError(
                        f"line {row.at}.{name}",
                        f"is {value[:60]}, but {document[name][:60]} in an earlier row of {number}",
                    )
                )
            places.setdefault((index, name), f"line {row.at}.{name}")
        places.setdefault((index,), f"line {row.at}")
        places[index, "lines", len(document["lines"])] = f"line {row.at}"
        document["lines"].append(_picked(row.values, line))
    if faults:
        raise refused(faults)
    for document in found.values():
        del document["_index"]
    return list(found.values()), places


def _picked(values: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    return {name: values[name] for name in names if values.get(name)}
