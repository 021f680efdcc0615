"""UN/CEFACT Cross Industry Invoice: CII, Factur-X, ZUGFeRD 2.x, and ZUGFeRD 1.0 with its names."""

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

CII = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
ZUGFERD_1 = "urn:ferd:CrossIndustryDocument:invoice:1p0"

# Today's name first, ZUGFeRD 1.0's second.
_DOCUMENT = "ExchangedDocument|HeaderExchangedDocument"
_CONTEXT = "ExchangedDocumentContext|SpecifiedExchangedDocumentContext"
_TRADE = "SupplyChainTradeTransaction|SpecifiedSupplyChainTradeTransaction"
_AGREEMENT = "ApplicableHeaderTradeAgreement|ApplicableSupplyChainTradeAgreement"
_DELIVERY = "ApplicableHeaderTradeDelivery|ApplicableSupplyChainTradeDelivery"
_SETTLEMENT = "ApplicableHeaderTradeSettlement|ApplicableSupplyChainTradeSettlement"
_SUMMATION = (
    "SpecifiedTradeSettlementHeaderMonetarySummation|SpecifiedTradeSettlementMonetarySummation"
)
_LINE_AGREEMENT = "SpecifiedLineTradeAgreement|SpecifiedSupplyChainTradeAgreement"
_LINE_DELIVERY = "SpecifiedLineTradeDelivery|SpecifiedSupplyChainTradeDelivery"
_LINE_SETTLEMENT = "SpecifiedLineTradeSettlement|SpecifiedSupplyChainTradeSettlement"
_LINE_SUMMATION = (
    "SpecifiedTradeSettlementLineMonetarySummation|SpecifiedTradeSettlementMonetarySummation"
)
_REFERENCE = "IssuerAssignedID|ID"
_DATE = "DateTimeString|DateTime|DateString"


def is_invoice(root: Node) -> bool:
    return (root.namespace, root.name) in {
        (CII, "CrossIndustryInvoice"),
        (ZUGFERD_1, "CrossIndustryDocument"),
    }


def read(root: Node, values: Values) -> NormalInvoice:
    trade = root.first(_TRADE)
    agreement = trade.first(_AGREEMENT) if trade else None
    delivery = trade.first(_DELIVERY) if trade else None
    settlement = trade.first(_SETTLEMENT) if trade else None
    profile = root.text(f"{_CONTEXT}/GuidelineSpecifiedDocumentContextParameter/ID")
    type_code = root.text(f"{_DOCUMENT}/TypeCode")
    currency = values.currency(_text(settlement, "InvoiceCurrencyCode"), "currency")
    payee = settlement.first("PayeeTradeParty") if settlement else None
    invoice = NormalInvoice(
        number=root.text(f"{_DOCUMENT}/ID"),
        issue_date=values.day(root.text(f"{_DOCUMENT}/IssueDateTime/{_DATE}"), "issue_date"),
        type_code=type_code,
        is_credit_note=type_code in CREDIT_NOTES,
        currency=currency,
        due_date=values.day(
            _text(settlement, f"SpecifiedTradePaymentTerms/DueDateDateTime/{_DATE}"), "due_date"
        ),
        buyer_reference=_text(agreement, "BuyerReference"),
        contract_ref=_text(agreement, f"ContractReferencedDocument/{_REFERENCE}"),
        order_ref=_text(agreement, f"BuyerOrderReferencedDocument/{_REFERENCE}"),
        receiving_advice_ref=_text(delivery, f"ReceivingAdviceReferencedDocument/{_REFERENCE}"),
        despatch_ref=_text(delivery, f"DespatchAdviceReferencedDocument/{_REFERENCE}"),
        payment_terms=settlement.prose("SpecifiedTradePaymentTerms/Description")
        if settlement
        else "",
        notes=tuple(
            note.value for note in root.all(f"{_DOCUMENT}/IncludedNote/Content") if note.value
        ),
        profile=profile,
        preceding_invoices=settlement.texts(f"InvoiceReferencedDocument/{_REFERENCE}")
        if settlement
        else (),
        iban=_iban(settlement),
        delivery_date=values.day(
            _text(delivery, f"ActualDeliverySupplyChainEvent/OccurrenceDateTime/{_DATE}"),
            "delivery_date",
        ),
        seller=_party(agreement.first("SellerTradeParty") if agreement else None),
        buyer=_party(agreement.first("BuyerTradeParty") if agreement else None),
        payee=_party(payee) if payee else None,
        lines=_lines(trade, values) if trade else (),
        vat=_vat(settlement, values) if settlement else (),
        totals=_totals(settlement, values, currency) if settlement else Totals(),
    )
    missing(values, invoice, needs_lines=not has_no_lines(profile))
    values.one_currency(currency)
    return invoice


def has_no_lines(profile: str) -> bool:
    """Factur-X's profiles MINIMUM and BASIC WL, which are accounting data without lines."""
    return profile.lower().rsplit(":", 1)[-1] in {"minimum", "basicwl"}


def _text(node: Node | None, path: str) -> str:
    return node.text(path) if node else ""


def _iban(settlement: Node | None) -> str:
    account = "SpecifiedTradeSettlementPaymentMeans/PayeePartyCreditorFinancialAccount"
    found = _text(settlement, f"{account}/IBANID") or _text(settlement, f"{account}/ProprietaryID")
    return found.replace(" ", "")


def _party(party: Node | None) -> Party:
    if party is None:
        return Party()
    registrations: dict[str, str] = {}
    for node in party.all("SpecifiedTaxRegistration/ID"):
        registrations.setdefault(node.attribute("schemeID").upper(), node.value)
    address = party.first("URIUniversalCommunication/URIID")
    return Party(
        name=party.text("Name"),
        trading_name=party.text("SpecifiedLegalOrganization/TradingBusinessName"),
        vat_id=registrations.get("VA", ""),
        tax_id=registrations.get("FC", ""),
        legal_id=party.text("SpecifiedLegalOrganization/ID"),
        identifiers=tuple(
            Identifier(value=node.value, scheme=node.attribute("schemeID"))
            for name in ("ID", "GlobalID")
            for node in party.all(name)
            if node.value
        ),
        electronic_address=address.value if address else "",
        electronic_address_scheme=address.attribute("schemeID") if address else "",
        street=party.text("PostalTradeAddress/LineOne"),
        city=party.text("PostalTradeAddress/CityName"),
        postal_code=party.text("PostalTradeAddress/PostcodeCode"),
        country=party.text("PostalTradeAddress/CountryID"),
        contact=party.text("DefinedTradeContact/PersonName")
        or party.text("DefinedTradeContact/DepartmentName"),
        email=party.text("DefinedTradeContact/EmailURIUniversalCommunication/URIID"),
        phone=party.text("DefinedTradeContact/TelephoneUniversalCommunication/CompleteNumber"),
    )


def _lines(trade: Node, values: Values) -> tuple[InvoiceLine, ...]:
    lines = []
    for number, node in enumerate(trade.all("IncludedSupplyChainTradeLineItem")):
        if number >= MOST_LINES:
            values.problem(
                "too_many_lines", f"Only the first {MOST_LINES} lines were read.", "lines"
            )
            break
        lines.append(_line(node, values, f"lines[{number}]"))
    return tuple(lines)


def _line(node: Node, values: Values, field: str) -> InvoiceLine:
    quantity = node.first(f"{_LINE_DELIVERY}/BilledQuantity")
    price = f"{_LINE_AGREEMENT}/NetPriceProductTradePrice"
    # BT-149 stands with the net price or, as often, with the gross price.
    base = node.first(f"{price}/BasisQuantity") or node.first(
        f"{_LINE_AGREEMENT}/GrossPriceProductTradePrice/BasisQuantity"
    )
    order = f"{_LINE_AGREEMENT}/BuyerOrderReferencedDocument"
    tax = f"{_LINE_SETTLEMENT}/ApplicableTradeTax"
    return InvoiceLine(
        id=node.text("AssociatedDocumentLineDocument/LineID"),
        note=node.prose("AssociatedDocumentLineDocument/IncludedNote/Content"),
        quantity=values.number(quantity, f"{field}.quantity"),
        unit=quantity.attribute("unitCode") if quantity else "",
        net_amount=values.amount(
            node.first(f"{_LINE_SETTLEMENT}/{_LINE_SUMMATION}/LineTotalAmount"),
            f"{field}.net_amount",
        ),
        order_line_ref=node.text(f"{order}/LineID"),
        order_ref=node.text(f"{order}/{_REFERENCE}"),
        net_price=values.amount(node.first(f"{price}/ChargeAmount"), f"{field}.net_price"),
        price_base_quantity=values.number(base, f"{field}.price_base_quantity"),
        vat_category=node.text(f"{tax}/CategoryCode"),
        vat_rate=values.number(
            node.first(f"{tax}/RateApplicablePercent|ApplicablePercent"), f"{field}.vat_rate"
        ),
        name=node.text("SpecifiedTradeProduct/Name"),
        description=node.prose("SpecifiedTradeProduct/Description"),
        seller_item_id=node.text("SpecifiedTradeProduct/SellerAssignedID"),
        buyer_item_id=node.text("SpecifiedTradeProduct/BuyerAssignedID"),
        standard_item_id=node.text("SpecifiedTradeProduct/GlobalID"),
    )


def _vat(settlement: Node, values: Values) -> tuple[VatBreakdown, ...]:
    return tuple(
        VatBreakdown(
            taxable_amount=values.amount(node.first("BasisAmount"), f"vat[{at}].taxable_amount"),
            tax_amount=values.amount(node.first("CalculatedAmount"), f"vat[{at}].tax_amount"),
            category=node.text("CategoryCode"),
            rate=values.number(
                node.first("RateApplicablePercent|ApplicablePercent"), f"vat[{at}].rate"
            ),
            exemption_reason=node.text("ExemptionReason") or node.text("ExemptionReasonCode"),
        )
        for at, node in enumerate(settlement.all("ApplicableTradeTax"))
    )


def _totals(settlement: Node, values: Values, currency: str) -> Totals:
    total = settlement.first(_SUMMATION)
    if total is None:
        return Totals()

    def amount(name: str, field: str) -> Decimal | None:
        return values.amount(total.first(name), f"totals.{field}")

    # The tax may stand twice: in the invoice's currency, and in the accounting one (BT-111).
    taxes = [
        node
        for node in total.all("TaxTotalAmount")
        if node.attribute("currencyID") in {"", currency}
    ] or list(total.all("TaxTotalAmount"))
    return Totals(
        line_net=amount("LineTotalAmount", "line_net"),
        allowances=amount("AllowanceTotalAmount", "allowances"),
        charges=amount("ChargeTotalAmount", "charges"),
        without_vat=amount("TaxBasisTotalAmount", "without_vat"),
        vat=values.amount(taxes[0], "totals.vat") if taxes else None,
        with_vat=amount("GrandTotalAmount", "with_vat"),
        paid=amount("TotalPrepaidAmount", "paid"),
        rounding=amount("RoundingAmount", "rounding"),
        due=amount("DuePayableAmount", "due"),
    )
