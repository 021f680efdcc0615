"""What the reading process runs: a file in, JSON out. Nothing here needs Django.

The kind of a document is found in its content; its name and the type it was sent with are never
believed. A file that is not read says why (`outcome` "quarantined"); one that a person has to
look at keeps what was found ("to_check"). The libraries for PDFs take longer to load than an XML
to be read, and are loaded only where there is one.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lxml import etree

from controlplane.invoices.normal import NormalInvoice
from controlplane.invoices.reading import cii, ubl, xml
from controlplane.invoices.reading.refusal import Refused
from controlplane.invoices.reading.values import Values

if TYPE_CHECKING:
    from controlplane.invoices.reading.page import Line

MOST_BYTES = 64 * 1024 * 1024
MOST_TEXT = 400_000

_KINDS = (
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"II*\0", "a picture (TIFF)"),
    (b"MM\0*", "a picture (TIFF)"),
    (b"PK\x03\x04", "a ZIP archive, or a document of an office program"),
    (b"\x1f\x8b", "a compressed file"),
    (b"\xd0\xcf\x11\xe0", "a document of an old office program"),
    (b"{\\rtf", "a rich text"),
)
_OTHER_DOCUMENTS = {
    "SCRDMCCBDACIOMessageStructure": "an order (Order-X)",
    "Order": "an order",
    "OrderResponse": "an answer to an order",
    "DespatchAdvice": "a despatch advice",
    "ReceiptAdvice": "a receipt advice",
    "SelfBilledInvoice": "an invoice that the buyer writes himself",
    "SelfBilledCreditNote": "a credit note that the buyer writes himself",
}


def read(argument: dict[str, Any]) -> dict[str, Any]:
    """Read `argument["path"]`; the answer is described in `Reading`.

    With `"only_xml": True` no page of a PDF is looked at: what its XML says is enough.
    """
    answer: dict[str, Any] = {
        "format": "unknown",
        "outcome": "quarantined",
        "reason": None,
        "invoice": None,
        "xml": None,
        "xml_name": "",
        "syntax": None,
        "text": "",
        "pages": 0,
        "fields": [],
        "problems": [],
    }
    try:
        data = _load(argument["path"])
        if _looks_like_pdf(data):
            _read_pdf(data, answer, only_xml=bool(argument.get("only_xml")))
        elif xml.looks_like_xml(data[:1024]):
            _read_xml(data, answer)
        else:
            raise _not_an_invoice(data)
    except Refused as refused:
        answer["outcome"] = "quarantined"
        answer["reason"] = {"code": refused.code, "message": refused.message}
    return answer


def read_text(argument: dict[str, Any]) -> dict[str, Any]:
    """The text of a PDF, page by page: {"pages": [str], "reason": ... | None}."""
    from controlplane.invoices.reading import page, pdf

    try:
        data = _load(argument["path"])
        if not _looks_like_pdf(data):
            raise _not_an_invoice(data)
        pdf.open_pdf(data)
        document = page.open_pages(data)
        pages = [""] * min(len(document), page.MOST_PAGES_OF_TEXT)
        for line in page.read_lines(document):
            pages[line.page - 1] += line.text + "\n"
        return {"pages": pages, "reason": None}
    except Refused as refused:
        return {"pages": [], "reason": {"code": refused.code, "message": refused.message}}


def render(argument: dict[str, Any]) -> dict[str, Any]:
    """A page as a picture: {"png": base64, "width", "height", "pages", ...} or {"reason"}."""
    from controlplane.invoices.reading import page, pdf

    try:
        data = _load(argument["path"])
        if not _looks_like_pdf(data):
            raise _not_an_invoice(data)
        pdf.open_pdf(data)
        shown = page.picture(
            data, page=int(argument.get("page", 1)), width=int(argument.get("width", 900))
        )
        return {**shown, "reason": None}
    except Refused as refused:
        return {"png": "", "reason": {"code": refused.code, "message": refused.message}}


def _load(path: str) -> bytes:
    size = Path(path).stat().st_size
    if size > MOST_BYTES:
        raise Refused(
            "too_large",
            f"The file has {size // 1024 // 1024} MB; at most "
            f"{MOST_BYTES // 1024 // 1024} MB are read.",
        )
    return Path(path).read_bytes()


def _read_xml(data: bytes, answer: dict[str, Any]) -> None:
    root = xml.parse(data)
    if root.name == "StandardBusinessDocument":
        # Peppol's envelope around the invoice.
        root = root.first("Invoice|CreditNote|CrossIndustryInvoice") or root
    values = Values()
    if ubl.is_invoice(root):
        answer["format"] = answer["syntax"] = "ubl"
        invoice: NormalInvoice = ubl.read(root, values)
    elif cii.is_invoice(root):
        answer["format"] = answer["syntax"] = "cii"
        invoice = cii.read(root, values)
    else:
        kind = _OTHER_DOCUMENTS.get(root.name, f"a document of another kind ({root.name[:60]})")
        raise Refused(
            "not_an_invoice",
            f"The XML is {kind}. Invoices are read as UBL Invoice or CreditNote, and as CII.",
        )
    answer["xml"] = etree.tostring(root.element, encoding="unicode", with_tail=False)
    answer["invoice"] = invoice.to_json()
    answer["problems"] = values.problems
    answer["outcome"] = "to_check" if values.problems else "read"


def _read_pdf(data: bytes, answer: dict[str, Any], *, only_xml: bool) -> None:
    from controlplane.invoices.reading import fields, pdf

    answer["format"] = "pdf"
    reader = pdf.open_pdf(data)
    answer["pages"] = len(reader.pages)
    embedded = pdf.embedded_xml(reader)
    del reader
    if embedded is not None:
        answer["format"] = "hybrid"
        answer["xml_name"], content = embedded
        _read_xml(content, answer)
        answer["format"] = "hybrid"
    if only_xml:
        if embedded is None:
            raise Refused("no_xml", "The PDF holds no invoice as XML.")
        return
    lines = _lines(data, optional=embedded is not None)
    answer["text"] = "\n".join(line.text for line in lines)[:MOST_TEXT]
    if embedded is not None:
        return
    answer["outcome"] = "to_check"
    answer["fields"] = fields.find(lines)
    if not answer["text"]:
        answer["problems"].append(
            {
                "code": "no_text",
                "message": "The PDF is a picture without text; a person has to read it.",
                "field": "",
            }
        )
    answer["problems"].append(
        {
            "code": "no_xml",
            "message": "The PDF holds no invoice as XML. What was found in its text is a "
            "proposal; a person has to check it.",
            "field": "",
        }
    )


def _lines(data: bytes, *, optional: bool) -> "list[Line]":
    """The text; a hybrid invoice is read from its XML, even if no page can be shown."""
    from controlplane.invoices.reading import page

    try:
        return page.read_lines(page.open_pages(data))
    except Refused:
        if optional:
            return []
        raise


def _looks_like_pdf(head: bytes) -> bool:
    return b"%PDF-" in head[:1024]


def _not_an_invoice(data: bytes) -> Refused:
    if not data:
        return Refused("not_an_invoice", "The file is empty.")
    kind = next((name for start, name in _KINDS if data.startswith(start)), "of an unknown kind")
    return Refused(
        "not_an_invoice", f"The file is {kind}. Invoices are read as XML (UBL, CII) and as PDF."
    )
