"""From what was sent to typed orders and receipts: JSON, UBL or CSV, told apart by the content."""

import base64
import json
from typing import Any, TypeVar

from controlplane.core import sandbox
from controlplane.core.errors import FieldError
from controlplane.invoices.procurement import tables
from controlplane.invoices.procurement.typed import (
    Cancellation,
    GoodsReceiptIn,
    ImportRefused,
    PurchaseOrderIn,
    parse_all,
    refused,
)
from controlplane.invoices.reading.xml import looks_like_xml

SECONDS = 20
MEMORY_MB = 512
ORDER_ROOTS = ("Order", "OrderCancellation")
RECEIPT_ROOTS = ("ReceiptAdvice", "DespatchAdvice")

Document = TypeVar("Document", PurchaseOrderIn, GoodsReceiptIn)


def parse_orders(content: bytes) -> list[PurchaseOrderIn | Cancellation]:
    """Raises ImportRefused."""
    if looks_like_xml(content[:1024]):
        root, document = _ubl(content, ORDER_ROOTS, "goods-receipts")
        if root == "OrderCancellation":
            return [*parse_all(Cancellation, [document], {})]
        return [*parse_all(PurchaseOrderIn, [document], {})]
    if _looks_like_json(content):
        values = _json(content, "orders")
        return [*_each_once(parse_all(PurchaseOrderIn, values, {}))]
    found, places = tables.orders_in(content)
    return [*_each_once(parse_all(PurchaseOrderIn, found, places))]


def parse_receipts(content: bytes) -> list[GoodsReceiptIn]:
    """Raises ImportRefused."""
    if looks_like_xml(content[:1024]):
        _root, document = _ubl(content, RECEIPT_ROOTS, "purchase-orders")
        return parse_all(GoodsReceiptIn, [document], {})
    if _looks_like_json(content):
        return _each_once(parse_all(GoodsReceiptIn, _json(content, "receipts"), {}))
    found, places = tables.receipts_in(content)
    return _each_once(parse_all(GoodsReceiptIn, found, places))


def _ubl(content: bytes, roots: tuple[str, ...], other: str) -> tuple[str, dict[str, Any]]:
    try:
        answer = sandbox.run(
            "controlplane.invoices.procurement.ubl:read",
            {"content": base64.b64encode(content).decode()},
            seconds=SECONDS,
            memory_mb=MEMORY_MB,
        )
    except sandbox.Failed as failed:
        raise ImportRefused(
            f"The XML could not be read ({failed.reason}). Send the document in another form."
        ) from failed
    if fault := answer.get("refused"):
        raise ImportRefused(fault["message"], errors=(FieldError("file", fault["code"]),))
    root, document = answer["root"], answer["document"]
    if root not in roots:
        raise ImportRefused(
            f"The document is a UBL {root}. Send it to /api/v1/{other}.",
            errors=(FieldError("file", f"is a UBL {root}"),),
        )
    return root, document


def _looks_like_json(content: bytes) -> bool:
    return content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"{", b"["}


def _json(content: bytes, name: str) -> list[Any]:
    """One document, a list of them, or `{"orders": […]}`."""
    try:
        # Numbers as texts, so that 0.1 stays 0.1.
        value = json.loads(content.decode("utf-8-sig"), parse_float=str)
    except (ValueError, RecursionError) as error:
        raise ImportRefused(f"The body is not JSON in UTF-8: {str(error)[:200]}.") from error
    if isinstance(value, dict) and set(value) == {name}:
        value = value[name]
    values = value if isinstance(value, list) else [value]
    if not values:
        raise ImportRefused("The list is empty; there is nothing to import.")
    return values


def _each_once(documents: list[Document]) -> list[Document]:
    seen: set[tuple[str, ...]] = set()
    for document in documents:
        if document.identity in seen:
            raise refused([FieldError(document.number, "stands there twice")])
        seen.add(document.identity)
    return documents
