"""The source of an XML invoice as lines, and on which of them each business term stands.

Only tags are looked for, in one pass: nothing is parsed, expanded or fetched, so a hostile file
costs no more here than a long one.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_BYTES = 400_000
_LONG_LINE = 600
_TAG = re.compile(r"<(?P<end>/)?(?:[\w.-]+:)?(?P<name>[\w.-]+)[^<>]*?(?P<empty>/)?>")
# Where tags do not count, and what ends it.
_OPAQUE = (("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>"), ("<!", ">"))
_STEP = re.compile(r"/(?:\*:|[\w.-]+:)?([\w.-]+|\*)((?:\[[^\]]*\])*)")
_MOST_DEPTH = 64

_UBL = {
    "ID": "BT-1",
    "IssueDate": "BT-2",
    "DueDate": "BT-9",
    "PaymentMeans/PaymentDueDate": "BT-9",
    "BuyerReference": "BT-10",
    "ContractDocumentReference/ID": "BT-12",
    "OrderReference/ID": "BT-13",
    "ReceiptDocumentReference/ID": "BT-15",
    "DespatchDocumentReference/ID": "BT-16",
    "BillingReference/InvoiceDocumentReference/ID": "BT-25",
    "AccountingSupplierParty/Party/PartyLegalEntity/RegistrationName": "BT-27",
    "AccountingSupplierParty/Party/PartyTaxScheme/CompanyID": "BT-31",
    "AccountingCustomerParty/Party/PartyLegalEntity/RegistrationName": "BT-44",
    "AccountingCustomerParty/Party/PartyTaxScheme/CompanyID": "BT-48",
    "PayeeParty/PartyName/Name": "BT-59",
    "Delivery/ActualDeliveryDate": "BT-72",
    "PaymentMeans/PayeeFinancialAccount/ID": "BT-84",
    "LegalMonetaryTotal/LineExtensionAmount": "BT-106",
    "LegalMonetaryTotal/AllowanceTotalAmount": "BT-107",
    "LegalMonetaryTotal/ChargeTotalAmount": "BT-108",
    "LegalMonetaryTotal/TaxExclusiveAmount": "BT-109",
    "TaxTotal/TaxAmount": "BT-110",
    "LegalMonetaryTotal/TaxInclusiveAmount": "BT-112",
    "LegalMonetaryTotal/PrepaidAmount": "BT-113",
    "LegalMonetaryTotal/PayableAmount": "BT-115",
}
_TRADE = "SupplyChainTradeTransaction/ApplicableHeaderTrade"
_SUM = f"{_TRADE}Settlement/SpecifiedTradeSettlementHeaderMonetarySummation"
_CII = {
    "ExchangedDocument/ID": "BT-1",
    "ExchangedDocument/IssueDateTime/DateTimeString": "BT-2",
    f"{_TRADE}Settlement/SpecifiedTradePaymentTerms/DueDateDateTime/DateTimeString": "BT-9",
    f"{_TRADE}Agreement/BuyerReference": "BT-10",
    f"{_TRADE}Agreement/ContractReferencedDocument/IssuerAssignedID": "BT-12",
    f"{_TRADE}Agreement/BuyerOrderReferencedDocument/IssuerAssignedID": "BT-13",
    f"{_TRADE}Delivery/ReceivingAdviceReferencedDocument/IssuerAssignedID": "BT-15",
    f"{_TRADE}Delivery/DespatchAdviceReferencedDocument/IssuerAssignedID": "BT-16",
    f"{_TRADE}Settlement/InvoiceReferencedDocument/IssuerAssignedID": "BT-25",
    f"{_TRADE}Agreement/SellerTradeParty/Name": "BT-27",
    f"{_TRADE}Agreement/SellerTradeParty/SpecifiedTaxRegistration/ID": "BT-31",
    f"{_TRADE}Agreement/BuyerTradeParty/Name": "BT-44",
    f"{_TRADE}Agreement/BuyerTradeParty/SpecifiedTaxRegistration/ID": "BT-48",
    f"{_TRADE}Settlement/PayeeTradeParty/Name": "BT-59",
    f"{_TRADE}Delivery/ActualDeliverySupplyChainEvent/OccurrenceDateTime/DateTimeString": "BT-72",
    f"{_TRADE}Settlement/SpecifiedTradeSettlementPaymentMeans"
    "/PayeePartyCreditorFinancialAccount/IBANID": "BT-84",
    f"{_SUM}/LineTotalAmount": "BT-106",
    f"{_SUM}/AllowanceTotalAmount": "BT-107",
    f"{_SUM}/ChargeTotalAmount": "BT-108",
    f"{_SUM}/TaxBasisTotalAmount": "BT-109",
    f"{_SUM}/TaxTotalAmount": "BT-110",
    f"{_SUM}/GrandTotalAmount": "BT-112",
    f"{_SUM}/TotalPrepaidAmount": "BT-113",
    f"{_SUM}/DuePayableAmount": "BT-115",
}
TERM_AT = {**{("UBL", path): term for path, term in _UBL.items()},
           **{("CII", path): term for path, term in _CII.items()}}  # fmt: skip


@dataclass(frozen=True)
class Line:
    number: int
    text: str
    terms: str


@dataclass(frozen=True)
class Source:
    """`is_cut` where the file is longer than is shown; `of_term` and `of_element` name lines."""

    lines: list[Line]
    is_cut: bool = False
    of_term: dict[str, int] = field(default_factory=dict)
    of_element: dict[str, int] = field(default_factory=dict)

    def line_of(self, element: str) -> int | None:
        """Where a rule's XPath points: the element itself, or the nearest that holds it."""
        path = _plain_path(f"/{element.lstrip('/')}")
        while path:
            if path in self.of_element:
                return self.of_element[path]
            path = path.rpartition("/")[0]
        return None


def source_of(data: bytes) -> Source:
    """Shown as it came; a file without line breaks is broken before each element."""
    is_cut = len(data) > MOST_BYTES
    text = _decoded(data[:MOST_BYTES]).replace("\r\n", "\n").replace("\r", "\n")
    if any(len(line) > _LONG_LINE for line in text.split("\n")):
        text = re.sub(r">[ \t]*<(?!/)", ">\n<", text)
    of_element: dict[str, int] = {}
    of_term: dict[str, int] = {}
    for path, names, number in _elements(text):
        of_element.setdefault(path, number)
        root, _slash, inner = names.partition("/")
        family = "CII" if root == "CrossIndustryInvoice" else "UBL"
        if term := TERM_AT.get((family, inner)):
            of_term.setdefault(term, number)
    at: dict[int, list[str]] = {}
    for term, number in of_term.items():
        at.setdefault(number, []).append(term)
    lines = [
        Line(number, line, " ".join(at.get(number, ())))
        for number, line in enumerate(text.rstrip("\n").split("\n"), 1)
    ]
    return Source(lines, is_cut, of_term, of_element)


def _elements(text: str) -> Iterator[tuple[str, str, int]]:
    """Each element by its path, `/Invoice[1]/InvoiceLine[2]`, by its names, `Invoice/InvoiceLine`,
    and the line on which it begins. What lies deeper than any invoice's is passed over.
    """
    parents, siblings, deeper = [("", "")], [Counter[str]()], 0
    number, counted = 1, 0
    for tag in _tags(text):
        number += text.count("\n", counted, tag.start())
        counted = tag.start()
        name = tag["name"]
        if tag["end"]:
            if deeper:
                deeper -= 1
            elif len(parents) > 1:
                parents.pop()
                siblings.pop()
            continue
        if deeper or len(parents) > _MOST_DEPTH:
            deeper += not tag["empty"]
            continue
        siblings[-1][name] += 1
        path, names = parents[-1]
        path, names = f"{path}/{name}[{siblings[-1][name]}]", f"{names}/{name}".removeprefix("/")
        yield path, names, number
        if not tag["empty"]:
            parents.append((path, names))
            siblings.append(Counter())


def _tags(text: str) -> Iterator[re.Match[str]]:
    """In one pass: what ends nowhere ends the search, so that nothing is looked at twice."""
    at = text.find("<")
    while at >= 0:
        opaque = next((pair for pair in _OPAQUE if text.startswith(pair[0], at)), None)
        if opaque:
            end = text.find(opaque[1], at + len(opaque[0]))
            if end < 0:
                return
            at = text.find("<", end)
            continue
        if tag := _TAG.match(text, at):
            yield tag
        at = text.find("<", at + 1)


def _plain_path(xpath: str) -> str:
    """`/*:Invoice[namespace-uri()='…'][1]/cbc:ID` → `/Invoice[1]/ID[1]`."""
    steps = []
    for name, predicates in _STEP.findall(xpath):
        named = re.search(r"local-name\(\)\s*=\s*['\"]([\w.-]+)", predicates)
        place = re.search(r"\[(\d+)\]", predicates)
        steps.append(f"/{named[1] if named else name}[{place[1] if place else 1}]")
    return "".join(steps)


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    declared = re.match(rb"<\?xml[^>]*encoding=[\"']([\w.-]+)", data.removeprefix(b"\xef\xbb\xbf"))
    encoding = declared[1].decode() if declared else "utf-8"
    try:
        return data.decode("utf-8-sig" if encoding.lower() == "utf-8" else encoding, "replace")
    except LookupError:
        return data.decode("utf-8", "replace")
