"""PDFs from strangers: what is refused before any page is looked at, and the XML inside.

Nothing is decompressed without a limit. The streams are first unpacked as they lie in the file,
only to count what comes out, so that a bomb is named as one instead of eating the memory.
"""

import base64
import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pypdf import PdfReader
from pypdf.errors import LimitReachedError
from pypdf.generic import ArrayObject, DictionaryObject, PdfObject, StreamObject

from controlplane.invoices.reading import cii, ubl, xml
from controlplane.invoices.reading.refusal import Refused

MOST_PAGES = 300
MOST_OBJECTS = 100_000
MOST_STREAM_BYTES = 160 * 1024 * 1024  # a page of A4 in colour at 600 dpi is 105 MB
MOST_BYTES_IN_ALL = 512 * 1024 * 1024
MOST_ATTACHMENTS = 100
MOST_NESTED_STREAMS = 3

# The names that Factur-X, ZUGFeRD and XRechnung give the invoice inside, best first.
NAMES = ("factur-x.xml", "xrechnung.xml", "zugferd-invoice.xml")
_ORDER = "order-x.xml"
_STREAM = re.compile(rb"stream\r?\n")
_OBJECT = re.compile(rb"\b[0-9]+ [0-9]+ obj\b")
_TAIL = 64 * 1024
_PIECE = 1024 * 1024
_DICTIONARY = 1024  # how far before its data the dictionary of a stream begins, at most


def open_pdf(data: bytes) -> PdfReader:
    """The document. Raises Refused: pdf_broken, pdf_bomb, pdf_encrypted, pdf_too_many_pages..."""
    if b"startxref" not in data[-_TAIL:]:
        raise _broken("its end is missing")
    if sum(1 for _match in _OBJECT.finditer(data)) > MOST_OBJECTS:
        raise _too_many_objects()
    _weigh(data)
    with _refusing():
        reader = PdfReader(io.BytesIO(data), strict=False)
        if reader.is_encrypted:
            raise Refused(
                "pdf_encrypted",
                "The PDF is encrypted. Ask the sender for one without a password and without "
                "restrictions.",
            )
        pages = reader.root_object["/Pages"].get_object()
        count = pages.get("/Count", 0) if isinstance(pages, DictionaryObject) else 0
        if isinstance(count, int) and count > MOST_PAGES:
            raise _too_many_pages(count)
        count = len(reader.pages)
    if not count:
        raise _broken("it has no pages")
    if count > MOST_PAGES:
        raise _too_many_pages(count)
    return reader


def embedded_xml(reader: PdfReader) -> tuple[str, bytes] | None:
    """Name and content of the invoice inside, by its name or else by what it is."""
    with _refusing():
        candidates = [
            (name, stream)
            for name, stream in _attachments(reader)
            if name.lower() in NAMES or name.lower().endswith(".xml") or "." not in name
        ]
        by_name = sorted(
            (NAMES.index(name.lower()), name, at)
            for at, (name, _stream) in enumerate(candidates)
            if name.lower() in NAMES
        )
        for _rank, name, at in by_name:
            return name, candidates[at][1].get_data()
        for name, stream in candidates:
            data = stream.get_data()
            if xml.looks_like_xml(data[:1024]) and _is_invoice(data):
                return name, data
        for name, stream in candidates:
            if name.lower() == _ORDER:
                # The same kind of file holds orders, and they must not pass for invoices.
                return name, stream.get_data()
    return None


def _is_invoice(data: bytes) -> bool:
    try:
        root = xml.parse(data)
    except Refused:
        # An attachment of another name may be anything; nothing of it is used.
        return False
    return cii.is_invoice(root) or ubl.is_invoice(root)


def _weigh(data: bytes) -> None:
    """Unpack every Flate stream to nowhere, and refuse the file that grows too much."""
    in_all = 0
    for number, match in enumerate(_STREAM.finditer(data)):
        if number > MOST_OBJECTS:
            raise _too_many_objects()
        size = _unpacked(_plain(data, match), MOST_NESTED_STREAMS)
        in_all += size
        if size > MOST_STREAM_BYTES or in_all > MOST_BYTES_IN_ALL:
            raise Refused(
                "pdf_bomb",
                f"The PDF has {len(data) // 1024} kB, but unpacks to more than "
                f"{max(size, in_all) // 1024 // 1024} MB.",
            )


def _plain(data: bytes, stream: re.Match[bytes]) -> memoryview:
    """The bytes of a stream, without the wrapping in letters that may be around the packing."""
    head = data[max(0, stream.start() - _DICTIONARY) : stream.start()]
    head = head[head.rfind(b"obj") :]
    packed = memoryview(data)[stream.end() :]
    for names, end, decode in _WRAPPINGS:
        if any(name in head for name in names):
            stop = data.find(end, stream.end())
            try:
                return memoryview(decode(bytes(packed[: stop - stream.end() if stop >= 0 else 0])))
            except ValueError:
                return packed
    return packed


def _from_hex(text: bytes) -> bytes:
    return bytes.fromhex(text.decode("ascii", "ignore").strip())


def _from_base85(text: bytes) -> bytes:
    return base64.a85decode(text.strip().removeprefix(b"<~"))


# How a filter is named, in full and short; what ends its data; how it is undone.
_WRAPPINGS: tuple[tuple[tuple[bytes, ...], bytes, Callable[[bytes], bytes]], ...] = (
    ((b"/ASCIIHexDecode", b"/AHx"), b">", _from_hex),
    ((b"/ASCII85Decode", b"/A85"), b"~>", _from_base85),
)


def _unpacked(packed: memoryview, nested: int) -> int:
    """How many bytes come out; a stream packed several times counts as its largest layer."""
    if len(packed) < 2 or packed[0] & 0x0F != 8 or (packed[0] << 8 | packed[1]) % 31:
        return 0
    if not nested:
        raise Refused("pdf_bomb", "The PDF holds a stream that is packed again and again.")
    unpacker = zlib.decompressobj()
    size = 0
    inner = bytearray()
    at = 0
    try:
        while not unpacker.eof and size <= MOST_STREAM_BYTES:
            # Never the whole rest of the file at once: what is not used comes back as a copy.
            piece = unpacker.unconsumed_tail or packed[at : at + _PIECE]
            if not unpacker.unconsumed_tail:
                at += _PIECE
            if not len(piece):
                break
            plain = unpacker.decompress(piece, _PIECE)
            size += len(plain)
            if len(inner) < 16 * _PIECE:
                inner += plain
    except zlib.error:
        # Broken from here on; what came out so far still counts.
        pass
    # Data that by chance begin as packed data do are broken at once; packed ones are long.
    return max(size, _unpacked(memoryview(bytes(inner)), nested - 1)) if size else 0


def _attachments(reader: PdfReader) -> Iterator[tuple[str, StreamObject]]:
    """From the name tree, the associated files of the document, and pages' annotations."""
    root = reader.root_object
    names = _get(root, "/Names")
    found = 0
    for specification in (
        *_name_tree(_get(names, "/EmbeddedFiles")),
        *_items(_get(root, "/AF")),
        *(
            _get(annotation, "/FS")
            for page in reader.pages
            for annotation in _items(_get(page, "/Annots"))
            if _get(annotation, "/Subtype") == "/FileAttachment"
        ),
    ):
        files = _get(specification, "/EF")
        stream = _get(files, "/UF") or _get(files, "/F")
        if not isinstance(stream, StreamObject):
            continue
        found += 1
        if found > MOST_ATTACHMENTS:
            return
        name = _get(specification, "/UF") or _get(specification, "/F") or ""
        yield str(name).replace("\\", "/").rsplit("/", 1)[-1].strip(), stream


def _name_tree(tree: Any) -> Iterator[Any]:
    """The values of a name tree; a tree that bites its tail is walked once."""
    seen: set[int] = set()
    waiting = [tree]
    while waiting and len(seen) < MOST_ATTACHMENTS * 10:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        values = list(_items(_get(node, "/Names")))
        yield from values[1::2]
        waiting.extend(reversed(list(_items(_get(node, "/Kids")))))


def _items(array: Any) -> Iterator[Any]:
    if isinstance(array, ArrayObject):
        for item in array:
            yield item.get_object()


def _get(dictionary: Any, key: str) -> Any:
    value: PdfObject | None = (
        dictionary.get(key) if isinstance(dictionary, DictionaryObject) else None
    )
    return value.get_object() if value is not None else None


@contextmanager
def _refusing() -> Iterator[None]:
    """Whatever a broken file makes pypdf raise is one refusal; MemoryError goes up."""
    try:
        yield
    except (Refused, MemoryError):
        raise
    except LimitReachedError as error:
        if "decod" in str(error) or "decompress" in str(error):
            raise Refused("pdf_bomb", f"The PDF unpacks to too much: {error}") from error
        raise _broken(str(error)) from error
    except Exception as error:
        raise _broken(str(error) or type(error).__name__) from error


def _broken(detail: str) -> Refused:
    return Refused("pdf_broken", f"The PDF is broken: {detail[:200]}. Ask the sender for it again.")


def _too_many_objects() -> Refused:
    return Refused("pdf_too_many_objects", f"The PDF is made of more than {MOST_OBJECTS} objects.")


def _too_many_pages(count: int) -> Refused:
    return Refused(
        "pdf_too_many_pages", f"The PDF has {count} pages; at most {MOST_PAGES} are read."
    )
