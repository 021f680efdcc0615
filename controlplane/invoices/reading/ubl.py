"""UBL 2.1 Invoice and CreditNote, as EN 16931-3-2 binds them to the business terms."""

from decimal import Decimal

from controlplane.invoices.normal import (
    CREDIT_NOTES,
    Identifier,
    InvoiceLine,
    NormalInvoice,
    Party,
    Totals,
    VatBreakdown,
)
from controlplane.invoices.reading.values import MOST_LINES, Values, missing
from controlplane.invoices.reading.xml import Node

INVOICE = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
CREDIT_NOTE = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2"
# The scheme under which SEPA's creditor identifier stands among the seller's identifiers.
_SEPA = "SEPA"


def is_invoice(root: Node) -> bool:
    return (root.namespace, root.name) in {(INVOICE, "Invoice"), (CREDIT_NOTE, "CreditNote")}


def read(root: Node, values: Values) -> NormalInvoice:
    currency = values.currency(root.text("DocumentCurrencyCode"), "currency")
    type_code = root.text("InvoiceTypeCode|CreditNoteTypeCode")
    payee = root.first("PayeeParty")
    invoice = NormalInvoice(
        number=root.text("ID"),
        issue_date=values.day(root.text("IssueDate"), "issue_date"),
        type_code=type_code,
        is_credit_note=root.name == "CreditNote" or type_code in CREDIT_NOTES,
        currency=currency,
        # A credit note of UBL has no DueDate of its own; it stands with the payment means.
        due_date=values.day(
            root.text("DueDate") or root.text("PaymentMeans/PaymentDueDate"), "due_date"
        ),
        buyer_reference=root.text("BuyerReference"),
        contract_ref=root.text("ContractDocumentReference/ID"),
        order_ref=root.text("OrderReference/ID"),
        receiving_advice_ref=root.text("ReceiptDocumentReference/ID"),
        despatch_ref=root.text("DespatchDocumentReference/ID"),
        payment_terms=root.prose("PaymentTerms/Note"),
        notes=tuple(note.value for note in root.all("Note") if note.value),
        profile=root.text("CustomizationID"),
        preceding_invoices=root.texts("BillingReference/InvoiceDocumentReference/ID"),
        iban=root.text("PaymentMeans/PayeeFinancialAccount/ID").replace(" ", ""),
        delivery_date=values.day(root.text("Delivery/ActualDeliveryDate"), "delivery_date"),
        seller=_party(root.first("AccountingSupplierParty/Party")),
        buyer=_party(root.first("AccountingCustomerParty/Party")),
        payee=_party(payee) if payee else None,
        lines=_lines(root, values),
        vat=_vat(root, values, currency),
        totals=_totals(root, values, currency),
    )
    missing(values, invoice, needs_lines=True)
    values.one_currency(currency)
    return invoice


def _party(party: Node | None) -> Party:
    if party is None:
        return Party()
    vat_id = tax_id = ""
    for scheme in party.all("PartyTaxScheme"):
        if scheme.text("TaxScheme/ID").upper() == "VAT":
            vat_id = vat_id or scheme.text("CompanyID")
        else:
            tax_id = tax_id or scheme.text("CompanyID")
    endpoint = party.first("EndpointID")
    trading_name = party.text("PartyName/Name")
    return Party(
        name=party.text("PartyLegalEntity/RegistrationName") or trading_name,
        trading_name=trading_name,
        vat_id=vat_id,
        tax_id=tax_id,
        legal_id=party.text("PartyLegalEntity/CompanyID"),
        identifiers=tuple(
            Identifier(value=node.value, scheme=node.attribute("schemeID"))
            for node in party.all("PartyIdentification/ID")
            if node.value and node.attribute("schemeID") != _SEPA
        ),
        electronic_address=endpoint.value if endpoint else "",
        electronic_address_scheme=endpoint.attribute("schemeID") if endpoint else "",
        street=party.text("PostalAddress/StreetName"),
        city=party.text("PostalAddress/CityName"),
        postal_code=party.text("PostalAddress/PostalZone"),
        country=party.text("PostalAddress/Country/IdentificationCode"),
        contact=party.text("Contact/Name"),
        email=party.text("Contact/ElectronicMail"),
        phone=party.text("Contact/Telephone"),
    )


def _lines(root: Node, values: Values) -> tuple[InvoiceLine, ...]:
    lines = []
    for number, node in enumerate(root.all("InvoiceLine|CreditNoteLine")):
        if number >= MOST_LINES:
            values.problem(
                "too_many_lines", f"Only the first {MOST_LINES} lines were read.", "lines"
            )
            break
        lines.append(_line(node, values, f"lines[{number}]"))
    return tuple(lines)


def _line(node: Node, values: Values, field: str) -> InvoiceLine:
    quantity = node.first("InvoicedQuantity|CreditedQuantity")
    return InvoiceLine(
        id=node.text("ID"),
        note=node.prose("Note"),
        quantity=values.number(quantity, f"{field}.quantity"),
        unit=quantity.attribute("unitCode") if quantity else "",
        net_amount=values.amount(node.first("LineExtensionAmount"), f"{field}.net_amount"),
        order_line_ref=node.text("OrderLineReference/LineID"),
        order_ref=node.text("OrderLineReference/OrderReference/ID"),
        net_price=values.amount(node.first("Price/PriceAmount"), f"{field}.net_price"),
        price_base_quantity=values.number(
            node.first("Price/BaseQuantity"), f"{field}.price_base_quantity"
        ),
        vat_category=node.text("Item/ClassifiedTaxCategory/ID"),
        vat_rate=values.number(
            node.first("Item/ClassifiedTaxCategory/Percent"), f"{field}.vat_rate"
        ),
        name=node.text("Item/Name"),
        description=node.prose("Item/Description"),
        seller_item_id=node.text("Item/SellersItemIdentification/ID"),
        buyer_item_id=node.text("Item/BuyersItemIdentification/ID"),
        standard_item_id=node.text("Item/StandardItemIdentification/ID"),
    )


def _vat(root: Node, values: Values, currency: str) -> tuple[VatBreakdown, ...]:
    return tuple(
        VatBreakdown(
            taxable_amount=values.amount(node.first("TaxableAmount"), f"vat[{at}].taxable_amount"),
            tax_amount=values.amount(node.first("TaxAmount"), f"vat[{at}].tax_amount"),
            category=node.text("TaxCategory/ID"),
            rate=values.number(node.first("TaxCategory/Percent|Percent"), f"vat[{at}].rate"),
            exemption_reason=node.text("TaxCategory/TaxExemptionReason")
            or node.text("TaxCategory/TaxExemptionReasonCode"),
        )
        for at, node in enumerate(
            subtotal
            for total in _tax_totals(root, currency)
            for subtotal in total.all("TaxSubtotal")
        )
    )


def _tax_totals(root: Node, currency: str) -> list[Node]:
    """Without the second total, which repeats the tax in the accounting currency (BT-111)."""
    accounting = root.text("TaxCurrencyCode")
    totals = list(root.all("TaxTotal"))
    if not accounting or accounting == currency:
        return totals
    return [
        total
        for total in totals
        if (amount := total.first("TaxAmount")) is None
        or amount.attribute("currencyID") != accounting
    ]


def _totals(root: Node, values: Values, currency: str) -> Totals:
    total = root.first("LegalMonetaryTotal")

    def amount(name: str, field: str) -> Decimal | None:
        return values.amount(total.first(name), f"totals.{field}") if total else None

    taxes = [
        tax
        for node in _tax_totals(root, currency)
        if (tax := values.amount(node.first("TaxAmount"), "totals.vat")) is not None
    ]
    return Totals(
        line_net=amount("LineExtensionAmount", "line_net"),
        allowances=amount("AllowanceTotalAmount", "allowances"),
        charges=amount("ChargeTotalAmount", "charges"),
        without_vat=amount("TaxExclusiveAmount", "without_vat"),
        # Outside EN 16931, UBL has a total for each kind of tax.
        vat=sum(taxes, Decimal(0)) if taxes else None,
        with_vat=amount("TaxInclusiveAmount", "with_vat"),
        paid=amount("PrepaidAmount", "paid"),
        rounding=amount("PayableRoundingAmount", "rounding"),
        due=amount("PayableAmount", "due"),
    )
