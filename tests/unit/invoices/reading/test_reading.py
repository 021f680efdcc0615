"""Real documents, read the way the server reads them."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from controlplane.core import sandbox
from controlplane.invoices.normal import Identifier, NormalInvoice
from controlplane.invoices.reading import Reading, entry, read_document, render_page
from tests.unit.invoices.reading.pdf_files import associated, attached, pdf, text_pdf

DATA = Path(__file__).resolve().parents[3] / "data" / "invoices"
UBL = (DATA / "xrechnung-ubl.xml").read_bytes()
CII = (DATA / "xrechnung-cii.xml").read_bytes()


def read(tmp_path: Path, content: bytes, name: str = "document") -> Reading:
    path = tmp_path / name
    path.write_bytes(content)
    return read_document(path, name)


def invoice_of(reading: Reading) -> NormalInvoice:
    assert reading.invoice is not None, reading.reason
    return reading.invoice


def test_ubl_is_read_into_the_terms_of_en_16931() -> None:
    reading = read_document(DATA / "xrechnung-ubl.xml")
    invoice = invoice_of(reading)

    assert (reading.format, reading.outcome, reading.syntax) == ("ubl", "read", "ubl")
    assert reading.problems == []
    assert invoice.number == "0000123456"
    assert invoice.issue_date == date(2017, 12, 11)
    assert invoice.order_ref == "10520"
    assert invoice.currency == "EUR"
    assert not invoice.is_credit_note
    assert invoice.totals.due == Decimal("10686.20")
    assert [line.seller_item_id for line in invoice.lines] == ["1034", "1035", "1036", "1037"]
    assert invoice.lines[0].net_price == Decimal(850)
    assert invoice.lines[0].unit == "XPP"
    assert invoice.lines[0].vat_rate == Decimal(19)


def test_cii_is_read_into_the_same_terms() -> None:
    reading = read_document(DATA / "xrechnung-cii.xml")
    invoice = invoice_of(reading)

    assert (reading.format, reading.outcome, reading.syntax) == ("cii", "read", "cii")
    assert invoice.number == "PRG1502112"
    assert invoice.issue_date == date(2015, 4, 24)
    assert invoice.totals.due == Decimal("10555.3")
    assert [line.quantity for line in invoice.lines] == [5, 5, 5, 11]
    assert invoice.lines[3].net_amount == Decimal(220)
    assert invoice.seller.country == "DE"


def test_a_credit_note_says_that_it_is_one() -> None:
    invoice = invoice_of(read_document(DATA / "credit-note-ubl.xml"))

    assert invoice.is_credit_note
    assert invoice.type_code == "381"
    assert invoice.order_ref == "0000200123"
    assert invoice.lines[0].price_base_quantity == 4
    assert invoice.lines[0].net_amount == Decimal(325)


def test_the_xml_inside_a_hybrid_pdf_wins() -> None:
    reading = read_document(DATA / "zugferd-rental.pdf")
    invoice = invoice_of(reading)

    assert (reading.format, reading.outcome, reading.syntax) == ("hybrid", "read", "cii")
    assert reading.xml_name == "factur-x.xml"
    assert reading.xml is not None
    assert reading.xml.startswith("<rsm:CrossIndustryInvoice")
    assert reading.pages == 4
    assert "Mietrechnung" in reading.text
    assert reading.fields == []
    assert invoice.number == "9314110911/00/M/00/N"
    assert invoice.order_ref == "B123456789"
    assert len(invoice.lines) == 6
    assert invoice.seller.identifiers == (
        Identifier(value="549910"),
        Identifier(value="4333741000005", scheme="0088"),
    )


def test_ubl_under_any_name_inside_a_pdf_is_found() -> None:
    reading = read_document(DATA / "odoo-ubl-inside.pdf")

    assert (reading.format, reading.syntax) == ("hybrid", "ubl")
    assert invoice_of(reading).totals.due == Decimal("279.84")


@pytest.mark.parametrize("name", ["factur-x.xml", "ZUGFeRD-invoice.xml", "xrechnung.xml", "a.xml"])
def test_an_attachment_is_found_by_name_or_content(name: str, tmp_path: Path) -> None:
    reading = read(tmp_path, pdf(attached("terms.xml", b"<terms/>"), attached(name, CII)))

    assert (reading.format, reading.outcome) == ("hybrid", "read")
    assert reading.xml_name == name


def test_an_associated_file_without_name_tree_is_found(tmp_path: Path) -> None:
    reading = read(tmp_path, pdf(associated("factur-x.xml", CII)))

    assert (reading.format, reading.outcome) == ("hybrid", "read")


def test_the_name_that_the_standard_gives_comes_before_other_invoices(tmp_path: Path) -> None:
    reading = read(tmp_path, pdf(attached("copy.xml", UBL), attached("factur-x.xml", CII)))

    assert reading.xml_name == "factur-x.xml"
    assert invoice_of(reading).number == "PRG1502112"


def test_an_order_inside_a_pdf_is_no_invoice(tmp_path: Path) -> None:
    order = (
        b'<SCRDMCCBDACIOMessageStructure xmlns="urn:un:unece:uncefact:data:SCRDMCCBDACIOMessage'
        b'Structure:100"/>'
    )

    reading = read(tmp_path, pdf(attached("order-x.xml", order)))

    assert reading.outcome == "quarantined"
    assert reading.reason is not None
    assert reading.reason["code"] == "not_an_invoice"
    assert "order" in reading.reason["message"]


def test_pages_that_stop_the_reader_do_not_cost_the_xml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = []

    def crash_on_pages(argument: dict[str, object]) -> dict[str, object]:
        answers.append(argument)
        if not argument.get("only_xml"):
            raise sandbox.Failed("crash", "signal 5")
        return entry.read(argument)

    monkeypatch.setattr("controlplane.invoices.reading._run", crash_on_pages)

    hybrid = read_document(DATA / "zugferd-rental.pdf")
    plain = read_document(DATA / "no-xml.pdf")

    assert (hybrid.format, hybrid.outcome, hybrid.text) == ("hybrid", "read", "")
    assert plain.outcome == "quarantined"
    assert plain.reason is not None
    assert plain.reason["code"] == "reader_crashed"
    assert len(answers) == 4


def test_a_hostile_attachment_of_another_name_is_left_alone(tmp_path: Path) -> None:
    hostile = b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>'

    reading = read(tmp_path, pdf(attached("a.xml", hostile), attached("b.xml", CII)))

    assert (reading.format, reading.outcome) == ("hybrid", "read")


def test_a_pdf_without_xml_is_to_check_and_nothing_is_decided() -> None:
    reading = read_document(DATA / "no-xml.pdf")
    fields = {field["name"]: field for field in reading.fields}

    assert (reading.format, reading.outcome) == ("pdf", "to_check")
    assert reading.invoice is None
    assert reading.xml is None
    assert [problem["code"] for problem in reading.problems] == ["no_xml"]
    assert "Sammy Maystone" in reading.text
    assert fields["total"]["value"] == "127.50"
    assert fields["order_number"]["value"] == "po_number_123"
    assert fields["due_date"]["value"] == "2022-01-31"
    assert all(0 < field["confidence"] < 1 for field in reading.fields)


def test_a_field_is_marked_where_it_stands(tmp_path: Path) -> None:
    reading = read(tmp_path, text_pdf("Hello", "Invoice number: 2024-17"))

    (number,) = [field for field in reading.fields if field["name"] == "number"]
    left, top, right, bottom = number["box"]
    assert number["page"] == 1
    assert number["label"] == "Invoice number"
    assert 120 < left < right < 200
    assert 70 < top < bottom < 100


def test_a_picture_of_an_invoice_says_that_it_has_no_text(tmp_path: Path) -> None:
    reading = read(tmp_path, pdf())

    assert reading.outcome == "to_check"
    assert [problem["code"] for problem in reading.problems] == ["no_text", "no_xml"]


@pytest.mark.parametrize(
    "encoded",
    [
        UBL.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
        b"\xef\xbb\xbf" + UBL,
        UBL.decode()
        .replace('encoding="UTF-8"', 'encoding="ISO-8859-1"')
        .encode("latin-1", "xmlcharrefreplace"),
        b"\n  " + UBL[UBL.index(b"<Invoice") if b"<Invoice" in UBL else UBL.index(b"<ubl:") :],
    ],
    ids=["UTF-16", "BOM", "ISO-8859-1", "spaces first"],
)
def test_the_encoding_does_not_matter(encoded: bytes, tmp_path: Path) -> None:
    assert read(tmp_path, encoded).invoice == read_document(DATA / "xrechnung-ubl.xml").invoice


def test_peppols_envelope_is_opened(tmp_path: Path) -> None:
    root = UBL[UBL.index(b"?>") + 2 :]
    envelope = (
        b'<StandardBusinessDocument xmlns="http://www.unece.org/cefact/namespaces/'
        b'StandardBusinessDocumentHeader"><StandardBusinessDocumentHeader/>'
        + root
        + b"</StandardBusinessDocument>"
    )

    assert invoice_of(read(tmp_path, envelope)).number == "0000123456"


def test_zugferd_1_is_read_too(tmp_path: Path) -> None:
    old = (
        CII.replace(
            b"urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
            b"urn:ferd:CrossIndustryDocument:invoice:1p0",
        )
        .replace(b"CrossIndustryInvoice ", b"CrossIndustryDocument ")
        .replace(b"CrossIndustryInvoice>", b"CrossIndustryDocument>")
        .replace(b"rsm:ExchangedDocument>", b"rsm:HeaderExchangedDocument>")
        .replace(b"ApplicableHeaderTrade", b"ApplicableSupplyChainTrade")
        .replace(b"SpecifiedLineTrade", b"SpecifiedSupplyChainTrade")
        .replace(b"SettlementHeaderMonetary", b"SettlementMonetary")
        .replace(b"SettlementLineMonetary", b"SettlementMonetary")
        .replace(b"RateApplicablePercent", b"ApplicablePercent")
    )

    reading = read(tmp_path, old)
    today = read_document(DATA / "xrechnung-cii.xml")

    assert reading.format == "cii"
    assert invoice_of(reading).lines == invoice_of(today).lines
    assert invoice_of(reading).totals == invoice_of(today).totals


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("NaN", "number_unreadable"),
        ("INF", "number_unreadable"),
        ("1e999", "number_unreadable"),
        ("1,50", "number_unreadable"),
        ("١٢٣", "number_unreadable"),
        ("９９", "number_unreadable"),
        ("9" * 5000, "number_out_of_range"),
        ("0." + "1" * 5000, "number_out_of_range"),
    ],
)
def test_a_number_that_is_none_is_a_problem(written: str, code: str, tmp_path: Path) -> None:
    amount = b'<cbc:PayableAmount currencyID="EUR">10686.2<'
    assert amount in UBL
    changed = UBL.replace(amount, amount.replace(b"10686.2", written.encode()))

    reading = read(tmp_path, changed)

    assert reading.outcome == "to_check"
    assert [problem["code"] for problem in reading.problems] == [code]
    assert reading.problems[0]["field"] == "totals.due"
    assert invoice_of(reading).totals.due is None


@pytest.mark.parametrize(
    ("old", "new", "code", "field"),
    [
        (b">2017-12-11<", b">2017-02-30<", "date_unreadable", "issue_date"),
        (b">EUR</cbc:DocumentC", b">EURO</cbc:DocumentC", "currency_unknown", "currency"),
        (b">EUR</cbc:DocumentC", b">USD</cbc:DocumentC", "currency_differs", None),
        (b"<cbc:ID>0000123456<", b"<cbc:ID> <", "number_missing", "number"),
    ],
)
def test_what_is_missing_or_wrong_is_a_problem(
    old: bytes, new: bytes, code: str, field: str | None, tmp_path: Path
) -> None:
    assert old in UBL

    reading = read(tmp_path, UBL.replace(old, new, 1))

    assert reading.outcome == "to_check"
    assert code in {problem["code"] for problem in reading.problems}
    assert field in {None, *(problem["field"] for problem in reading.problems)}


def test_negative_amounts_are_amounts(tmp_path: Path) -> None:
    amount = b'<cbc:PayableAmount currencyID="EUR">10686.2<'
    reading = read(tmp_path, UBL.replace(amount, amount.replace(b">1", b">-1")))

    assert reading.outcome == "read"
    assert invoice_of(reading).totals.due == Decimal("-10686.20")


def test_an_invoice_goes_through_json_unchanged() -> None:
    for name in ("xrechnung-ubl.xml", "xrechnung-cii.xml", "credit-note-ubl.xml"):
        invoice = invoice_of(read_document(DATA / name))

        assert NormalInvoice.from_json(invoice.to_json()) == invoice


def test_a_page_is_shown_as_a_picture_of_bounded_size() -> None:
    answer = render_page(DATA / "zugferd-rental.pdf", page=2, width=100_000)

    assert answer["reason"] is None
    assert answer["pages"] == 4
    assert answer["width"] <= 1600
    assert answer["png"].startswith("iVBORw0KGgo")


def test_a_page_that_is_not_there_is_no_picture() -> None:
    assert render_page(DATA / "zugferd-rental.pdf", page=5)["reason"]["code"] == "page_missing"
