"""Hostile files, each built here and read as the server reads them: in a process with limits.

None may raise, crash the reader or take long: each is quarantined for the right reason.
"""

import time
import zlib
from pathlib import Path

import pytest

from controlplane.invoices.reading import read_document, render_page
from tests.factories.invoices import ubl_invoice
from tests.unit.invoices.reading.pdf_files import attached, packed, pdf, stream

UBL = b'<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2">'
MB = 1024 * 1024
FLATE = "/FlateDecode"


def laughs() -> bytes:
    """A billion laughs: each entity is ten of the one before."""
    entities = [b'<!ENTITY a "lol">']
    for number in range(1, 10):
        previous = b"&%c;" % (96 + number)
        entities.append(b'<!ENTITY %c "%s">' % (97 + number, previous * 10))
    return b"<!DOCTYPE x [" + b"".join(entities) + b"]>" + UBL + b"&j;</Invoice>"


def external(address: bytes) -> bytes:
    return b'<!DOCTYPE x [<!ENTITY e SYSTEM "%s">]>%s&e;</Invoice>' % (address, UBL)


def many_objects() -> bytes:
    more = b"".join(b"%d 0 obj\n<<>>\nendobj\n" % number for number in range(10, 300_000))
    return pdf().replace(b"xref\n", more + b"xref\n", 1)


HOSTILE = {
    "billion laughs": (laughs, "xml_doctype"),
    "external entity, file": (lambda: external(b"file:///etc/passwd"), "xml_doctype"),
    "external entity, http": (lambda: external(b"http://127.0.0.1:9/x"), "xml_doctype"),
    "external DTD": (
        lambda: b'<!DOCTYPE Invoice SYSTEM "http://127.0.0.1:9/x.dtd">' + UBL + b"</Invoice>",
        "xml_doctype",
    ),
    "entities in UTF-16": (
        lambda: external(b"file:///etc/passwd").decode().encode("utf-16"),
        "xml_doctype",
    ),
    "nested elements": (lambda: b"<a>" * 100_000 + b"</a>" * 100_000, "xml_too_deep"),
    "50 MB of elements": (
        lambda: UBL + b"<x>y</x>" * (50 * MB // 8) + b"</Invoice>",
        "xml_too_large",
    ),
    "millions of elements": (
        lambda: UBL + b"<x/>" * (8 * MB) + b"</Invoice>",
        "xml_too_large",
    ),
    "a million attributes": (
        lambda: UBL[:-1] + b"".join(b' a%d=""' % number for number in range(1_000_000)) + b"/>",
        "xml_too_large",
    ),
    "one long text": (lambda: UBL + b"x" * 20 * MB + b"</Invoice>", "xml_too_large"),
    "cut off XML": (lambda: UBL + b"<ID>1", "xml_malformed"),
    "Latin-1 that says UTF-8": (
        lambda: b'<?xml version="1.0" encoding="UTF-8"?><a>\xe9</a>',
        "encoding",
    ),
    "an encoding nobody knows": (
        lambda: b'<?xml version="1.0" encoding="klingon"?><a>x</a>',
        "encoding",
    ),
    "an encoding with shifts": (
        lambda: b'<?xml version="1.0" encoding="UTF-7"?><a>+ADw-</a>',
        "encoding",
    ),
    "Flate bomb": (lambda: pdf(stream(packed(256 * MB), FLATE)), "pdf_bomb"),
    "Flate bomb in a bomb": (
        lambda: pdf(stream(zlib.compress(packed(256 * MB)), FLATE, FLATE)),
        "pdf_bomb",
    ),
    "packed five times": (
        lambda: pdf(
            stream(
                zlib.compress(zlib.compress(zlib.compress(zlib.compress(packed(256 * MB))))),
                *[FLATE] * 5,
            )
        ),
        "pdf_bomb",
    ),
    "Flate bomb in hexadecimal letters": (
        lambda: pdf(stream(packed(256 * MB).hex().encode() + b">", "/ASCIIHexDecode", FLATE)),
        "pdf_bomb",
    ),
    "bomb as the embedded XML": (
        lambda: pdf(attached("factur-x.xml", b"x"), stream(packed(256 * MB), FLATE)),
        "pdf_bomb",
    ),
    "encrypted PDF": (lambda: pdf(lambda writer: writer.encrypt("secret")), "pdf_encrypted"),
    "PDF with an owner's password only": (
        lambda: pdf(lambda writer: writer.encrypt("", owner_password="secret")),
        "pdf_encrypted",
    ),
    "cut off PDF": (lambda: pdf()[:-200], "pdf_broken"),
    "only the beginning of a PDF": (lambda: b"%PDF-1.7\n", "pdf_broken"),
    "PDF that is noise": (
        lambda: b"%PDF-1.7\n" + bytes(range(256)) * 4096 + b"startxref\n0\n%%EOF",
        "pdf_broken",
    ),
    "PDF whose arrays are nested": (
        lambda: pdf().replace(b"/Count 1", b"/Count " + b"[" * 100_000 + b"]" * 100_000),
        "pdf_broken",
    ),
    "hundreds of thousands of objects": (many_objects, "pdf_too_many_objects"),
    "hundreds of thousands of streams": (
        lambda: b"%PDF-1.7\n" + b"stream\n\x78\x9c" * 300_000 + b"startxref\n0\n%%EOF",
        "pdf_too_many_objects",
    ),
    "hundreds of pages": (
        lambda: pdf(*[lambda writer: writer.add_blank_page(10, 10)] * 400),
        "pdf_too_many_pages",
    ),
    "millions of pages, it says": (
        lambda: pdf().replace(b"/Count 1", b"/Count 99999999"),
        "pdf_too_many_pages",
    ),
    "hostile XML in a PDF": (
        lambda: pdf(attached("factur-x.xml", external(b"file:///etc/passwd"))),
        "xml_doctype",
    ),
    "broken XML in a PDF": (lambda: pdf(attached("factur-x.xml", b"<a>")), "xml_malformed"),
    "ZIP": (lambda: b"PK\x03\x04" + b"\0" * 100, "not_an_invoice"),
    "picture": (lambda: b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "not_an_invoice"),
    "text": (lambda: b"Invoice 17, 100 EUR", "not_an_invoice"),
    "empty file": (lambda: b"", "not_an_invoice"),
    "web page": (lambda: b"<html><body>Invoice</body></html>", "not_an_invoice"),
    "order": (
        lambda: b'<Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2"/>',
        "not_an_invoice",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_quarantined(name: str, tmp_path: Path) -> None:
    build, code = HOSTILE[name]
    path = tmp_path / "invoice.xml"
    path.write_bytes(build())
    began = time.monotonic()

    reading = read_document(path, "invoice.xml", "application/xml")

    assert reading.outcome == "quarantined"
    assert reading.reason is not None
    assert reading.reason["code"] == code
    assert reading.reason["message"].endswith((".", ".."))
    assert reading.invoice is None
    assert reading.xml is None
    assert time.monotonic() - began < 60


def test_a_file_that_keeps_the_reader_busy_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controlplane.invoices.reading.SECONDS", 1)
    path = tmp_path / "slow.pdf"
    # A stored block of almost a megabyte, begun anew every few bytes: all of it is legal.
    path.write_bytes(
        b"%PDF-1.7\n" + b"stream\n\x78\x01\x00\xff\xff\x00\x00" * 700_000 + b"startxref\n0\n%%EOF"
    )

    reading = read_document(path)

    assert reading.outcome == "quarantined"
    assert reading.reason is not None
    assert reading.reason["code"] == "took_too_long"


def test_a_file_that_needs_too_much_memory_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controlplane.invoices.reading.MEMORY_MB", 200)
    path = tmp_path / "large.xml"
    path.write_bytes(UBL + b"<x>y</x>" * 400_000 + b"</Invoice>")

    reading = read_document(path)

    assert reading.outcome == "quarantined"
    assert reading.reason is not None
    assert reading.reason["code"] == "took_too_much_memory"


def test_a_file_that_is_not_there_is_no_hostile_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_document(tmp_path / "gone.xml")


@pytest.mark.parametrize(
    ("build", "code"),
    [
        (lambda: pdf(stream(packed(256 * MB), FLATE)), "pdf_bomb"),
        (lambda: pdf(lambda writer: writer.encrypt("secret")), "pdf_encrypted"),
        (lambda: b"<a/>", "not_an_invoice"),
    ],
)
def test_no_picture_is_made_of_a_hostile_file(build, code: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "invoice.pdf"
    path.write_bytes(build())

    answer = render_page(path)

    assert answer["png"] == ""
    assert answer["reason"]["code"] == code


ELSEWHERE = '<x:PayableAmount xmlns:x="urn:elsewhere" currencyID="EUR">1</x:PayableAmount>'
IN_ANOTHER = (
    '<x:PayableAmount xmlns:x="urn:oasis:names:specification:ubl:schema:xsd:'
    'CommonAggregateComponents-2" currencyID="EUR">1</x:PayableAmount>'
)


def ubl_with(element: str) -> bytes:
    """Before the amount that is due, where the rules do not look for it."""
    return ubl_invoice().replace(b"<cbc:PayableAmount", element.encode() + b"<cbc:PayableAmount", 1)


def test_an_element_that_no_rule_sees_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "invoice.xml"
    path.write_bytes(ubl_with(ELSEWHERE))

    reading = read_document(path)

    assert reading.invoice is not None
    assert reading.invoice.totals.due == reading.invoice.totals.with_vat


def test_one_name_in_two_namespaces_is_quarantined(tmp_path: Path) -> None:
    path = tmp_path / "invoice.xml"
    path.write_bytes(ubl_with(IN_ANOTHER))

    reading = read_document(path)

    assert reading.reason is not None
    assert reading.reason["code"] == "xml_ambiguous"
