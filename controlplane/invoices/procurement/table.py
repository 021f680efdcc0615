"""CSV as purchasing systems write it: any usual delimiter, encoding and decimal sign.

One row is one line of an order or a receipt. The first row names the columns; a column that is not
known is refused rather than dropped, so that a misspelt one is noticed. What could be read in two
ways, such as 1,234 with no other number to tell what its comma means, is refused too.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from controlplane.core.errors import FieldError
from controlplane.invoices.procurement.typed import ImportRefused, refused

MOST_ROWS = 50_000
_DELIMITERS = ",;\t|"
# What other programs call a column.
_ALIASES = {
    "order": "order_number",
    "po_number": "order_number",
    "purchase_order": "order_number",
    "po_line": "order_line_id",
    "order_line": "order_line_id",
    "supplier": "supplier_name",
    "vendor": "supplier_name",
    "buyer": "buyer_name",
    "vat_id": "supplier_vat_id",
    "supplier_item_id": "seller_item_id",
    "vendor_item_id": "seller_item_id",
    "sku": "buyer_item_id",
    "item_id": "buyer_item_id",
    "gtin": "standard_item_id",
    "ean": "standard_item_id",
    "item": "description",
    "name": "description",
    "qty": "quantity",
    "uom": "unit",
    "unit_of_measure": "unit",
    "price": "unit_price",
    "order_date": "ordered_at",
    "receipt": "receipt_number",
    "grn": "receipt_number",
    "received": "quantity",
    "received_quantity": "quantity",
    "receipt_date": "received_at",
}
_WITH_COMMA = re.compile(r"[+-]?(\d+,\d{1,2}|\d+,\d{4,}|\d{1,3}(\.\d{3})+,\d+|0,\d+)")
_WITH_POINT = re.compile(r"[+-]?(\d{1,3}(,\d{3})+\.\d+|\d+\.\d{1,2}|\d+\.\d{4,}|0\.\d+)")
_GROUPED_BY_COMMA = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_GROUPED_BY_POINT = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?")


@dataclass(frozen=True)
class Row:
    """`at` is its first line in the file, as an editor counts."""

    at: int
    values: Mapping[str, str]


def read_rows(
    content: bytes, *, columns: Sequence[str], required: Sequence[str], numbers: Sequence[str]
) -> list[Row]:
    """The rows, with numbers in plain digits. Raises ImportRefused, naming line and column."""
    text = _decoded(content)
    names, rows = _table(text)
    faults = [
        FieldError(f"line 1.{name}", "is not a column that is known")
        for name in names
        if name not in columns
    ]
    faults += [FieldError(f"line 1.{name}", "is missing") for name in required if name not in names]
    faults += [
        FieldError(f"line 1.{name}", "stands there twice")
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    if faults:
        raise refused(faults)
    found: list[Row] = []
    for at, cells in rows:
        if len(cells) != len(names):
            faults.append(FieldError(f"line {at}", f"has {len(cells)} cells, not {len(names)}"))
            continue
        found.append(Row(at, dict(zip(names, cells, strict=True))))
    if not found and not faults:
        faults.append(FieldError("line 2", "is missing: there are no rows"))
    plain = list(_with_plain_numbers(found, numbers, faults))
    if faults:
        raise refused(faults)
    return plain


def _decoded(content: bytes) -> str:
    """UTF-8 with or without a mark, UTF-16 with one, else what Windows writes in Western Europe."""
    try:
        if content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return content.decode("utf-16")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def _table(text: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The columns' names and each row that is not empty, with the line where it begins."""
    if "\0" in text:
        raise ImportRefused("The file is not text. Export the table as CSV and send that.")
    header = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = max(_DELIMITERS, key=lambda sign: (header.count(sign), -_DELIMITERS.index(sign)))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    begins = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((begins, [cell.strip() for cell in cells]))
            begins = reader.line_num + 1
            if len(rows) > MOST_ROWS + 1:
                raise ImportRefused(
                    f"The table has more than {MOST_ROWS} rows. Send it in several parts."
                )
    except csv.Error as error:
        raise refused([FieldError(f"line {begins}", f"cannot be read: {error}")]) from error
    if not rows:
        raise ImportRefused("The file is empty. Send a table with a row of column names.")
    names = [re.sub(r"[\s-]+", "_", name.strip().lower()) for name in rows[0][1]]
    return [_ALIASES.get(name, name) for name in names], rows[1:]


def _with_plain_numbers(
    rows: Sequence[Row], numbers: Sequence[str], faults: list[FieldError]
) -> Iterator[Row]:
    """One decimal sign for the whole file: the one that some number leaves no doubt about."""
    given = [
        (row, name, re.sub(r"[\s\u00a0\u202f']", "", row.values[name]))
        for row in rows
        for name in numbers
        if row.values.get(name)
    ]
    comma = next((each for each in given if _WITH_COMMA.fullmatch(each[2])), None)
    point = next((each for each in given if _WITH_POINT.fullmatch(each[2])), None)
    if comma and point:
        faults.append(
            FieldError(
                f"line {point[0].at}.{point[1]}",
                f"is {point[2]}, with another decimal sign than {comma[2]} in line {comma[0].at}",
            )
        )
        return
    plain: dict[tuple[int, str], str] = {}
    for row, name, text in given:
        try:
            plain[row.at, name] = _plain(text, decimal_comma=bool(comma), is_sure=bool(point))
        except ValueError as error:
            faults.append(FieldError(f"line {row.at}.{name}", str(error)))
    for row in rows:
        changed = {name: plain[row.at, name] for name in numbers if (row.at, name) in plain}
        yield Row(row.at, {**row.values, **changed})


def _plain(text: str, *, decimal_comma: bool, is_sure: bool) -> str:
    if decimal_comma:
        bare = text.replace(".", "") if _GROUPED_BY_POINT.fullmatch(text) else text
        bare = bare.replace(",", ".")
    elif _GROUPED_BY_COMMA.fullmatch(text):
        if not is_sure:
            raise ValueError(
                f"is {text}, which may be {text.replace(',', '')} or {text.replace(',', '.')}: "
                "write it without a separator of thousands"
            )
        bare = text.replace(",", "")
    else:
        bare = text
    if not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)", bare, re.ASCII):
        raise ValueError(f"is {text[:40]}, not a number")
    return bare
