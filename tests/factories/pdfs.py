"""Small PDFs of our own, one line of text below the other."""

import io
import zlib

import pypdf
from pypdf.generic import DecodedStreamObject, DictionaryObject, EncodedStreamObject, NameObject


def pdf(*pages: list[str], password: str = "") -> bytes:
    writer = pypdf.PdfWriter()
    for lines in pages:
        shown = "".join(f"({line}) Tj 0 -16 Td\n" for line in lines)
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 11 Tf 60 780 Td\n{shown}ET".encode("latin-1"))
        _add_page(writer, stream)
    return _written(writer, password)


def pdf_bomb(lines: int) -> bytes:
    """A few hundred kilobytes that become `lines` lines of text."""
    squeezer = zlib.compressobj(9)
    parts = [squeezer.compress(b"BT /F1 11 Tf 60 780 Td\n")]
    for _round in range(lines // 10_000):
        parts.append(squeezer.compress(b"(All of this is text.) Tj 0 -1 Td\n" * 10_000))
    stream = EncodedStreamObject()
    stream._data = b"".join([*parts, squeezer.compress(b"ET"), squeezer.flush()])
    stream[NameObject("/Filter")] = NameObject("/FlateDecode")
    writer = pypdf.PdfWriter()
    _add_page(writer, stream)
    return _written(writer, "")


def _add_page(writer: pypdf.PdfWriter, stream: DecodedStreamObject | EncodedStreamObject) -> None:
    page = writer.add_blank_page(595, 842)
    font = DictionaryObject({
        NameObject("/Type"): NameObject("/Font"),
        NameObject("/Subtype"): NameObject("/Type1"),
        NameObject("/BaseFont"): NameObject("/Helvetica"),
    })  # fmt: skip
    fonts = DictionaryObject({NameObject("/F1"): font})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    page[NameObject("/Contents")] = writer._add_object(stream)


def _written(writer: pypdf.PdfWriter, password: str) -> bytes:
    if password:
        writer.encrypt(password)
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()
