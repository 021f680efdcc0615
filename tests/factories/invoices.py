"""Supplier invoices as UBL, with the orders and receipts that they are matched with.

The makers go through the services, but read the document in this process: the sandbox has tests of
its own, and starting it for every invoice would take half a second each.
"""

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch
from xml.sax.saxutils import escape

from controlplane.core.actor import Actor, ActorKind
from controlplane.invoices import services
from controlplane.invoices.models import GoodsReceipt, Invoice, PurchaseOrder
from controlplane.invoices.normal import NormalInvoice
from controlplane.invoices.reading import Reading, entry

ADA = Actor(
    ActorKind.MEMBER, "1", "Ada Lovelace", frozenset({"approvals:decide", "invoices:submit"})
)
SUPPLIER = "Nordwind Seile GmbH"
VAT_ID = "DE123456789"
BUYER = "Hafen Logistik AG"
BUYER_VAT = "DE987654321"
IBAN = "DE89370400440532013000"

Line = tuple[str, str, str]
"""Item number, quantity, price of one. Lines are numbered from 1, as those of the order are."""

ROPES: Sequence[Line] = (("ROPE-10", "100", "4.00"), ("HOOK-3", "20", "2.50"))


def make_invoice(
    lines: Sequence[Line] = ROPES, *, content: bytes | None = None, read: bool = True, **fields: Any
) -> Invoice:
    """Received and read; `fields` are those of `ubl_invoice`. `read=False` leaves it received."""
    received = services.receive_invoice(
        chunks=[content if content is not None else ubl_invoice(lines, **fields)],
        filename=fields.get("filename", f"{fields.get('number', 'R-1001')}.xml"),
        content_type="application/xml",
        channel=Invoice.Channel.API,
        by=ADA,
    )
    if not read:
        return received.invoice
    with reading_in_process():
        return services.read_invoice(invoice_id=received.invoice.pk, by=ADA)


def make_purchase_order(
    number: str = "PO-1", lines: Sequence[Line] = ROPES, **fields: Any
) -> PurchaseOrder:
    """`fields` are those of the JSON API."""
    document = {
        "number": number,
        "supplier_name": SUPPLIER,
        "supplier_vat_id": VAT_ID,
        "currency": "EUR",
        "ordered_at": "2026-02-01",
        "lines": [
            {
                "line_id": str(position),
                "seller_item_id": item,
                "description": _name(item),
                "quantity": quantity,
                "unit": "C62",
                "unit_price": price,
            }
            for position, (item, quantity, price) in enumerate(lines, start=1)
        ],
    } | fields
    services.import_purchase_orders(content=json.dumps(document).encode(), by=ADA)
    return PurchaseOrder.objects.get(number=number)


def make_goods_receipt(
    number: str = "GR-1",
    received: Sequence[tuple[str, str]] = (("1", "100"), ("2", "20")),
    *,
    order: str = "PO-1",
    **fields: Any,
) -> GoodsReceipt:
    """`received`: number of the order line, and how much of it arrived."""
    document = {
        "number": number,
        "order_number": order,
        "received_at": "2026-02-20",
        "lines": [
            {"order_line_id": line, "quantity": quantity, "unit": "C62"}
            for line, quantity in received
        ],
    } | fields
    services.import_goods_receipts(content=json.dumps(document).encode(), by=ADA)
    return GoodsReceipt.objects.get(number=number, kind=document.get("kind", "receipt"))


def make_matched(lines: Sequence[Line] = ROPES, **fields: Any) -> Invoice:
    """Validated and matched, by whatever orders and receipts there are."""
    invoice = make_invoice(lines, **fields)
    services.validate_invoice(invoice_id=invoice.pk, by=ADA)
    return services.match_invoice(invoice_id=invoice.pk, by=ADA)


def ubl_invoice(
    lines: Sequence[Line] = ROPES,
    *,
    number: str = "R-1001",
    order: str = "PO-1",
    currency: str = "EUR",
    credits: str = "",
    tax_percent: str = "19",
    supplier: str = SUPPLIER,
    vat_id: str = VAT_ID,
    note: str = "",
    **_rest: Any,
) -> bytes:
    """It breaks no rule of EN 16931. With `credits` it is a credit note for that invoice."""
    amounts = [Decimal(quantity) * Decimal(price) for _item, quantity, price in lines]
    net = sum(amounts, start=Decimal(0)).quantize(Decimal("0.01"))
    tax = (net * Decimal(tax_percent) / 100).quantize(Decimal("0.01"))
    root, quantity_name = (
        ("CreditNote", "CreditedQuantity") if credits else ("Invoice", "InvoicedQuantity")
    )
    rows = "".join(
        f"""
  <cac:{root}Line>
    <cbc:ID>{position}</cbc:ID>
    <cbc:{quantity_name} unitCode="C62">{quantity}</cbc:{quantity_name}>
    <cbc:LineExtensionAmount currencyID="{currency}">{amount:.2f}</cbc:LineExtensionAmount>
    <cac:OrderLineReference><cbc:LineID>{position}</cbc:LineID></cac:OrderLineReference>
    <cac:Item>
      <cbc:Name>{escape(_name(item))}</cbc:Name>
      <cac:SellersItemIdentification><cbc:ID>{item}</cbc:ID></cac:SellersItemIdentification>
      {_category("ClassifiedTaxCategory", tax_percent)}
    </cac:Item>
    <cac:Price><cbc:PriceAmount currencyID="{currency}">{price}</cbc:PriceAmount></cac:Price>
  </cac:{root}Line>"""
        for position, ((item, quantity, price), amount) in enumerate(
            zip(lines, amounts, strict=True), start=1
        )
    )
    noted = f"<cbc:Note>{escape(note)}</cbc:Note>" if note else ""
    ordered = f"<cac:OrderReference><cbc:ID>{order}</cbc:ID></cac:OrderReference>" if order else ""
    due = "" if credits else "<cbc:DueDate>2026-03-31</cbc:DueDate>"
    preceding = (
        f"""<cac:BillingReference><cac:InvoiceDocumentReference><cbc:ID>{credits}</cbc:ID>
  </cac:InvoiceDocumentReference></cac:BillingReference>"""
        if credits
        else ""
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<{root} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{root}-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
  <cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID>
  <cbc:ID>{number}</cbc:ID>
  <cbc:IssueDate>2026-03-01</cbc:IssueDate>
  {due}
  <cbc:{root}TypeCode>{381 if credits else 380}</cbc:{root}TypeCode>
  {noted}
  <cbc:DocumentCurrencyCode>{currency}</cbc:DocumentCurrencyCode>
  {ordered}
  {preceding}
  <cac:AccountingSupplierParty>{_party(supplier, vat_id, "Hamburg")}</cac:AccountingSupplierParty>
  <cac:AccountingCustomerParty>{_party(BUYER, BUYER_VAT, "Bremen")}</cac:AccountingCustomerParty>
  <cac:PaymentMeans>
    <cbc:PaymentMeansCode>58</cbc:PaymentMeansCode>
    <cac:PayeeFinancialAccount><cbc:ID>{IBAN}</cbc:ID></cac:PayeeFinancialAccount>
  </cac:PaymentMeans>
  <cac:PaymentTerms><cbc:Note>30 days</cbc:Note></cac:PaymentTerms>
  <cac:TaxTotal>
    <cbc:TaxAmount currencyID="{currency}">{tax}</cbc:TaxAmount>
    <cac:TaxSubtotal>
      <cbc:TaxableAmount currencyID="{currency}">{net}</cbc:TaxableAmount>
      <cbc:TaxAmount currencyID="{currency}">{tax}</cbc:TaxAmount>
      {_category("TaxCategory", tax_percent)}
    </cac:TaxSubtotal>
  </cac:TaxTotal>
  <cac:LegalMonetaryTotal>
    <cbc:LineExtensionAmount currencyID="{currency}">{net}</cbc:LineExtensionAmount>
    <cbc:TaxExclusiveAmount currencyID="{currency}">{net}</cbc:TaxExclusiveAmount>
    <cbc:TaxInclusiveAmount currencyID="{currency}">{net + tax}</cbc:TaxInclusiveAmount>
    <cbc:PayableAmount currencyID="{currency}">{net + tax}</cbc:PayableAmount>
  </cac:LegalMonetaryTotal>{rows}
</{root}>
""".encode()


class reading_in_process:  # noqa: N801  (used as a function is)
    """Inside, documents are read without the sandbox."""

    def __enter__(self) -> None:
        self._patch = patch("controlplane.invoices.services.read.read_document", _read)
        self._patch.start()

    def __exit__(self, *_error: object) -> None:
        self._patch.stop()


def _read(path: Path, filename: str = "", content_type: str = "", **_more: Any) -> Reading:
    answer = entry.read({"path": str(path)})
    invoice = answer.pop("invoice")
    return Reading(**answer, invoice=NormalInvoice.from_json(invoice) if invoice else None)


def _name(item: str) -> str:
    return {"ROPE-10": "Mooring rope 10 mm", "HOOK-3": "Steel hook"}.get(item, f"Item {item}")


def _party(name: str, vat_id: str, city: str) -> str:
    return f"""<cac:Party>
    <cac:PostalAddress><cbc:StreetName>Kai 1</cbc:StreetName><cbc:CityName>{city}</cbc:CityName>
      <cbc:PostalZone>20457</cbc:PostalZone>
      <cac:Country><cbc:IdentificationCode>DE</cbc:IdentificationCode></cac:Country>
    </cac:PostalAddress>
    <cac:PartyTaxScheme><cbc:CompanyID>{vat_id}</cbc:CompanyID>
      <cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>
    <cac:PartyLegalEntity><cbc:RegistrationName>{escape(name)}</cbc:RegistrationName>
    </cac:PartyLegalEntity>
  </cac:Party>"""


def _category(name: str, percent: str) -> str:
    return (
        f"<cac:{name}><cbc:ID>S</cbc:ID><cbc:Percent>{percent}</cbc:Percent>"
        f"<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:{name}>"
    )
