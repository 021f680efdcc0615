"""Where the business terms stand in the source of an invoice."""

import pytest

from controlplane.portal.invoices.source import MOST_BYTES, source_of
from tests.factories.invoices import ubl_invoice

CII = b"""<rsm:CrossIndustryInvoice xmlns:rsm="r" xmlns:ram="a" xmlns:udt="u">
  <rsm:ExchangedDocument>
    <ram:ID>R-5</ram:ID>
    <ram:IssueDateTime><udt:DateTimeString>20260301</udt:DateTimeString></ram:IssueDateTime>
  </rsm:ExchangedDocument>
</rsm:CrossIndustryInvoice>
"""


def test_terms_of_ubl_by_line() -> None:
    source = source_of(ubl_invoice(number="R-9"))
    by_number = {line.number: line.text for line in source.lines}
    assert "R-9" in by_number[source.of_term["BT-1"]]
    assert "PO-1" in by_number[source.of_term["BT-13"]]
    assert "PayableAmount" in by_number[source.of_term["BT-115"]]
    assert not source.is_cut


def test_terms_of_cii_by_line() -> None:
    assert source_of(CII).of_term == {"BT-1": 3, "BT-2": 4}


@pytest.mark.parametrize(
    "element",
    [
        "/Invoice[1]/cac:InvoiceLine[2]/cbc:ID[1]",
        "Invoice/InvoiceLine[2]/ID",
        "/*:Invoice[namespace-uri()='urn:x'][1]/*:InvoiceLine[namespace-uri()='urn:x'][2]/*:ID[1]",
        "/*[local-name()='Invoice'][1]/*[local-name()='InvoiceLine'][2]/*[local-name()='ID'][1]",
        "Invoice/InvoiceLine[2]/ID/@schemeID",
    ],
)
def test_a_rules_element_is_found_however_it_is_written(element: str) -> None:
    source = source_of(ubl_invoice())
    line = source.line_of(element)
    assert line is not None
    assert source.lines[line - 1].text.strip() == "<cbc:ID>2</cbc:ID>"


def test_what_is_missing_is_shown_at_what_should_hold_it() -> None:
    source = source_of(ubl_invoice())
    assert source.line_of("Invoice/AccountingSupplierParty/Contact/Name") == source.line_of(
        "Invoice/AccountingSupplierParty"
    )
    assert source.line_of("CreditNote/ID") is None
    assert source.line_of("") is None


def test_comments_and_character_data_hold_no_elements() -> None:
    data = b"<Invoice><!-- <ID>1</ID> --><![CDATA[<ID>2</ID>]]>\n<ID>3</ID></Invoice>"
    assert source_of(data).of_term == {"BT-1": 2}


def test_one_long_line_is_broken_before_each_element() -> None:
    data = b"".join(line.strip() for line in ubl_invoice().splitlines())
    source = source_of(data)
    assert len(source.lines) > 40
    assert "R-1001" in source.lines[source.of_term["BT-1"] - 1].text


def test_encodings() -> None:
    text = '<?xml version="1.0" encoding="ISO-8859-1"?>\n<Invoice><Note>Zürich</Note></Invoice>'
    assert "Zürich" in source_of(text.encode("latin-1")).lines[1].text
    assert "Zürich" in source_of(text.encode("utf-16")).lines[1].text
    assert source_of(b'<?xml version="1.0" encoding="no-such"?><Invoice/>').lines


@pytest.mark.parametrize("piece", [b"<!--", b"<a ", b"<", b"<![CDATA[", b"<?", b"<a>"])
def test_a_hostile_source_is_no_more_than_a_long_one(piece: bytes) -> None:
    source = source_of(b"<Invoice>" + piece * (MOST_BYTES // len(piece)) + b"tail")
    assert source.is_cut
    assert len(source.of_element) <= 64


def test_what_lies_too_deep_is_passed_over_and_what_follows_is_found() -> None:
    deep = b"<a>" * 100 + b"</a>" * 100
    source = source_of(b"<Invoice>\n" + deep + b"\n<IssueDate>2026-01-01</IssueDate>\n</Invoice>")
    assert source.of_element["/Invoice[1]/IssueDate[1]"] == source.of_term["BT-2"]
