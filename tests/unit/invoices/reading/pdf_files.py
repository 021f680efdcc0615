"""Small PDFs, made for one test each."""

import io
import zlib
from collections.abc import Callable
from functools import cache

from pypdf import PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, StreamObject

Change = Callable[[PdfWriter], object]


def pdf(*changes: Change) -> bytes:
    """One empty page, and whatever the changes do to it."""
    writer = PdfWriter()
    writer.add_blank_page(595, 842)
    for change in changes:
        change(writer)
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def text_pdf(*lines: str) -> bytes:
    """A page with each text in a line of its own, 20 points apart."""

    def write(writer: PdfWriter) -> None:
        shown = "".join(
            f"1 0 0 1 50 {780 - 20 * number} Tm ({line}) Tj\n" for number, line in enumerate(lines)
        )
        font = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Font"),
                NameObject("/Subtype"): NameObject("/Type1"),
                NameObject("/BaseFont"): NameObject("/Helvetica"),
                NameObject("/Encoding"): NameObject("/WinAnsiEncoding"),
            }
        )
        page = writer.pages[0]
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
        contents = f"BT /F1 11 Tf\n{shown}ET".encode("cp1252")
        stream(contents)(writer)

    return pdf(write)


def stream(data: bytes, *filters: str) -> Change:
    """The page's contents, with the filters named as they have to be undone."""

    def change(writer: PdfWriter) -> None:
        made = StreamObject()
        made._data = data
        if filters:
            made[NameObject("/Filter")] = ArrayObject(NameObject(name) for name in filters)
        writer.pages[0][NameObject("/Contents")] = writer._add_object(made)

    return change


@cache
def packed(size: int) -> bytes:
    """So many bytes of spaces, in a thousandth of the room. Made once: it takes a second."""
    packer = zlib.compressobj(9)
    pieces = [packer.compress(b" " * 1024 * 1024) for _ in range(size // 1024 // 1024)]
    return b"".join([*pieces, packer.flush()])


def attached(name: str, content: bytes) -> Change:
    return lambda writer: writer.add_attachment(name, content)


def associated(name: str, content: bytes) -> Change:
    """A file that only the catalog's /AF knows, and no name tree."""

    def change(writer: PdfWriter) -> None:
        file = StreamObject()
        file._data = content
        specification = DictionaryObject(
            {
                NameObject("/Type"): NameObject("/Filespec"),
                NameObject("/F"): _text(name),
                NameObject("/EF"): DictionaryObject({NameObject("/F"): writer._add_object(file)}),
            }
        )
        writer.root_object[NameObject("/AF")] = ArrayObject([writer._add_object(specification)])

    return change


def _text(value: str):  # type: ignore[no-untyped-def]
    from pypdf.generic import TextStringObject

    return TextStringObject(value)
