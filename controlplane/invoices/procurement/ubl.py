"""UBL 2.1 Order, OrderCancellation, ReceiptAdvice and DespatchAdvice. Runs in the reading process.

Elements are found by their local names below a root that its namespace names; 2.0 and 2.1 have the
same. What is not a number or a date is passed on as it stands, so that it is refused by its name.
"""

import base64
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from controlplane.invoices.reading.refusal import Refused
from controlplane.invoices.reading.xml import Node, parse

_NAMESPACE = "urn:oasis:names:specification:ubl:schema:xsd:{}-2"


def read(argument: dict[str, str]) -> dict[str, Any]:
    """`{"root", "document"}` of `argument["content"]` (base64), or why it is `{"refused"}`."""
    try:
        root = parse(base64.b64decode(argument["content"]))
        if root.name == "StandardBusinessDocument":
            root = next(iter(_children(root)), root)
        reader = _READERS.get(root.name)
        if reader is None or root.namespace != _NAMESPACE.format(root.name):
            raise Refused(
                "not_procurement",
                f"The XML is of another kind ({root.name[:60]}). Orders are read as UBL Order and "
                "OrderCancellation, receipts as UBL ReceiptAdvice and DespatchAdvice.",
            )
        return {"root": root.name, "document": reader(root)}
    except Refused as refused:
        return {"refused": {"code": refused.code, "message": refused.message}}


def _children(root: Node) -> list[Node]:
    return [found for name in _READERS for found in root.all(name)]


def _order(root: Node) -> dict[str, Any]:
    lines = [line for item in root.all("OrderLine/LineItem") if (line := _order_line(item))]
    return {
        "number": root.text("ID"),
        "supplier_name": _party_name(root.first("SellerSupplierParty/Party")),
        "supplier_vat_id": _vat_id(root.first("SellerSupplierParty/Party")),
        "buyer_name": _party_name(root.first("BuyerCustomerParty/Party")),
        "currency": _currency(root),
        "ordered_at": root.text("IssueDate"),
        "lines": lines,
    }


def _order_line(item: Node) -> dict[str, Any]:
    quantity = item.first("Quantity")
    price, base = item.text("Price/PriceAmount"), item.text("Price/BaseQuantity")
    amount = item.text("LineExtensionAmount")
    if not price and amount and quantity and quantity.value:
        price, base = _divided(amount, quantity.value), ""
    return {
        **_item(item.first("Item")),
        "line_id": item.text("ID"),
        "quantity": quantity.value if quantity else "",
        "unit": quantity.attribute("unitCode") if quantity else "",
        "unit_price": price,
        "price_base_quantity": base,
    }


def _cancellation(root: Node) -> dict[str, Any]:
    return {"number": root.text("OrderReference/ID"), "cancelled": True}


def _receipt(root: Node) -> dict[str, Any]:
    return {
        **_delivery(root, "ReceiptLine", "ReceivedQuantity"),
        "kind": "receipt",
        "received_at": root.text("IssueDate"),
    }


def _despatch(root: Node) -> dict[str, Any]:
    return {
        **_delivery(root, "DespatchLine", "DeliveredQuantity"),
        "kind": "despatch",
        "received_at": root.text("Shipment/Delivery/ActualDeliveryDate") or root.text("IssueDate"),
    }


def _delivery(root: Node, line_name: str, quantity_name: str) -> dict[str, Any]:
    orders = root.texts("OrderReference/ID")
    return {
        "number": root.text("ID"),
        "supplier_name": _party_name(
            root.first("DespatchSupplierParty/Party") or root.first("SellerSupplierParty/Party")
        ),
        # Several orders: then each line has to say which is its own.
        "order_number": orders[0] if len(orders) == 1 else "",
        "lines": [_delivery_line(line, quantity_name) for line in root.all(line_name)],
    }


def _delivery_line(line: Node, quantity_name: str) -> dict[str, Any]:
    quantity = line.first(quantity_name)
    reference = line.first("OrderLineReference")
    return {
        **_item(line.first("Item")),
        "line_id": line.text("ID"),
        "quantity": quantity.value if quantity else "",
        "unit": quantity.attribute("unitCode") if quantity else "",
        "rejected": line.text("RejectedQuantity"),
        "order_line_id": reference.text("LineID") if reference else "",
        "order_number": reference.text("OrderReference/ID") if reference else "",
    }


def _item(item: Node | None) -> dict[str, str]:
    if item is None:
        return {}
    return {
        "seller_item_id": item.text("SellersItemIdentification/ID"),
        "buyer_item_id": item.text("BuyersItemIdentification/ID"),
        "standard_item_id": item.text("StandardItemIdentification/ID"),
        "description": " ".join((item.text("Name") or item.text("Description")).split())[:500],
    }


def _party_name(party: Node | None) -> str:
    if party is None:
        return ""
    return party.text("PartyLegalEntity/RegistrationName") or party.text("PartyName/Name")


def _vat_id(party: Node | None) -> str:
    if party is None:
        return ""
    for scheme in party.all("PartyTaxScheme"):
        if scheme.text("TaxScheme/ID").upper() == "VAT":
            return scheme.text("CompanyID")
    return ""


def _currency(root: Node) -> str:
    if named := root.text("DocumentCurrencyCode") or root.text("PricingCurrencyCode"):
        return named
    amounts = (
        "OrderLine/LineItem/Price/PriceAmount",
        "OrderLine/LineItem/LineExtensionAmount",
        "AnticipatedMonetaryTotal/PayableAmount",
    )
    found = {node.attribute("currencyID") for path in amounts for node in root.all(path)} - {""}
    return found.pop() if len(found) == 1 else ""


def _divided(amount: str, quantity: str) -> str:
    try:
        return f"{round(Decimal(amount) / Decimal(quantity), 10):f}"
    except (InvalidOperation, ZeroDivisionError):
        return ""


_READERS: dict[str, Callable[[Node], dict[str, Any]]] = {
    "Order": _order,
    "OrderCancellation": _cancellation,
    "ReceiptAdvice": _receipt,
    "DespatchAdvice": _despatch,
}
