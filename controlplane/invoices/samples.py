"""Invoices of nobody: what the test button sends, and what a sandbox begins with."""

import json
import uuid
from datetime import UTC, datetime, timedelta

from controlplane.core.actor import Actor
from controlplane.invoices.models import Invoice

_CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
_CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"


_START = datetime(2026, 1, 12, tzinfo=UTC)
# (number, order): one for an order of which all arrived, one of which some did, one for none.
_SAMPLES = (("S-2001", "SPO-1"), ("S-2002", "SPO-2"), ("S-2003", "SPO-9"))
_ARRIVED = {"SPO-1": 50, "SPO-2": 20}


def add_sample_invoices(by: Actor) -> None:
    """Orders, receipts and invoices; the documents are read as any that is uploaded."""
    from controlplane.invoices.services.intake import receive_invoice
    from controlplane.invoices.services.procurement import (
        import_goods_receipts,
        import_purchase_orders,
    )

    line = {"line_id": "1", "seller_item_id": "ROPE-10", "description": "Mooring rope",
            "unit": "MTR"}  # fmt: skip
    for number, arrived in _ARRIVED.items():
        order = {"number": number, "currency": "EUR", "supplier_name": "Sample Ropes GmbH",
                 "lines": [{**line, "quantity": 50, "unit_price": "2.00"}]}  # fmt: skip
        import_purchase_orders(content=json.dumps(order).encode(), by=by)
        receipt = {"number": f"R-{number}", "order_number": number,
                   "lines": [{**line, "quantity": arrived}]}  # fmt: skip
        import_goods_receipts(content=json.dumps(receipt).encode(), by=by)
    for at, (number, about) in enumerate(_SAMPLES):
        receive_invoice(
            chunks=[sample_invoice(_START + timedelta(days=at), number=number, order=about)],
            filename=f"{number}.xml",
            content_type="application/xml",
            channel=Invoice.Channel.API,
            external_id=f"synthetic-{number}",
            by=by,
        )


def sample_invoice(now: datetime, *, number: str = "", order: str = "TEST") -> bytes:
    """UBL that breaks no rule of EN 16931, with a number that was never used before if none is
    given.
    """
    number = number or f"TEST-{uuid.uuid4().hex[:8].upper()}"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="{_CAC}" xmlns:cbc="{_CBC}">
  <cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID>
  <cbc:ID>{number}</cbc:ID>
  <cbc:IssueDate>{now:%Y-%m-%d}</cbc:IssueDate>
  <cbc:DueDate>{now + timedelta(days=30):%Y-%m-%d}</cbc:DueDate>
  <cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>
  <cbc:Note>A test invoice, made by Pergola about nobody.</cbc:Note>
  <cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
  <cac:OrderReference><cbc:ID>{order}</cbc:ID></cac:OrderReference>
  <cac:AccountingSupplierParty>{_party("Sample Ropes GmbH", "DE123456789")}
  </cac:AccountingSupplierParty>
  <cac:AccountingCustomerParty>{_party("Sample Harbour GmbH", "DE987654321")}
  </cac:AccountingCustomerParty>
  <cac:PaymentTerms><cbc:Note>30 days</cbc:Note></cac:PaymentTerms>
  <cac:TaxTotal>
    <cbc:TaxAmount currencyID="EUR">19.00</cbc:TaxAmount>
    <cac:TaxSubtotal>
      <cbc:TaxableAmount currencyID="EUR">100.00</cbc:TaxableAmount>
      <cbc:TaxAmount currencyID="EUR">19.00</cbc:TaxAmount>
      {_category("TaxCategory")}
    </cac:TaxSubtotal>
  </cac:TaxTotal>
  <cac:LegalMonetaryTotal>
    <cbc:LineExtensionAmount currencyID="EUR">100.00</cbc:LineExtensionAmount>
    <cbc:TaxExclusiveAmount currencyID="EUR">100.00</cbc:TaxExclusiveAmount>
    <cbc:TaxInclusiveAmount currencyID="EUR">119.00</cbc:TaxInclusiveAmount>
    <cbc:PayableAmount currencyID="EUR">119.00</cbc:PayableAmount>
  </cac:LegalMonetaryTotal>
  <cac:InvoiceLine>
    <cbc:ID>1</cbc:ID>
    <cbc:InvoicedQuantity unitCode="MTR">50</cbc:InvoicedQuantity>
    <cbc:LineExtensionAmount currencyID="EUR">100.00</cbc:LineExtensionAmount>
    <cac:Item>
      <cbc:Name>Mooring rope</cbc:Name>
      <cac:SellersItemIdentification><cbc:ID>ROPE-10</cbc:ID></cac:SellersItemIdentification>
      {_category("ClassifiedTaxCategory")}
    </cac:Item>
    <cac:Price><cbc:PriceAmount currencyID="EUR">2.00</cbc:PriceAmount></cac:Price>
  </cac:InvoiceLine>
</Invoice>
""".encode()


def _party(name: str, vat_id: str) -> str:
    return f"""<cac:Party>
    <cac:PostalAddress><cbc:CityName>Hamburg</cbc:CityName>
      <cac:Country><cbc:IdentificationCode>DE</cbc:IdentificationCode></cac:Country>
    </cac:PostalAddress>
    <cac:PartyTaxScheme><cbc:CompanyID>{vat_id}</cbc:CompanyID>
      <cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>
    <cac:PartyLegalEntity><cbc:RegistrationName>{name}</cbc:RegistrationName>
    </cac:PartyLegalEntity>
  </cac:Party>"""


def _category(name: str) -> str:
    return (
        f"<cac:{name}><cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent>"
        f"<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:{name}>"
    )
