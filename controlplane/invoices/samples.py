"""What the test button of a source sends: a small invoice that no order was placed for."""

import uuid
from datetime import datetime, timedelta

_CAC = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
_CBC = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"


def sample_invoice(now: datetime) -> bytes:
    """UBL that breaks no rule of EN 16931, with a number that was never used before."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="{_CAC}" xmlns:cbc="{_CBC}">
  <cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID>
  <cbc:ID>TEST-{uuid.uuid4().hex[:8].upper()}</cbc:ID>
  <cbc:IssueDate>{now:%Y-%m-%d}</cbc:IssueDate>
  <cbc:DueDate>{now + timedelta(days=30):%Y-%m-%d}</cbc:DueDate>
  <cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>
  <cbc:Note>A test invoice, sent by the button in Pergola.</cbc:Note>
  <cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
  <cac:OrderReference><cbc:ID>TEST</cbc:ID></cac:OrderReference>
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
